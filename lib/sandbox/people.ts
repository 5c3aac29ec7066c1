import { randomBytes } from 'node:crypto'

/** Somebody who can sign in at the sandbox. */
export interface SandboxPerson {
  /** In full; what `login`'s `as` takes, too. */
  readonly name: string
  /** For the ID token's `given_name`. */
  readonly givenName: string
  /** For the ID token's `family_name`. */
  readonly familyName: string
  /** For the ID token's `email`; what `login`'s `as` takes, too. */
  readonly email: string
  /** `US` and 32 hex digits. */
  readonly userSid: string
  /** `AC` and 32 hex digits. */
  readonly accountSid: string
  /** What the account is called. */
  readonly accountName: string
}

/** An OAuth app that is registered at the sandbox. */
export interface SandboxApp {
  /** `OQ` and 32 more characters. */
  readonly clientID: string
  /** What the token endpoint wants to see. */
  readonly clientSecret: string
  /** What people are told who asks. */
  readonly name: string
  /** Compared exactly. Without any, every address on this machine is taken, so that tests can use free ports. */
  readonly redirectURIs?: readonly string[] | undefined
  /** Whose account client credentials work in. */
  readonly accountSid: string
}

/** An app to be registered; what is left out is made up. */
export type SandboxAppOptions = { readonly [Name in keyof SandboxApp]?: SandboxApp[Name] | undefined }

/** A made-up SID: the prefix and 32 hex digits. */
export function newSID(prefix: string): string {
  return prefix + randomBytes(16).toString('hex')
}

export const READY_PEOPLE: readonly [SandboxPerson, ...SandboxPerson[]] = [
  {
    name: 'Amara Okafor',
    givenName: 'Amara',
    familyName: 'Okafor',
    email: 'amara@okafor-couriers.example',
    userSid: 'US5a1c0b7e9d3f4a6288c1e0d7b9f2a461',
    accountSid: 'AC1f0e2d3c4b5a69788796a5b4c3d2e1f0',
    accountName: 'Okafor Couriers'
  },
  {
    name: 'Jonas Lindqvist',
    givenName: 'Jonas',
    familyName: 'Lindqvist',
    email: 'jonas@fjordclinic.example',
    userSid: 'US8d2f6e4b1a9c4735b0e6f1a2c3d4e5f6',
    accountSid: 'AC9b8a7c6d5e4f30211203f4e5d6c7a8b9',
    accountName: 'Fjord Clinic'
  },
  {
    name: 'Mei-Lin Zhào',
    givenName: 'Mei-Lin',
    familyName: 'Zhào',
    email: 'meilin@zhao-books.example',
    userSid: 'USc3b1d5e7f9024618a0c2e4f608192a3b',
    accountSid: 'AC4d5e6f708192a3b4c5d6e7f8091a2b3c',
    accountName: 'Zhào Books'
  }
]

/** An app with what was not given made up. */
export function registerApp(app: SandboxAppOptions, accountSid: string): SandboxApp {
  return {
    clientID: app.clientID ?? newSID('OQ'),
    clientSecret: app.clientSecret ?? randomBytes(36).toString('base64url'),
    name: app.name ?? 'Your app',
    redirectURIs: app.redirectURIs,
    accountSid: app.accountSid ?? accountSid
  }
}
