import { TokenError } from 'passport-oauth2'

/**
 * Twilio refused a grant, or could not serve it (RFC 6749 §5.2, or Twilio's own error shape).
 *
 * `code` is the OAuth 2.0 name of the error: what Twilio said where it said one, else the name that fits
 * its status (`invalid_grant`, `invalid_client`, `temporarily_unavailable`, `server_error`, …).
 */
export class TwilioTokenError extends TokenError {
  /** Twilio's own number for the error, such as 20003. */
  readonly twilioCode: number | undefined
  /** Twilio's page on the error. */
  readonly moreInfo: string | undefined
  /** When Twilio is willing to be asked again, in epoch ms. */
  readonly retryAt: number | undefined

  /** An error with what Twilio said of it (`details`). */
  constructor(
    message: string,
    details: { code: string; status: number; twilioCode?: number | undefined; moreInfo?: string | undefined; retryAt?: number | undefined }
  ) {
    super(message, details.code, details.moreInfo, details.status)
    this.twilioCode = details.twilioCode
    this.moreInfo = details.moreInfo
    this.retryAt = details.retryAt
  }
}

/** Twilio answered with something that cannot be used. The message says what was wrong with it, never what it held. */
export class TwilioResponseError extends Error {
  override readonly name = 'TwilioResponseError'
  /** The status an app answers with when it passes this error on: 502. */
  readonly status = 502
}

/** Twilio did not answer, whole, within `timeout`. */
export class TwilioTimeoutError extends Error {
  override readonly name = 'TwilioTimeoutError'
  /** The status an app answers with when it passes this error on: 504. */
  readonly status = 504
}

/** Twilio could not be reached, or the connection broke. `cause` is Node's error. */
export class TwilioNetworkError extends Error {
  override readonly name = 'TwilioNetworkError'
  /** The status an app answers with when it passes this error on: 502. */
  readonly status = 502
}

/** The ID token is not one to log somebody in with (OpenID Connect Core §3.1.3.7). The message says why. */
export class TwilioIdTokenError extends Error {
  override readonly name = 'TwilioIdTokenError'
  /** The status an app answers with when it passes this error on: 502. */
  readonly status = 502
}

/**
 * Why a callback's state is not believed: the callback has none (`missing`), this session never began such a login
 * or has forgotten it (`unknown`), it was begun too long ago (`expired`), or it has come back before (`used`).
 */
export type LoginStateReason = 'missing' | 'unknown' | 'expired' | 'used'

const LOGIN_STATE_MESSAGES: Readonly<Record<LoginStateReason, string>> = {
  missing: 'The callback has no state, so it cannot be told which login it belongs to. Start the login again.',
  unknown:
    'This login was not begun in this session, or the session has been renewed since (by a login in another tab, for one). Start the login again.',
  expired: 'This login was begun too long ago. Start the login again.',
  used: 'This login has come back once already. Start the login again.'
}

/** A callback whose `state` does not belong to a login that waits in this session (RFC 6749 §10.12). */
export class LoginStateError extends Error {
  override readonly name = 'LoginStateError'
  /** The status an app answers with when it passes this error on: 403. */
  readonly status = 403
  /** Why the state is not believed. */
  readonly reason: LoginStateReason

  /** An error whose message explains the reason. `cause` is the error that the callback reports, if it reports one. */
  constructor(reason: LoginStateReason, options?: ErrorOptions) {
    super(LOGIN_STATE_MESSAGES[reason], options)
    this.reason = reason
  }
}

/** How long to wait before another try, in seconds, where Twilio does not say. */
const RETRY_AFTER = 5

/** The tokens of a session have ended, and Twilio could not refresh them now. The session keeps them. `cause` says what happened. */
export class TwilioUnavailableError extends Error {
  override readonly name = 'TwilioUnavailableError'
  /** The status an app answers with when it passes this error on: 503. */
  readonly status = 503
  /** Seconds after which to try again: the `Retry-After` of the answer. */
  readonly retryAfter: number

  /** `cause` is why the refresh failed; where Twilio says when to come back, `retryAfter` has it. */
  constructor(cause: unknown) {
    super('Twilio could not refresh the tokens of this session now. Try again in a moment; the login is kept.', { cause })
    const retryAt = cause instanceof TwilioTokenError ? cause.retryAt : undefined
    this.retryAfter = retryAt === undefined ? RETRY_AFTER : Math.max(1, Math.ceil((retryAt - Date.now()) / 1000))
  }
}
