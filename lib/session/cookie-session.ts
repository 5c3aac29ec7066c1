import { peekSession } from '../request/session'
import type { Middleware } from './middleware'

/**
 * Lets Passport 0.6 and later log people in and out with cookie-session:
 * `app.use(cookieSession({ … }), renewableCookieSession())`.
 *
 * Passport renews the session at login and logout with `session.regenerate()` and `session.save()`. cookie-session has neither,
 * since it keeps the whole session in the cookie. This middleware adds both: `regenerate()` starts an empty session, and `save()`
 * does nothing, since cookie-session writes the cookie with the response. Sessions that already have these functions are left unchanged.
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
    // cookie-session sets no cookie for an empty new session, so the old cookie would remain.
    Object.assign(req, { session: { passport: {} } })
    makeRenewable(req)
    done()
  }
  const save = (done: () => void) => done()
  // Not enumerable, so that they are not written to the cookie.
  Object.defineProperties(session, { regenerate: { value: regenerate }, save: { value: save } })
}
