import type { TwilioStrategyOptions } from '../../lib'
import type { Behaviour } from '../support/twilio-server'
import type { GoodResponse, Provider } from './provider'
import type { ReceivedResponse, Visitor } from './visitor'

export const CONTENDERS = ['passport-twilio', 'passport-oauth2', "openid-client's strategy"] as const
export type ContenderName = (typeof CONTENDERS)[number]
export type Peer = Exclude<ContenderName, 'passport-twilio'>

/** What goes wrong: a faulty response of the provider, or an unusual request of the visitor. */
export interface Fault {
  /** Replaces the correct response of the token endpoint. */
  readonly token?: (good: GoodResponse) => Behaviour | Promise<Behaviour>
  /** Replaces the response of the authorize endpoint when the app requests the URL of the login page. */
  readonly authorize?: Behaviour
  /** Replaces the response with the provider's public keys. */
  readonly keys?: Behaviour
  /** Replaces the visitor's login. Returns the response to check. */
  readonly visit?: (visit: Visit) => Promise<ReceivedResponse>
}

export interface Visit {
  readonly visitor: Visitor
  readonly provider: Provider
  /** Another visitor, with a separate browser. */
  readonly stranger: () => Visitor
}

/** What `/account` returns for a logged-in user. */
export interface Account {
  readonly id: string
  readonly name: string
  /** An extra field from the token response. */
  readonly note: string
  /** Seconds until the access token expires, or `null` if unknown. Only returned with passport-twilio. */
  readonly expiresIn: number | null
  readonly hasRefreshToken: boolean
}

/** Fields that an error must have. */
export type Fields = Readonly<Record<string, string | number | undefined>>

/** The required outcome of a fault. The error classes are those of passport-twilio; for a peer, any error counts. */
export type Outcome =
  /** The user is logged in. */
  | { readonly loggedIn: Partial<Account> }
  /** The app's error handler gets an error of this class, and nobody is logged in. */
  | { readonly error: string; readonly status: number; readonly fields?: Fields }
  /** Authentication fails as it does when the user denies access: Passport redirects to `failureRedirect`. */
  | { readonly failure: true }
  /** The visitor gets a response with this status, logged in or not. */
  | { readonly responseStatus: number; readonly location?: string }

/** How the setup of the app differs from the default. */
export interface RowSettings {
  /** The API version that the row applies to; both by default. */
  readonly apiVersion?: 'v1' | 'v2'
  /** ms for a whole call to the provider, in rows about timeouts. */
  readonly timeout?: number
  readonly session?: 'memory' | 'none' | 'cookie'
  /** Encrypts passport-twilio's tokens in the session. */
  readonly tokenSecret?: string
  readonly tokenServer?: TokenServer
  /** Options for passport-twilio. */
  readonly strategy?: (provider: Provider) => StrategySettings
  /** Whether the signatures of ID tokens are verified with the provider's keys. */
  readonly checksSignature?: boolean
}

/** Options that can be sent to another process. */
export type StrategySettings = Pick<TwilioStrategyOptions, 'resolveAuthorizeURL' | 'idToken' | 'maxResponseBytes' | 'pendingLoginTTL' | 'lookUpAccount'>

/** A token endpoint at another URL than the provider's. */
export type TokenServer = 'refuses connections' | 'no such host' | { readonly cert: string; readonly key: string }

export interface Row {
  readonly name: string
  /** How SECURITY.md refers to the row's test. */
  readonly id?: string | undefined
  readonly fault: Fault
  readonly outcome: Outcome
  readonly why: string
  readonly settings?: RowSettings
  /** Peers that the row does not apply to, and why. */
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

/** For rows that apply to no peer. */
export function notForPeers(why: string): Required<Pick<Row, 'notApplicable'>>['notApplicable'] {
  return { 'passport-oauth2': why, "openid-client's strategy": why }
}
