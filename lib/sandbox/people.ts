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
  /** The SID of the person's account: `AC` and 32 hex digits. */
  readonly accountSid: string
  /** The friendly name of the person's account. */
  readonly accountName: string
}

/** Who can sign in unless the `people` option says otherwise. */
export const DEFAULT_PEOPLE: readonly [SandboxPerson, ...SandboxPerson[]] = [
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
