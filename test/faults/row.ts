import type { TwilioStrategyOptions } from '../../lib'
import type { Behaviour } from '../support/twilio-server'
import type { GoodAnswer, Provider } from './provider'
import type { Seen, Visitor } from './visitor'

export const CONTENDERS = ['passport-twilio', 'passport-oauth2', "openid-client's strategy"] as const
export type ContenderName = (typeof CONTENDERS)[number]
export type Peer = Exclude<ContenderName, 'passport-twilio'>

/** What is wrong: with an answer of the provider, or with what a visitor does. */
export interface Fault {
  /** What the token endpoint does instead of giving its good answer. */
  readonly token?: (good: GoodAnswer) => Behaviour | Promise<Behaviour>
  /** What the authorize endpoint does, where the app asks it for the page to log in on. */
  readonly authorize?: Behaviour
  /** What the address of the provider's public keys does. */
  readonly keys?: Behaviour
  /** What the visitor does instead of logging in. Gives the answer that counts. */
  readonly visit?: (visit: Visit) => Promise<Seen>
}

export interface Visit {
  readonly visitor: Visitor
  readonly provider: Provider
  /** Somebody else, with a browser of their own. */
  readonly stranger: () => Visitor
}

/** What `/account` shows to somebody who is logged in. */
export interface Account {
  readonly id: string
  readonly name: string
  /** Something that the token endpoint sent along. */
  readonly note: string
  /** Seconds that the access token has left, `null` where nobody knows; passport-twilio alone tells. */
  readonly expiresIn: number | null
  readonly hasRefreshToken: boolean
}

/** What an error must carry. */
export type Fields = Readonly<Record<string, string | number | undefined>>

/** What must come of a fault. The names of errors are passport-twilio's; a peer holds a row with any error. */
export type Outcome =
  /** The person is logged in. */
  | { readonly loggedIn: Partial<Account> }
  /** The app's error handler is told, with an error of this class, and nobody is logged in. */
  | { readonly error: string; readonly status: number; readonly fields?: Fields }
  /** Passport's failure: nobody is logged in, and the app goes on as it does with people who do not approve. */
  | { readonly failure: true }
  /** The visitor is answered so, whoever is logged in. */
  | { readonly answer: number; readonly location?: string }

/** How the app of a row is set up, where it is not as usual. */
export interface RowSettings {
  /** The version that this row is about; without, it must hold for both. */
  readonly apiVersion?: 'v1' | 'v2'
  /** ms for a whole call to the provider, in rows that are about it. */
  readonly timeout?: number
  readonly session?: 'memory' | 'none' | 'cookie'
  /** Encrypts passport-twilio's tokens in the session. */
  readonly tokenSecret?: string
  readonly tokenServer?: TokenServer
  /** passport-twilio's own options. */
  readonly strategy?: (provider: Provider) => StrategySettings
  /** The signature of ID tokens is checked with the provider's keys. */
  readonly checksSignature?: boolean
}

/** Options that can be sent to another process. */
export type StrategySettings = Pick<TwilioStrategyOptions, 'resolveAuthorizeURL' | 'idToken' | 'maxResponseBytes' | 'pendingLoginTTL' | 'lookUpAccount'>

/** A token endpoint that is somewhere else than the provider. */
export type TokenServer = 'nobody listens' | 'no such host' | { readonly cert: string; readonly key: string }

export interface Row {
  readonly name: string
  /** How SECURITY.md refers to the row's test. */
  readonly id?: string | undefined
  readonly fault: Fault
  readonly outcome: Outcome
  readonly why: string
  readonly settings?: RowSettings
  /** Peers that the row says nothing about, and why. */
  readonly notApplicable?: Partial<Readonly<Record<Peer, string>>>
}

export const loggedIn = (account: Partial<Account> = {}): Outcome => ({ loggedIn: account })
export const failure: Outcome = { failure: true }
export const responseError: Outcome = { error: 'TwilioResponseError', status: 502 }
export const timeoutError: Outcome = { error: 'TwilioTimeoutError', status: 504 }
export const networkError: Outcome = { error: 'TwilioNetworkError', status: 502 }
export const idTokenError: Outcome = { error: 'TwilioIdTokenError', status: 502 }
export const badRequest: Outcome = { error: 'AuthorizationError', status: 400, fields: { code: 'invalid_request' } }
export const tokenError = (code: string, status: number, fields: Fields = {}): Outcome => ({ error: 'TwilioTokenError', status, fields: { code, ...fields } })
export const stateError = (reason: 'missing' | 'unknown' | 'expired' | 'used'): Outcome => ({ error: 'LoginStateError', status: 403, fields: { reason } })

/** For rows about something that no peer has. */
export function onlyOurs(why: string): Required<Pick<Row, 'notApplicable'>>['notApplicable'] {
  return { 'passport-oauth2': why, "openid-client's strategy": why }
}
