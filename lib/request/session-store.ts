import { sessionStoreError } from '../errors'
import { fromCallback } from '../util/from-callback'
import { isObject } from '../util/is-object'
import { systemClock, type Clock } from '../util/clock'
import { patiently } from '../util/patience'
import { sessionIDOf, sessionOf } from './session'

export type Session = Record<string, unknown>

type Got = (error?: unknown, session?: unknown) => void

/** The part of an express-session store that is used. */
interface SessionStore {
  get(id: string, done: Got): void
  set(id: string, session: object, done: (error?: unknown) => void): void
  destroy?(id: string, done: (error?: unknown) => void): void
  /** Like `get`, but the session has a cookie object from which `set` can read the expiry. Inherited by stores that extend express-session's `Store`. */
  load?(id: string, done: Got): void
}

/** The current session in the session store, as opposed to the copy that the request has loaded. */
export class StoredSession {
  readonly #store: SessionStore
  readonly #id: string
  readonly #clock: Clock

  private constructor(store: SessionStore, id: string, clock: Clock) {
    this.#store = store
    this.#id = id
    this.#clock = clock
  }

  /** `undefined` for a session without a store, such as cookie-session's. */
  static of(req: object, clock: Clock): StoredSession | undefined {
    const store = 'sessionStore' in req ? req.sessionStore : undefined
    const id = sessionIDOf(req)
    return isSessionStore(store) && id !== undefined ? new StoredSession(store, id, clock) : undefined
  }

  /**
   * Loads the session; `undefined` if it no longer exists. As in express-session, an empty result and an error with the code
   * `ENOENT` both mean that it doesn't exist. Rejects with any other error of the store.
   */
  async load(): Promise<Session | undefined> {
    try {
      const loading = fromCallback<[unknown?]>((done) => (this.#store.load ? this.#store.load(this.#id, done) : this.#store.get(this.#id, done)))
      const [session] = await inTime(loading, this.#clock)
      return isObject(session) ? session : undefined
    } catch (error) {
      if (isObject(error) && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Saves the session. Has no time limit of its own, since a late save must not go unnoticed. */
  async save(session: Session): Promise<void> {
    renewExpiry(session)
    await fromCallback((done) => this.#store.set(this.#id, session, done))
  }

  async destroy(): Promise<void> {
    const destroying = fromCallback((done) => (this.#store.destroy ? this.#store.destroy(this.#id, done) : done()))
    await inTime(destroying, this.#clock)
  }
}

/** ms that the session store may take. Less than the time by which a lock outlives the refresh under it. */
const SESSION_STORE_TIME_LIMIT = 4000

/** ms for which a visitor waits for a save. A database that starts on demand may need several seconds. */
const VISITOR_TIME_LIMIT = 10_000

/** Rejects if the session store takes too long. */
export async function inTime<Result>(call: Promise<Result>, clock: Pick<Clock, 'sleep'>, limit = SESSION_STORE_TIME_LIMIT): Promise<Result> {
  const reply = await patiently(call, limit, clock)
  if (!reply) throw sessionStoreError(`The session store did not respond within ${limit} ms.`)
  return reply.result
}

function isSessionStore(store: unknown): store is SessionStore {
  return isObject(store) && typeof store.get === 'function' && typeof store.set === 'function'
}

/**
 * Saves the session of a request immediately, if its session middleware can do so. express-session then doesn't save it again at
 * the end of the response, unless it has changed since.
 *
 * Rejects with the store's error, or if the store does not respond within 10 s.
 */
export async function saveSession(req: object, clock = systemClock): Promise<void> {
  const session = sessionOf(req)
  const { save } = session
  if (typeof save !== 'function') return
  renewExpiry(session)
  // Some sessions return a promise instead of calling back.
  const saving = fromCallback((done): unknown => Reflect.apply(save, session, [done]), { hasCallbackParameter: false })
  // A timer that is left over must not delay the end of the process.
  await inTime(saving, { sleep: (ms) => clock.sleep(ms, { inBackground: true }) }, VISITOR_TIME_LIMIT)
}

/** Stores read their TTL from the cookie, which still has the expiry of the last save. express-session renews it before it saves, too. */
function renewExpiry(session: Session): void {
  const { touch } = session
  if (typeof touch === 'function') Reflect.apply(touch, session, [])
}
