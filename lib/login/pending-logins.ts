import { randomBytes } from 'node:crypto'
import { sameOriginPath } from '../request/return-to'
import { sessionIDOf, sessionOf, userIn } from '../request/session'
import { BoundedMap } from '../util/bounded-map'
import { withoutUndefined } from '../util/without-undefined'
import { LoginStateError } from './login-state-error'
import type { BegunLogin, LoginContext, LoginStore, ReturnedLogin, StateStoreMetadata } from './login-store'
import { parseLogins, serializeLogins, type LoginsInSession, type PendingLogin } from './logins-in-session'
import { codeVerifiers } from './pkce'
import { saveBegunLogin } from './save-begun-login'
import { beginningOf, idOf, SignedStates } from './signed-state'

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

/** The keys that are derived from a secret. */
interface Keys {
  readonly states: SignedStates
  readonly codeVerifier: (loginID: string, sessionSecret: string) => string
}

const RANDOM_VALUE_BYTES = 16
const SECRET_BYTES = 32
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
export class PendingLogins implements LoginStore {
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
  begin(request: object, context: LoginContext, { callbackURL }: Pick<StateStoreMetadata, 'callbackURL'>): BegunLogin {
    const session = sessionOf(request)
    const stored = parseLogins(session[this.#options.sessionKey])
    const sessionID = sessionIDOf(request)
    const randomValue = stored.randomValue ?? randomBytes(RANDOM_VALUE_BYTES).toString('base64url')
    const sessionSecret = sessionID ?? sessionSecretFrom(randomValue, session)
    const { secret, keys } = this.#keysToBegin(stored)
    const state = keys.states.issue({ sessionSecret, callbackURL, hasApplicationState: context.state !== undefined })
    const live = stored.logins.filter((login) => !this.#isExpired(login.nonce))
    this.#write(session, {
      ...stored,
      logins: [...live, withoutUndefined<PendingLogin>({ nonce: state, ...context })],
      randomValue: sessionID === undefined ? randomValue : undefined,
      secret
    })
    return { state, codeVerifier: this.#codeVerifier(keys, idOf(state), sessionSecret) }
  }

  async save(request: object): Promise<void> {
    await saveBegunLogin(request)
  }

  /**
   * Removes the login that a `state` belongs to from the session. It can be finished once.
   *
   * @throws {LoginStateError} if there is no such login
   * @throws {Error} if the request has no session
   */
  finish(request: object, state: string | undefined, { callbackURL }: Pick<StateStoreMetadata, 'callbackURL'>): ReturnedLogin {
    const session = sessionOf(request)
    if (state === undefined) throw new LoginStateError('missing')
    const id = idOf(state)
    const stored = parseLogins(session[this.#options.sessionKey])
    if (this.#usedInMemory.get(id) || stored.used.includes(id)) throw new LoginStateError('used')

    const sessionSecret = sessionIDOf(request) ?? (stored.randomValue && sessionSecretFrom(stored.randomValue, session))
    const keys = this.#keys ?? (stored.secret && keysFrom(this.#options.clientID, stored.secret))
    if (!sessionSecret || !keys) throw new LoginStateError('unknown')
    // Its signature says whether the application passed a `state`, which is lost if the entry is.
    const hadApplicationState = [false, true].find((hasApplicationState) => keys.states.isValid(state, { sessionSecret, callbackURL, hasApplicationState }))
    if (hadApplicationState === undefined) throw new LoginStateError('unknown')
    if (this.#isExpired(state)) throw new LoginStateError('expired')

    const listed = stored.logins.find(({ nonce }) => nonce === state)
    const hasApplicationState = listed?.state !== undefined
    if (hasApplicationState !== hadApplicationState) throw new LoginStateError('unknown')
    if (!listed) this.#acceptUnlisted(state, sessionSecret, stored)

    this.#usedInMemory.set(id, true)
    this.#write(session, { ...stored, logins: stored.logins.filter((login) => login !== listed), used: [...stored.used, id] })
    // The session store is not trusted with where the browser goes.
    return { state: listed?.state, returnTo: sameOriginPath(listed?.returnTo), codeVerifier: this.#codeVerifier(keys, id, sessionSecret) }
  }

  #write(session: Record<string, unknown>, logins: LoginsInSession): void {
    session[this.#options.sessionKey] = serializeLogins(logins, this.#options.max)
  }

  #codeVerifier(keys: Keys, id: string, sessionSecret: string): string | undefined {
    return this.#options.pkce ? keys.codeVerifier(id, sessionSecret) : undefined
  }

  /** An app without a secret gets one for the session. */
  #keysToBegin(stored: LoginsInSession): { readonly keys: Keys; readonly secret: string | undefined } {
    if (this.#keys) return { keys: this.#keys, secret: undefined }
    const secret = stored.secret ?? randomBytes(SECRET_BYTES).toString('base64url')
    return { keys: keysFrom(this.#options.clientID, secret), secret }
  }

  /** @throws {LoginStateError} if the login has been dropped, or too many unlisted logins have been accepted since it began */
  #acceptUnlisted(state: string, sessionSecret: string, { forgotten }: LoginsInSession): void {
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
}

function keysFrom(clientID: string, secret: string): Keys {
  return { states: new SignedStates(clientID, secret), codeVerifier: codeVerifiers(secret) }
}

/**
 * Identifies a session without an ID. It changes when Passport logs somebody in or out, as a session ID does,
 * even if the session's content is carried over (`keepSessionInfo`).
 */
function sessionSecretFrom(randomValue: string, session: Readonly<Record<string, unknown>>): string {
  return JSON.stringify([randomValue, userIn(session)])
}
