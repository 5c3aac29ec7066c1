import { sessionStoreError } from '../errors'
import { fromCallback } from '../util/from-callback'
import { isObject } from '../util/is-object'
import type { Clock } from '../util/clock'
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
    // Stores read their TTL from the cookie, which still has the expiry of the last save. express-session renews it before it saves, too.
    const { touch } = session
    if (typeof touch === 'function') Reflect.apply(touch, session, [])
    await fromCallback((done) => this.#store.set(this.#id, session, done))
  }

  async destroy(): Promise<void> {
    const destroying = fromCallback((done) => (this.#store.destroy ? this.#store.destroy(this.#id, done) : done()))
    await inTime(destroying, this.#clock)
  }
}

/** ms that the session store may take. Less than the time by which a lock outlives the refresh under it. */
const SESSION_STORE_TIME_LIMIT = 4000

/** Rejects if the session store takes too long. */
export async function inTime<Result>(call: Promise<Result>, clock: Clock): Promise<Result> {
  const reply = await patiently(call, SESSION_STORE_TIME_LIMIT, clock)
  if (!reply) throw sessionStoreError(`The session store did not respond within ${SESSION_STORE_TIME_LIMIT} ms.`)
  return reply.result
}

function isSessionStore(store: unknown): store is SessionStore {
  return isObject(store) && typeof store.get === 'function' && typeof store.set === 'function'
}

/** Saves the session of a request immediately, if its session middleware can do so. Rejects with the store's error. */
export async function saveSession(req: object): Promise<void> {
  const session = sessionOf(req)
  const { save } = session
  if (typeof save !== 'function') return
  await fromCallback((done) => {
    const saved: unknown = save.call(session, done)
    // Some sessions return a promise instead of calling back.
    if (saved instanceof Promise) saved.then(() => done(), done)
  })
}
