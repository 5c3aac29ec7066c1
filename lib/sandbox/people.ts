/** A person who can sign in to the sandbox. */
export interface SandboxPerson {
  /** The full name, for the ID token's `name`. `login()` accepts it as `as`. */
  readonly name: string
  /** For the ID token's `given_name`. */
  readonly givenName: string
  /** For the ID token's `family_name`. */
  readonly familyName: string
  /** For the ID token's `email`. `login()` accepts it as `as`. */
  readonly email: string
  /** The user SID: `US` and 32 hex digits. */
  readonly userSid: string
  /** What the person is in the organization. Only owners and administrators can approve an organization's app. Default: `owner`. */
  readonly role?: 'owner' | 'administrator' | 'member' | undefined
  /** The SID of the account that the person works in, one of the organization's: `AC` and 32 hex digits. Several people may share one. */
  readonly accountSid: string
  /** The friendly name of that account. */
  readonly accountName: string
}

/** The organization that all people and accounts of the sandbox belong to. */
export const ORGANIZATION_SID = 'OR6f1d2c3b4a59687756a4b3c2d1e0f987'

/** Whether a person can approve an organization's app. */
export function canApprove({ role = 'owner' }: SandboxPerson): boolean {
  return role !== 'member'
}

/** Who can sign in unless the `people` option says otherwise. */
export const DEFAULT_PEOPLE: readonly [SandboxPerson, ...SandboxPerson[]] = [
  {
    name: 'Amara Okafor',
    givenName: 'Amara',
    familyName: 'Okafor',
    email: 'amara@okafor-couriers.example',
    userSid: 'US5a1c0b7e9d3f4a6288c1e0d7b9f2a461',
    role: 'owner',
    accountSid: 'AC1f0e2d3c4b5a69788796a5b4c3d2e1f0',
    accountName: 'Okafor Couriers'
  },
  {
    name: 'Jonas Lindqvist',
    givenName: 'Jonas',
    familyName: 'Lindqvist',
    email: 'jonas@fjordclinic.example',
    userSid: 'US8d2f6e4b1a9c4735b0e6f1a2c3d4e5f6',
    role: 'administrator',
    accountSid: 'AC9b8a7c6d5e4f30211203f4e5d6c7a8b9',
    accountName: 'Fjord Clinic'
  },
  {
    name: 'Mei-Lin Zhào',
    givenName: 'Mei-Lin',
    familyName: 'Zhào',
    email: 'meilin@zhao-books.example',
    userSid: 'USc3b1d5e7f9024618a0c2e4f608192a3b',
    role: 'owner',
    accountSid: 'AC4d5e6f708192a3b4c5d6e7f8091a2b3c',
    accountName: 'Zhào Books'
  },
  {
    name: 'Tomás Rivera',
    givenName: 'Tomás',
    familyName: 'Rivera',
    email: 'tomas@okafor-couriers.example',
    userSid: 'US2e4a6c8f0b1d4937a5c7e9f1b3d5f708',
    role: 'member',
    accountSid: 'AC1f0e2d3c4b5a69788796a5b4c3d2e1f0',
    accountName: 'Okafor Couriers'
  }
]
