import type { SandboxApp } from './apps'
import type { SandboxPerson } from './people'

/** A Twilio account. */
export interface SandboxAccount {
  readonly accountSid: string
  readonly accountName: string
}

/** The accounts that an app can act for: its own, or all of the organization's. */
export function accountsOf({ owner, accountSid, name }: SandboxApp, people: readonly SandboxPerson[]): readonly SandboxAccount[] {
  const all = organizationAccounts(people)
  if (owner === 'organization') return all
  return [all.find((account) => account.accountSid === accountSid) ?? { accountSid, accountName: name }]
}

/** The accounts that the people of the organization work in. */
function organizationAccounts(people: readonly SandboxPerson[]): readonly SandboxAccount[] {
  const byAccountSid = new Map(people.map(({ accountSid, accountName }) => [accountSid, { accountSid, accountName }]))
  return [...byAccountSid.values()]
}
