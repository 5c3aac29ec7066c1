import { isObject } from '../util/is-object'
import { fromCallback } from '../util/from-callback'
import { sessionIDOf, sessionOf } from './session'

interface Store {
  get(id: string, done: (error?: unknown, session?: unknown) => void): void
  set(id: string, session: object, done: (error?: unknown) => void): void
  /** As `get`, with a cookie that knows its own end, as stores expect it to. express-session's stores have it. */
  load?(id: string, done: (error?: unknown, session?: unknown) => void): void
}

function storeOf(req: object): Store | undefined {
  const store = 'sessionStore' in req ? req.sessionStore : undefined
  return isObject(store) && typeof store.get === 'function' ? (store as unknown as Store) : undefined
}

/**
 * The session as its store has it now: `undefined` if it is gone, because the person has logged out meanwhile.
 * Where it cannot be told, for a session without a store or a store in trouble, it is the request's own copy.
 */
export async function storedSession(req: object): Promise<Record<string, unknown> | undefined> {
  const store = storeOf(req)
  const id = sessionIDOf(req)
  if (!store || id === undefined) return sessionOf(req)
  try {
    const [session] = await fromCallback<[unknown?]>((done) => store.get(id, done))
    return isObject(session) ? session : undefined
  } catch {
    return sessionOf(req)
  }
}

/**
 * Changes the session in its store, and nothing else that other requests have put there meanwhile.
 *
 * @param change gives whether there is something to save
 * @returns whether it was changed; `undefined` where it cannot be told, for a session without a store or a store in trouble
 */
export async function changeStored(req: object, change: (session: Record<string, unknown>) => Promise<boolean>): Promise<boolean | undefined> {
  const store = storeOf(req)
  const id = sessionIDOf(req)
  if (!store || id === undefined) return undefined
  try {
    const [session] = await fromCallback<[unknown?]>((done) => (store.load ? store.load(id, done) : store.get(id, done)))
    if (!isObject(session) || !(await change(session))) return false
    await fromCallback((done) => store.set(id, session, done))
    return true
  } catch {
    return undefined
  }
}

/** Saves the session now, where sessions can be saved before the end of the request. */
export async function saveSession(session: Record<string, unknown>): Promise<void> {
  const { save } = session
  if (typeof save !== 'function') return
  await fromCallback((done) => {
    const saved: unknown = save.call(session, done)
    // Some sessions know promises and no callbacks.
    if (saved instanceof Promise) saved.then(() => done(), done)
  })
}
