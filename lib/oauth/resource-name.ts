import { isObject } from '../util/is-object'
import type { Claims } from './claims'

/** A parsed Twilio Resource Name: `trn:REGION:SERVICE:TYPE:SID`. */
export interface TwilioResourceName {
  readonly region: string
  readonly service: string
  readonly type: string
  readonly sid: string
}

export function parseResourceName(value: unknown): TwilioResourceName | undefined {
  if (typeof value !== 'string' || !value.startsWith('trn:')) return undefined
  const parts = value.split(':')
  const [, region, service, type, sid] = parts
  if (parts.length !== 5 || region === undefined || !service || !type || !sid) return undefined
  return { region, service, type, sid }
}

/** The account or organization that a token acts for: the one that approved the app. */
export function actorOf(claims: Claims): TwilioResourceName | undefined {
  const { act } = claims
  return parseResourceName(isObject(act) ? act.sub : undefined) ?? parseResourceName(claims['urn:tw:iam_ctx'])
}

/** The SID in a resource name, if it has this prefix (`AC` for an account, `OR` for an organization, `US` for a user). */
export function sidOf(name: TwilioResourceName | undefined, prefix: 'AC' | 'OR' | 'US'): string | undefined {
  return name?.sid.startsWith(prefix) ? name.sid : undefined
}

/** The SID of the account that a token acts for; `undefined` if it acts for an organization, or the token does not say. */
export function accountSidOf(claims: Claims): string | undefined {
  return sidOf(actorOf(claims), 'AC')
}
