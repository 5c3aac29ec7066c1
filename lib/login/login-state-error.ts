import { helpFor } from '../errors'

/**
 * Why a callback's state was refused: the callback has none (`missing`), the session has no such login (`unknown`),
 * the login was started too long ago (`expired`), or its callback has already been received (`used`).
 */
export type LoginStateReason = 'missing' | 'unknown' | 'expired' | 'used'

/** Why the session has no such login, as far as the request shows it. docs/errors.md explains each cause. */
export type LoginStateCause = 'secure_cookie' | 'strict_cookie' | 'other_host' | 'no_cookie' | 'memory_sessions' | 'unknown_session'

const LOGIN_STATE_MESSAGES: Readonly<Record<LoginStateReason, string>> = {
  missing: 'The callback has no state, so it does not belong to any login. Start the login again.',
  unknown: 'This login was not started in this session, or the session has changed since (for example, by a login in another tab). Start the login again.',
  expired: 'This login was started too long ago, or the clocks of the machines that the app runs on differ. Start the login again.',
  used: 'The callback of this login has already been received. Start the login again.'
}

/** Options for {@link LoginStateError}. */
export interface LoginStateErrorOptions extends ErrorOptions {
  /** Why the session is not there. */
  readonly likelyCause?: LoginStateCause | undefined
  /** The likely cause and its remedy, for the message. */
  readonly explanation?: string | undefined
}

/** The `state` of a callback does not belong to a pending login of this session (RFC 6749 §10.12). */
export class LoginStateError extends Error {
  override readonly name = 'LoginStateError'
  /** Stays the same if the message is reworded. */
  readonly code = 'ERR_TWILIO_LOGIN_STATE'
  /** Where this error is explained. */
  readonly help = helpFor('LoginStateError')
  /** The HTTP status for the response to the visitor: 403. */
  readonly status = 403
  /** Why the state was refused. */
  readonly reason: LoginStateReason
  /** For `unknown`: why the session is not there, if the request shows it. */
  readonly likelyCause: LoginStateCause | undefined

  /**
   * An error whose message explains the reason. `cause` is the error that the callback reports, if it reports one.
   *
   * @param options `explanation` replaces the general message
   */
  constructor(reason: LoginStateReason, { likelyCause, explanation, ...options }: LoginStateErrorOptions = {}) {
    super(explanation === undefined ? LOGIN_STATE_MESSAGES[reason] : `The session in which this login was started was not found. ${explanation} Then start the login again.`, options)
    this.reason = reason
    this.likelyCause = likelyCause
  }
}
