import type { IncomingMessage } from 'node:http'
import { isObject } from '../util/is-object'
import { checkText } from '../oauth/options'
import { originalPathOf, publicPath } from '../request/original-url'
import { peekSession } from '../request/session'
import { askToLogIn, setLoginPath } from './ask-to-log-in'
import type { Middleware } from './middleware'

/** Options for {@link requireLogin}. */
export interface RequireLoginOptions {
  /**
   * The path where people log in: the route of `passport.authenticate('twilio')`, or a page that links to it.
   * It is not guarded, and neither are the paths below it, such as the callback, if they consist of letters, digits, `-`, `.`,
   * `_` and `~`. With `/`, everything but `/` itself is guarded.
   */
  readonly loginPath: string
}

/**
 * Only lets people through who are logged in with Passport. Otherwise, a browser is redirected to `loginPath`, and {@link returnTo}
 * returns the page that it requested. An API call (one that doesn't accept HTML, or comes from a script) gets 401, and so does a CORS preflight.
 *
 * @throws {TypeError} if `loginPath` is missing
 */
export function requireLogin(options: RequireLoginOptions): Middleware {
  const given: unknown = options
  const { loginPath } = isObject(given) ? given : {}
  checkText('loginPath', loginPath, "the path of your login route, as in requireLogin({ loginPath: '/auth/twilio' })")
  return (req, res, next) => {
    if (isLoggedIn(req)) {
      setLoginPath(req, loginPath)
      next()
    } else if (hasUnreadLogin(req)) {
      next(new Error("requireLogin() found a login in the session that Passport has not read. Put passport.session() (or passport.authenticate('session')) before it."))
    } else if (isLoginPath(req, publicPath(loginPath, req))) {
      // A guard in front of the whole app must not block the login and its callback.
      next()
    } else {
      askToLogIn(req, res, next, { loginPath })
    }
  }
}

function isLoggedIn(req: IncomingMessage): boolean {
  if ('isAuthenticated' in req && typeof req.isAuthenticated === 'function') return Boolean((req.isAuthenticated as () => unknown)())
  return 'user' in req && Boolean(req.user)
}

/** Whether the session holds a login that Passport hasn't read: it adds `isAuthenticated` when it reads the session. */
function hasUnreadLogin(req: IncomingMessage): boolean {
  const passport = peekSession(req)?.passport
  return !('isAuthenticated' in req) && isObject(passport) && passport.user !== undefined
}

/** A path that every router and file server interprets in the same way: no encoded characters, and no `.` or `..` segments. */
const PLAIN_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+\/?$/

function isLoginPath(req: IncomingMessage, loginPath: string): boolean {
  const [path = ''] = originalPathOf(req).split('?', 1)
  if (path === loginPath) return true
  // Every path is below '/'.
  return loginPath !== '/' && path.startsWith(loginPath) && PLAIN_PATH.test(path.slice(loginPath.length))
}
