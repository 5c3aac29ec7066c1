/**
 * Why a callback's state was refused: the callback has none (`missing`), the session has no such login (`unknown`),
 * the login was started too long ago (`expired`), or its callback has already been received (`used`).
 */
export type LoginStateReason = 'missing' | 'unknown' | 'expired' | 'used'

const LOGIN_STATE_MESSAGES: Readonly<Record<LoginStateReason, string>> = {
  missing: 'The callback has no state, so it does not belong to any login. Start the login again.',
  unknown: 'This login was not started in this session, or the session has changed since (for example, by a login in another tab). Start the login again.',
  expired: 'This login was started too long ago. Start the login again.',
  used: 'The callback of this login has already been received. Start the login again.'
}

/** The `state` of a callback does not belong to a pending login of this session (RFC 6749 §10.12). */
export class LoginStateError extends Error {
  override readonly name = 'LoginStateError'
  /** The status to answer the visitor with: 403. */
  readonly status = 403
  /** Why the state was refused. */
  readonly reason: LoginStateReason

  /** An error whose message explains the reason. `cause` is the error that the callback reports, if it reports one. */
  constructor(reason: LoginStateReason, options?: ErrorOptions) {
    super(LOGIN_STATE_MESSAGES[reason], options)
    this.reason = reason
  }
}
