import type { IncomingMessage } from 'node:http'
import { isObject } from '../util/is-object'
import { checkText } from '../oauth/options'
import { originalPathOf, publicPath } from '../request/original-url'
import { peekSession } from '../request/session'
import { askToLogIn, setLoginPath } from './ask-to-log-in'
import type { Middleware } from './middleware'

/** What {@link requireLogin} needs to know. */
export interface RequireLoginOptions {
  /**
   * Where people log in: the route of `passport.authenticate('twilio')`, or a page that leads there.
   * It is never guarded, nor is what is below it, such as the callback: addresses of letters, digits, `-`, `.`, `_`
   * and `~`, which lead nowhere else. Below `/` everything is guarded.
   */
  readonly loginPath: string
}

/**
 * Lets only people through whom Passport knows. A browser is sent to `loginPath`, and comes back to the page it wanted
 * through {@link returnTo}; an API call (one that accepts no HTML, or comes from a script) is answered 401.
 *
 * @throws {TypeError} when `loginPath` is missing
 */
export function requireLogin(options: RequireLoginOptions): Middleware {
  const given: unknown = options
  const { loginPath } = isObject(given) ? given : {}
  checkText('loginPath', loginPath, "the path of your login route, as in requireLogin({ loginPath: '/auth/twilio' })")
  return (req, res, next) => {
    if (isLoggedIn(req)) {
      setLoginPath(req, loginPath)
      next()
    } else if (wasNotAskedFor(req)) {
      next(new Error("requireLogin() found a login in the session that Passport has not read. Put passport.session() (or passport.authenticate('session')) before it."))
    } else if (isLoginPath(req, publicPath(loginPath, req))) {
      // A guard in front of the whole app must not keep people from logging in, nor from coming back.
      next()
    } else {
      askToLogIn(req, res, next, loginPath)
    }
  }
}

function isLoggedIn(req: IncomingMessage): boolean {
  if ('isAuthenticated' in req && typeof req.isAuthenticated === 'function') return Boolean((req.isAuthenticated as () => unknown)())
  return 'user' in req && Boolean(req.user)
}

/** Passport adds `isAuthenticated` when it reads the session. */
function wasNotAskedFor(req: IncomingMessage): boolean {
  const passport = peekSession(req)?.passport
  return !('isAuthenticated' in req) && isObject(passport) && passport.user !== undefined
}

/** Read alike by every router and file server: nothing encoded, and no `..` that leads out of it again. */
const PLAIN_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+\/?$/

function isLoginPath(req: IncomingMessage, loginPath: string): boolean {
  const [path = ''] = originalPathOf(req).split('?', 1)
  if (path === loginPath) return true
  // Below '/' is the whole app.
  return loginPath !== '/' && path.startsWith(loginPath) && PLAIN_PATH.test(path.slice(loginPath.length))
}
