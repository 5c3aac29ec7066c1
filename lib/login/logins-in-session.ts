import { isObject } from '../util/is-object'
import { withoutUndefined } from '../util/without-undefined'
import type { LoginContext } from './login-store'
import { beginningOf, ID_LENGTH, STATE_LENGTH } from './signed-state'

/** A pending login in the session. */
export interface PendingLogin extends LoginContext {
  /** The one-time value that Twilio was given as `state`. */
  readonly nonce: string
}

/** What the session holds about the logins of one client. */
export interface LoginsInSession {
  /** Oldest first. */
  readonly logins: readonly PendingLogin[]
  /** IDs of logins that have come back, oldest first. */
  readonly used: readonly string[]
  /** Logins that began at or before this time (epoch ms) and are not listed above are unknown. */
  readonly forgotten: number
  /** Stands in for the ID of a session that has none. */
  readonly randomValue: string | undefined
  /** Stands in for the app's secret. */
  readonly secret: string | undefined
}

/** 32 bytes in base64url. */
const SECRET_LENGTH = 43
/** Characters of `returnTo` paths in a session, which may have to fit into a cookie. */
const MAX_PATH_CHARACTERS = 2048

/** @param stored may come from another version, or be something else */
export function parseLogins(stored: unknown): LoginsInSession {
  const { logins, used, forgotten, randomValue, secret } = isObject(stored) ? stored : {}
  return {
    logins: Array.isArray(logins) ? logins.filter(isPendingLogin) : [],
    used: Array.isArray(used) ? used.filter(isID) : [],
    forgotten: typeof forgotten === 'number' ? forgotten : 0,
    randomValue: isID(randomValue) ? randomValue : undefined,
    secret: typeof secret === 'string' && secret.length === SECRET_LENGTH ? secret : undefined
  }
}

/** @param max the number of logins to keep; the oldest are dropped first */
export function serializeLogins({ logins, used, forgotten, randomValue, secret }: LoginsInSession, max: number): object {
  const dropped = [...logins.slice(0, -max).map(({ nonce }) => nonce), ...used.slice(0, -max)]
  const newlyForgotten = Math.max(forgotten, ...dropped.map(beginningOf))
  return withoutUndefined({
    logins: withShortPaths(logins.slice(-max)),
    used: used.length > 0 ? used.slice(-max) : undefined,
    forgotten: newlyForgotten > 0 ? newlyForgotten : undefined,
    randomValue,
    secret
  })
}

/** Removes `returnTo` from the oldest logins until the rest is short enough. */
function withShortPaths(logins: readonly PendingLogin[]): readonly PendingLogin[] {
  let left = MAX_PATH_CHARACTERS
  const newestFirst = logins.toReversed().map(({ returnTo = '', ...login }) => {
    left -= returnTo.length
    return left >= 0 && returnTo !== '' ? { ...login, returnTo } : login
  })
  return newestFirst.reverse()
}

function isID(value: unknown): value is string {
  return typeof value === 'string' && value.length === ID_LENGTH
}

function isPendingLogin(value: unknown): value is PendingLogin {
  if (!isObject(value) || typeof value.nonce !== 'string' || value.nonce.length !== STATE_LENGTH) return false
  return value.returnTo === undefined || typeof value.returnTo === 'string'
}
