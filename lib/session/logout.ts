import { isObject } from '../util/is-object'
import { peekSession } from '../request/session'
import { storedSession } from '../request/session-store'
import { SESSION_KEY } from './token-vault'

type Session = Record<string, unknown>

/** Where Passport keeps who is logged in. */
const PASSPORT_KEY = 'passport'

/** What the session's own middleware keeps in it. */
const HOUSEKEEPING = ['cookie', 'id', 'sessionId', 'encryptedSessionId']

/**
 * The session as it is now, unless the person has logged out since this request got its copy. Then the login is taken
 * out of the copy: whoever saves it must not bring that back.
 */
export async function sessionUnlessLoggedOut(req: object): Promise<Session | undefined> {
  const stored = await storedSession(req)
  const copy = peekSession(req)
  const isLoggedOut = hasUser(copy) && !hasUser(stored)
  if (stored && !isLoggedOut) return stored
  if (copy) remove(copy, stored ? [SESSION_KEY, PASSPORT_KEY] : Object.keys(copy).filter((key) => !HOUSEKEEPING.includes(key)))
  return undefined
}

function hasUser(session: Session | undefined): boolean {
  const passport = session?.[PASSPORT_KEY]
  return isObject(passport) && passport.user !== undefined
}

function remove(session: Session, keys: readonly string[]): void {
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- sessions are plain objects whose keys are gone only when deleted
  for (const key of keys) delete session[key]
}
