import { randomBytes } from 'node:crypto'
import { BoundedMap } from '../util/bounded-map'
import { sessionIDOf, sessionOf } from '../request/session'
import { isObject } from '../util/is-object'
import { withoutUndefined } from '../util/without-undefined'
import { LoginStateError } from './login-state-error'
import { codeVerifiers } from './pkce'
import { beginningOf, ID_LENGTH, idOf, SignedStates, STATE_LENGTH } from './signed-state'

/** What is kept about a login from its beginning to its callback. */
export interface LoginContext {
  /** What the application passed as `state`. */
  readonly state?: unknown
  /** The page that was requested before the login. */
  readonly returnTo?: string | undefined
}

/** The session key of a client's pending logins, unless the application sets `sessionKey`. */
export function defaultSessionKey(hostname: string, clientID: string): string {
  return `oauth2:${hostname}:${clientID}`
}

export interface PendingLoginsOptions {
  readonly clientID: string
  /** The key in the session. */
  readonly sessionKey: string
  /** Logins per session; the oldest is dropped first. */
  readonly max: number
  /** Lifetime of a pending login, in ms. */
  readonly ttl: number
  /** Signs states and derives code verifiers; the same in every process of the app. Without one, each session has its own. */
  readonly secret: string | undefined
  /** Whether logins use PKCE (RFC 7636). */
  readonly pkce: boolean
}

/** A login that has begun. */
export interface BegunLogin {
  /** The one-time value to give to Twilio. */
  readonly state: string
  /** PKCE's verifier (RFC 7636 §4.1); `undefined` without PKCE. */
  readonly codeVerifier: string | undefined
}

/** A login that has come back. */
export interface ReturnedLogin extends LoginContext {
  readonly codeVerifier: string | undefined
}

/** A pending login in the session. */
interface PendingLogin extends LoginContext {
  /** The one-time value that Twilio was given as `state`. */
  readonly nonce: string
}

/** What the session holds. */
interface LoginRecord {
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

/** The keys that are derived from a secret. */
interface Keys {
  readonly states: SignedStates
  readonly codeVerifier: (loginID: string, sessionSecret: string) => string
}

const RANDOM_VALUE_BYTES = 16
const SECRET_BYTES = 32
/** 32 bytes in base64url. */
const SECRET_LENGTH = 43
/** Characters of `returnTo` paths in a session, which may have to fit into a cookie. */
const MAX_PATH_CHARACTERS = 2048
/** Logins that a process remembers as used, in case the same callback arrives twice at once. */
const MAX_USED_IN_MEMORY = 10_000
/** Sessions for which a process remembers when it accepted unlisted logins. */
const MAX_SESSIONS_IN_MEMORY = 10_000

/**
 * The logins that wait for their callback. Each is an entry in the session.
 *
 * Tabs that begin logins at the same time each load the session, add their entry, and save it. The last one wins, and the
 * other entries are lost. So a login does not depend on its entry alone: its `state` is signed for the session, the client
 * and the callback URL, and contains the time of its beginning. An unlisted login is still accepted if its signature is
 * valid, unless the application passed a `state`, which was lost with the entry. However many logins begin at once in a
 * session, a process accepts at most `max` unlisted ones of them.
 *
 * An app without a secret, as a public client may be, has one secret per session, in the session. Only logins that begin at the
 * same time in a session without such a secret then depend on the last save.
 */
export class PendingLogins {
  readonly #options: PendingLoginsOptions
  readonly #keys: Keys | undefined
  readonly #usedInMemory = new BoundedMap<string, true>(MAX_USED_IN_MEMORY)
  /** By session: when the last unlisted logins were accepted, in epoch ms. */
  readonly #unlistedInMemory = new BoundedMap<string, readonly number[]>(MAX_SESSIONS_IN_MEMORY)

  constructor(options: PendingLoginsOptions) {
    this.#options = options
    this.#keys = options.secret === undefined ? undefined : keysFrom(options.clientID, options.secret)
  }

  /**
   * Adds a login to the session.
   *
   * @throws {Error} if the request has no session
   */
  begin(request: object, context: LoginContext, callbackURL: string): BegunLogin {
    const session = sessionOf(request)
    const record = this.#read(session)
    const sessionID = sessionIDOf(request)
    const randomValue = record.randomValue ?? randomBytes(RANDOM_VALUE_BYTES).toString('base64url')
    const sessionSecret = sessionID ?? secretFor(randomValue, session)
    const { secret, keys } = this.#keysToBegin(record)
    const state = keys.states.issue({ sessionSecret, callbackURL, hasApplicationState: context.state !== undefined })
    const live = record.logins.filter((login) => !this.#isExpired(login.nonce))
    this.#write(session, {
      ...record,
      logins: [...live, withoutUndefined<PendingLogin>({ nonce: state, ...context })],
      randomValue: sessionID === undefined ? randomValue : undefined,
      secret
    })
    return { state, codeVerifier: this.#codeVerifier(keys, idOf(state), sessionSecret) }
  }

