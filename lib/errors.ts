import { AuthorizationError, TokenError } from 'passport-oauth2'

/** Where an error is explained: a section of docs/errors.md, which is part of the package. */
export function helpFor(section: string): string {
  return `node_modules/passport-twilio/docs/errors.md#${section.toLowerCase()}`
}

/** An error without a class of its own. */
export interface CodedError extends Error {
  readonly code: string
  /** Where this error is explained. */
  readonly help: string
}

/** A wrong option or argument. The message begins with its name. */
export function optionError(message: string, options?: ErrorOptions): TypeError & CodedError {
  return withCode(new TypeError(message, options), 'ERR_TWILIO_OPTION', 'mistakes-in-the-app', optionError)
}

/** A mistake in how the app is set up, noticed at a request. */
export function setupError(message: string): CodedError {
  return withCode(new Error(message), 'ERR_TWILIO_SETUP', 'mistakes-in-the-app', setupError)
}

/** Nobody is logged in, and there is no response object for a 401. */
export function loginRequiredError(): CodedError & { readonly status: number } {
  const error = withCode(new Error('Log in with Twilio first.'), 'ERR_TWILIO_LOGIN_REQUIRED', 'mistakes-in-the-app', loginRequiredError)
  return Object.assign(error, { status: 401 })
}

/** The session store failed. */
export function sessionStoreError(message: string): CodedError {
  return withCode(new Error(message), 'ERR_TWILIO_SESSION_STORE', 'the-session-store-is-down', sessionStoreError)
}

/** The store of the refresh records failed, and may have made the change or not. */
export function refreshStoreFailure(message: string, options?: ErrorOptions): CodedError {
  return withCode(new Error(message, options), 'ERR_TWILIO_REFRESH_STORE_FAILED', 'refreshstoreerror', refreshStoreFailure)
}

/** The sandbox was used in a way that it doesn't support, or could not do what a test asked for. */
export function sandboxFailure(message: string, options?: ErrorOptions): CodedError {
  return withCode(new Error(message, options), 'ERR_TWILIO_SANDBOX', 'the-sandbox', sandboxFailure)
}

/** passport-oauth2's error, whose `code` is OAuth 2.0's name of it (RFC 6749 §4.1.2.1). */
export function authorizationError(message: string, { code, uri, status }: { code: string; uri?: string | undefined; status?: number }): AuthorizationError & CodedError {
  // passport-oauth2 takes the name from the class, which has a shorter one in a minified bundle.
  const error = Object.assign(new AuthorizationError(message, code, uri, status), { name: 'AuthorizationError' })
  return withCode(error, error.code, 'AuthorizationError', authorizationError)
}

/** @param maker left out of the stack */
function withCode<Kind extends Error>(error: Kind, code: string, section: string, maker: (...parameters: never[]) => Error): Kind & CodedError {
  Error.captureStackTrace(error, maker)
  return Object.assign(error, { code, help: helpFor(section) })
}

/**
 * Twilio refused a request for tokens, or could not handle it (RFC 6749 §5.2, Twilio's own error shape, or RFC 9457).
 *
 * `code` is OAuth 2.0's name of the error: the name that Twilio sent, or else the name that fits Twilio's error code or status
 * (`invalid_client`, `temporarily_unavailable`, `server_error`, …). It is `invalid_grant` only if Twilio said so.
 *
 * `status` is the HTTP status for the response to the visitor: 502 for a mistake in the app, such as a wrong client secret.
 */
export class TwilioTokenError extends TokenError {
  /** The same in a minified bundle. */
  override readonly name = 'TwilioTokenError'
  /** Where this error is explained. */
  readonly help = helpFor('TwilioTokenError')
  /** Twilio's error code, such as 20003. */
  readonly twilioCode: number | undefined
  /** The HTTP status of Twilio's response. */
  readonly twilioStatus: number
  /** Twilio's page about the error. */
  readonly moreInfo: string | undefined
  /** When to try again, in epoch ms, if Twilio says so. */
  readonly retryAt: number | undefined

  /**
   * An error with the details of Twilio's response.
   *
   * @param details `twilioStatus` defaults to `status`
   */
  constructor(
    message: string,
    details: {
      code: string
      status: number
      twilioStatus?: number | undefined
      twilioCode?: number | undefined
      moreInfo?: string | undefined
      retryAt?: number | undefined
    }
  ) {
    super(message, details.code, details.moreInfo, details.status)
    this.twilioCode = details.twilioCode
    this.twilioStatus = details.twilioStatus ?? details.status
    this.moreInfo = details.moreInfo
    this.retryAt = details.retryAt
  }
}

/** Twilio's response cannot be used. The message says why, and never quotes the response. */
export class TwilioResponseError extends Error {
  override readonly name = 'TwilioResponseError'
  /** Stays the same if the message is reworded. */
  readonly code = 'ERR_TWILIO_RESPONSE'
  /** Where this error is explained. */
  readonly help = helpFor('TwilioResponseError')
  /** The HTTP status for the response to the visitor: 502. */
  readonly status = 502
}

