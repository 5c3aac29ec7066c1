import { channel } from 'node:diagnostics_channel'
import { withoutUndefined } from './util/without-undefined'

/** A login has begun or ended. */
export interface LoginMessage {
  /** `begin`: a browser is sent to Twilio. `end`: it has come back to the callback URL. */
  readonly phase: 'begin' | 'end'
  /**
   * The result: `success` if `verify` returned a user; `denied` if the person did not approve; `failed` if there is an `error`, or if
   * `verify` returned no user. Missing when a login has begun without an error.
   */
  readonly outcome?: 'success' | 'denied' | 'failed' | undefined
  /** ms that the request took: at the end, the code exchange and `verify`. Without the time that the person spent at Twilio. */
  readonly duration: number
  /** What is passed to `next`: an error of this package, or whatever `verify` threw. */
  readonly error?: unknown
}

/** Twilio's token endpoint was called. */
export interface TokenMessage {
  /** The grant (RFC 6749 §1.3). */
  readonly grantType: 'authorization_code' | 'refresh_token' | 'client_credentials'
  /** The HTTP status; missing without a response. */
  readonly status?: number | undefined
  /** ms from the call to the last byte of the response. */
  readonly duration: number
  /** 1, and 2 or 3 for retries of a refresh. */
  readonly attempt: number
  /** The error, if there are no tokens. */
  readonly error?: unknown
}

/** A request needed a token that had to be refreshed. */
export interface RefreshMessage {
  /**
   * - `refreshed`: Twilio issued new tokens.
   * - `shared`: as above, and another request of this process had asked for them.
   * - `recorded`: another process, or an earlier request, had refreshed the tokens. The request had an old copy of the session.
   * - `kept`: the refresh failed, and the request continues with its token, which is still valid.
   * - `refused`: Twilio refused the refresh token (`invalid_grant`). The person has to log in again.
   * - `ended`: the person has logged out meanwhile, or the session is gone.
   * - `failed`: the refresh failed, and the token has expired. The request gets 503.
   */
  readonly outcome: 'refreshed' | 'shared' | 'recorded' | 'kept' | 'refused' | 'ended' | 'failed'
  /** ms, including retries and waiting for other requests. */
  readonly duration: number
  /** Why the refresh failed: an error of this package, or the error of the session store or of the store of the refresh records. */
  readonly error?: unknown
}

/** A login has ended. */
export interface LogoutMessage {
  /** `dropped` by `tokens.drop()`, or `refused` by Twilio at a refresh. */
  readonly reason: 'dropped' | 'refused'
}

/**
 * The channels of `node:diagnostics_channel` that this package publishes to, and their messages. No message contains a secret, a
 * code or a token. Messages are published in the async context of the request (`AsyncLocalStorage`).
 *
 * @example
 * diagnostics_channel.subscribe('passport-twilio:login', (message) => {
 *   const { phase, outcome } = message as DiagnosticsMessages['passport-twilio:login']
 * })
 */
export interface DiagnosticsMessages {
  /** A login has begun or ended. */
  'passport-twilio:login': LoginMessage
  /** Twilio's token endpoint was called. */
  'passport-twilio:token': TokenMessage
  /** A request needed a token that had to be refreshed. */
  'passport-twilio:refresh': RefreshMessage
  /** A login has ended. */
  'passport-twilio:logout': LogoutMessage
}

/** A function that publishes to a channel. Without subscribers, it does nothing. */
function publisher<Name extends keyof DiagnosticsMessages>(name: Name): (message: DiagnosticsMessages[Name]) => void {
  const messages = channel(name)
  return (message) => {
    if (messages.hasSubscribers) messages.publish(withoutUndefined(message))
  }
}

export const publishLogin = publisher('passport-twilio:login')
export const publishToken = publisher('passport-twilio:token')
export const publishRefresh = publisher('passport-twilio:refresh')
export const publishLogout = publisher('passport-twilio:logout')

/** A stopwatch, in ms. */
export function startTimer(): () => number {
  const startedAt = performance.now()
  return () => performance.now() - startedAt
}