  /**
   * Removes the login that a `state` belongs to from the session. It can be finished once.
   *
   * @throws {LoginStateError} if there is no such login
   * @throws {Error} if the request has no session
   */
  finish(request: object, state: string | undefined, callbackURL: string): ReturnedLogin {
    const session = sessionOf(request)
    if (state === undefined) throw new LoginStateError('missing')
    const id = idOf(state)
    const record = this.#read(session)
    if (this.#usedInMemory.get(id) || record.used.includes(id)) throw new LoginStateError('used')

    const sessionSecret = sessionIDOf(request) ?? (record.randomValue && secretFor(record.randomValue, session))
    const keys = this.#keys ?? (record.secret && keysFrom(this.#options.clientID, record.secret))
    if (!sessionSecret || !keys) throw new LoginStateError('unknown')
    const hadApplicationState = [false, true].find((hasApplicationState) => keys.states.isValid(state, { sessionSecret, callbackURL, hasApplicationState }))
    if (hadApplicationState === undefined) throw new LoginStateError('unknown')
    if (this.#isExpired(state)) throw new LoginStateError('expired')

    const listed = record.logins.find(({ nonce }) => nonce === state)
    const hasApplicationState = listed?.state !== undefined
    if (hasApplicationState !== hadApplicationState) throw new LoginStateError('unknown')
    if (!listed) this.#acceptUnlisted(state, sessionSecret, record)

    this.#usedInMemory.set(id, true)
    this.#write(session, { ...record, logins: record.logins.filter((login) => login !== listed), used: [...record.used, id] })
    return { state: listed?.state, returnTo: listed?.returnTo, codeVerifier: this.#codeVerifier(keys, id, sessionSecret) }
  }

  #codeVerifier(keys: Keys, id: string, sessionSecret: string): string | undefined {
    return this.#options.pkce ? keys.codeVerifier(id, sessionSecret) : undefined
  }

  /** An app without a secret gets one for the session. */
  #keysToBegin(record: LoginRecord): { readonly keys: Keys; readonly secret: string | undefined } {
    if (this.#keys) return { keys: this.#keys, secret: undefined }
    const secret = record.secret ?? randomBytes(SECRET_BYTES).toString('base64url')
    return { keys: keysFrom(this.#options.clientID, secret), secret }
  }

  /** @throws {LoginStateError} if the login has been dropped, or too many unlisted logins have been accepted since it began */
  #acceptUnlisted(state: string, sessionSecret: string, { forgotten }: LoginRecord): void {
    const { max } = this.#options
    const accepted = this.#unlistedInMemory.get(sessionSecret) ?? []
    const beganAt = beginningOf(state)
    const acceptedSince = accepted.filter((time) => time >= beganAt)
    if (beganAt <= forgotten || acceptedSince.length >= max) throw new LoginStateError('unknown')
    this.#unlistedInMemory.set(sessionSecret, [...accepted, Date.now()].slice(-max))
  }

  #isExpired(state: string): boolean {
    return beginningOf(state) + this.#options.ttl <= Date.now()
  }

  /** The session may hold the record of another version, or something else. */
  #read(session: Readonly<Record<string, unknown>>): LoginRecord {
    const stored = session[this.#options.sessionKey]
    const { logins, used, forgotten, randomValue, secret } = isObject(stored) ? stored : {}
    return {
      logins: Array.isArray(logins) ? logins.slice(-this.#options.max).filter(isPendingLogin) : [],
      used: Array.isArray(used) ? used.slice(-this.#options.max).filter(isID) : [],
      forgotten: typeof forgotten === 'number' ? forgotten : 0,
      randomValue: isID(randomValue) ? randomValue : undefined,
      secret: typeof secret === 'string' && secret.length === SECRET_LENGTH ? secret : undefined
    }
  }

  #write(session: Record<string, unknown>, { logins, used, forgotten, randomValue, secret }: LoginRecord): void {
    const { max, sessionKey } = this.#options
    const dropped = [...logins.slice(0, -max).map(({ nonce }) => nonce), ...used.slice(0, -max)]
    const newlyForgotten = Math.max(forgotten, ...dropped.map(beginningOf))
    session[sessionKey] = withoutUndefined({
      logins: withShortPaths(logins.slice(-max)),
      used: used.length > 0 ? used.slice(-max) : undefined,
      forgotten: newlyForgotten > 0 ? newlyForgotten : undefined,
      randomValue,
      secret
    })
  }
}

function keysFrom(clientID: string, secret: string): Keys {
  return { states: new SignedStates(clientID, secret), codeVerifier: codeVerifiers(secret) }
}

/**
 * Identifies a session without an ID. It changes when Passport logs somebody in or out, as a session ID does,
 * even if the session's content is carried over (`keepSessionInfo`).
 */
function secretFor(randomValue: string, session: Readonly<Record<string, unknown>>): string {
  const user: unknown = isObject(session.passport) ? session.passport.user : undefined
  return JSON.stringify([randomValue, user])
}

/** Removes `returnTo` from the oldest logins until the rest is short enough. */
function withShortPaths(logins: readonly PendingLogin[]): readonly PendingLogin[] {
  if (!logins.some(({ returnTo }) => returnTo)) return logins
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