/** Twilio did not send a complete response within `timeout`. */
export class TwilioTimeoutError extends Error {
  override readonly name = 'TwilioTimeoutError'
  /** Stays the same if the message is reworded. */
  readonly code = 'ERR_TWILIO_TIMEOUT'
  /** Where this error is explained. */
  readonly help = helpFor('TwilioTimeoutError')
  /** The HTTP status for the response to the visitor: 504. */
  readonly status = 504
}

/** Twilio could not be reached, or the connection broke. `cause` is Node's error. */
export class TwilioNetworkError extends Error {
  override readonly name = 'TwilioNetworkError'
  /** Stays the same if the message is reworded. */
  readonly code = 'ERR_TWILIO_NETWORK'
  /** Where this error is explained. */
  readonly help = helpFor('TwilioNetworkError')
  /** The HTTP status for the response to the visitor: 502. */
  readonly status = 502
}

/** The ID token is invalid, so nobody can be logged in with it (OpenID Connect Core §3.1.3.7). The message says why. */
export class TwilioIdTokenError extends Error {
  override readonly name = 'TwilioIdTokenError'
  /** Stays the same if the message is reworded. */
  readonly code = 'ERR_TWILIO_ID_TOKEN'
  /** Where this error is explained. */
  readonly help = helpFor('TwilioIdTokenError')
  /** The HTTP status for the response to the visitor: 502. */
  readonly status = 502
}

/**
 * The OAuth app lacks a permission for a call of Twilio's API. Twilio answers 401 with the code 70051, but the token is valid:
 * refreshing it, or logging in again, does not help. The message names the permission, and where to grant it.
 */
export class TwilioPermissionError extends Error {
  override readonly name = 'TwilioPermissionError'
  /** The HTTP status for the response to the visitor: 502, since the OAuth app has to be changed. */
  readonly status = 502
  /** Stays the same if the message is reworded. */
  readonly code = 'ERR_TWILIO_PERMISSION'
  /** Where this error is explained. */
  readonly help = helpFor('TwilioPermissionError')
  /** Twilio's error code. */
  readonly twilioCode = 70051
  /** The permission, such as `twilio/messaging/messages/list`, if Twilio names it. */
  readonly permission: string | undefined
  /** Twilio's page about the error. */
  readonly moreInfo = 'https://www.twilio.com/docs/errors/70051'

  /**
   * An error for a response of Twilio's API.
   *
   * @param text what Twilio says, such as `Authorization Error: required permission twilio/messaging/messages/list is missing`
   */
  constructor(text: string) {
    const [, permission] = /permission ([\w/.:-]+) is missing/.exec(text) ?? []
    super(permission === undefined ? explainRefusal(text) : explainMissing(permission))
    this.permission = permission
  }
}

function explainMissing(permission: string): string {
  return `The OAuth app lacks the permission ${permission}. Grant it in the Twilio Console, in the app's scopes and permissions: an organization's app is under Settings > Organization settings > Organization API access, an account's app under Settings > Account settings > OAuth applications.`
}

/** Twilio's page about 70051 lists these causes. */
function explainRefusal(text: string): string {
  return `Twilio did not authorize the call (${text}). The OAuth app lacks a permission for it, or the account is suspended, or this token cannot access the account. Check both in the Twilio Console.`
}

/** Seconds until the next attempt, if Twilio does not say. */
const DEFAULT_RETRY_AFTER_S = 5
/** The longest wait that is passed on, whatever time Twilio gives. */
const MAX_RETRY_AFTER_S = 3600

/** The access token of a session has expired, and could not be refreshed right now. The session keeps its tokens. `cause` is the error of the refresh. */
export class TwilioUnavailableError extends Error {
  override readonly name = 'TwilioUnavailableError'
  /** Stays the same if the message is reworded. */
  readonly code = 'ERR_TWILIO_UNAVAILABLE'
  /** Where this error is explained. */
  readonly help = helpFor('TwilioUnavailableError')
  /** The HTTP status for the response to the visitor: 503. */
  readonly status = 503
  /** Seconds until the next attempt: the value of the `Retry-After` header. */
  readonly retryAfter: number

  /**
   * An error for a refresh that failed.
   *
   * @param cause the error of the refresh; if Twilio says when to retry, `retryAfter` follows it
   */
  constructor(cause: unknown) {
    super("This session's Twilio tokens could not be refreshed right now. Try again in a moment; the login is kept.", { cause })
    const retryAt = cause instanceof TwilioTokenError ? cause.retryAt : undefined
    this.retryAfter = retryAt === undefined ? DEFAULT_RETRY_AFTER_S : Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil((retryAt - Date.now()) / 1000)))
  }
}
