import { systemClock, type Clock } from '../util/clock'
import { hasUser, peekSession, replaceContent } from './session'
import { StoredSession } from './session-store'

/**
 * Finds out whether the person of a request's session has logged out since the request loaded it. If so, the request's own copy
 * is brought up to date: saving it with the response would undo the logout.
 *
 * Rejects with the error of the session store.
 */
export async function followLogout(req: object, clock: Clock = systemClock): Promise<boolean> {
  const copy = peekSession(req)
  const store = StoredSession.of(req, clock)
  if (!copy || !store || !hasUser(copy)) return false
  const stored = await store.load()
  if (hasUser(stored)) return false
  replaceContent(copy, stored)
  return true
}
