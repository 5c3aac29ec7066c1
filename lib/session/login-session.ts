import { peekSession } from '../request/session'
import { setMethod, type Done } from './session-methods'

/**
 * Passport renews the session at login and at logout. A session of cookie-session, which is kept in the cookie itself,
 * cannot be renewed but only be begun anew.
 */
export function makeRenewable(req: object): void {
  const session = peekSession(req)
  if (!session || !isCookieSession(req) || typeof session.regenerate === 'function') return
  setMethod(session, 'regenerate', (done: Done) => {
    // It sets no cookie for a new session with nothing in it, and a logout would leave the old one.
    Object.assign(req, { session: { passport: {} } })
    makeRenewable(req)
    done()
  })
  setMethod(session, 'save', (done: Done) => {
    done()
  })
}

function isCookieSession(req: object): boolean {
  return 'sessionOptions' in req && !('sessionStore' in req)
}
