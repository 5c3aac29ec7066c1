import { fromCallback } from '../util/from-callback'
import { isObject } from '../util/is-object'
import { sessionIDOf, sessionOf } from './session'

export type Session = Record<string, unknown>

type Got = (error?: unknown, session?: unknown) => void

/** What is used of an express-session store. */
interface SessionStore {
  get(id: string, done: Got): void
  set(id: string, session: object, done: (error?: unknown) => void): void
  destroy?(id: string, done: (error?: unknown) => void): void
  /** As `get`, with a cookie that stores can read the expiry from. express-session's own stores have it. */
  load?(id: string, done: Got): void
}

/** A session as its store has it now, beside the copy that the request has loaded. */
export class StoredSession {
  readonly #store: SessionStore
  readonly #id: string

  private constructor(store: SessionStore, id: string) {
    this.#store = store
    this.#id = id
  }

  /** `undefined` for a session without a store, such as cookie-session's. */
  static of(req: object): StoredSession | undefined {
    const store = 'sessionStore' in req ? req.sessionStore : undefined
    const id = sessionIDOf(req)
    return isSessionStore(store) && id !== undefined ? new StoredSession(store, id) : undefined
  }

  /**
   * The session, or `undefined` if it is gone. As express-session has it, nothing at all and an error with the code
   * `ENOENT` both mean gone; any other error is the store's.
   */
  async load(): Promise<Session | undefined> {
    try {
      const [session] = await fromCallback<[unknown?]>((done) => (this.#store.load ? this.#store.load(this.#id, done) : this.#store.get(this.#id, done)))
      return isObject(session) ? session : undefined
    } catch (error) {
      if (isObject(error) && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  async save(session: Session): Promise<void> {
    await fromCallback((done) => this.#store.set(this.#id, session, done))
  }

  async destroy(): Promise<void> {
    await fromCallback((done) => (this.#store.destroy ? this.#store.destroy(this.#id, done) : done()))
  }
}

function isSessionStore(store: unknown): store is SessionStore {
  return isObject(store) && typeof store.get === 'function' && typeof store.set === 'function'
}

/** Saves the session of a request now, where sessions can be saved before the end of the request. */
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
