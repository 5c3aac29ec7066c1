import { peekSession } from '../request/session'
import type { Middleware } from './middleware'

/**
 * Lets Passport 0.6 and later log people in and out on sessions of cookie-session:
 * `app.use(cookieSession({ … }), renewableCookieSession())`.
 *
 * Passport renews the session at login and at logout through `session.regenerate()` and `session.save()`. cookie-session has
 * neither, since its sessions live in the cookie itself. This gives them both: `regenerate()` starts an empty session, and `save()`
 * leaves it to cookie-session, which writes the cookie with the response. Sessions that have them already are left alone.
 */
export function renewableCookieSession(): Middleware {
  return (req, _res, next) => {
    makeRenewable(req)
    next()
  }
}

function makeRenewable(req: object): void {
  const session = peekSession(req)
  if (!session || 'sessionStore' in req || typeof session.regenerate === 'function') return
  const regenerate = (done: () => void) => {
    // cookie-session sets no cookie for a new session that is empty, and the old one would stay.
    Object.assign(req, { session: { passport: {} } })
    makeRenewable(req)
    done()
  }
  const save = (done: () => void) => done()
  // Not enumerable, or they would become part of the cookie.
  Object.defineProperties(session, { regenerate: { value: regenerate }, save: { value: save } })
}
