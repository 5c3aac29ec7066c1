import type { IncomingMessage, ServerResponse } from 'node:http'
import { loginRequiredError, optionError, setupError } from '../errors'
import { checkText } from '../oauth/options'
import { originOf, originalPathOf, publicPath, receivedPathOf } from '../request/original-url'
import { keepReturnTo, sameOriginPath } from '../request/return-to'
import { hasUser, peekSession } from '../request/session'
import { isPrefetch } from '../request/speculative-request'
import { isObject } from '../util/is-object'
import type { Middleware } from './middleware'

/** Options for {@link requireLogin}. */
export interface RequireLoginOptions {
  /**
   * The path where people log in: the route of `passport.authenticate('twilio')`, or a page that links to it.
   * It is not guarded, and neither are the paths below it, such as the callback, if they consist of letters, digits, `-`, `.`,
   * `_` and `~`. With `/`, everything but `/` itself is guarded. WebSockets are guarded on every path.
   */
  readonly loginPath: string
}

/**
 * Lets a request through only if a person is logged in with Passport. Otherwise, a browser is redirected to `loginPath`, and {@link returnTo}
 * returns the requested page after the login. An API call (one that doesn't accept HTML, or comes from a script) gets 401, and so do a CORS
 * preflight and a WebSocket.
 *
 * @throws {TypeError} if `loginPath` is missing or not a plain path
 */
export function requireLogin(options: RequireLoginOptions): Middleware {
  const given: unknown = options
  const loginPath = checkLoginPath(isObject(given) ? given.loginPath : undefined)
  return (req, res, next) => {
    if (isLoggedIn(req)) {
      setLoginPath(req, loginPath)
      next()
    } else if (hasUnreadLogin(req)) {
      next(setupError("requireLogin() found a login in the session that Passport has not read. Put passport.session() (or passport.authenticate('session')) before it."))
    } else if (!('isAuthenticated' in req) && !peekSession(req)) {
      next(setupError('requireLogin() found no session. Put the session middleware, such as express-session, and passport.session() before it. If both are there, the session store may be disconnected.'))
    } else if (isLoginPath(req, loginPath) && isResponse(res) && !isWebSocket(req)) {
      // A guard in front of the whole app must not block the login and its callback. Servers of WebSockets may ignore the path.
      next()
    } else {
      askToLogIn(req, res, next, { loginPath })
    }
  }
}

function checkLoginPath(loginPath: unknown): string {
  const meaning = "the path of your login route, as in requireLogin({ loginPath: '/auth/twilio' })"
  checkText('loginPath', loginPath, meaning)
  if (loginPath !== '/' && !PLAIN_PATH.test(loginPath)) throw optionError(`loginPath must be ${meaning}: it begins with a slash, and has no query, encoded characters or dot segments.`)
  return loginPath === '/' ? loginPath : loginPath.replace(/\/$/, '')
}

function isLoggedIn(req: IncomingMessage): boolean {
  if ('isAuthenticated' in req && typeof req.isAuthenticated === 'function') return (req.isAuthenticated as () => unknown)() === true
  return 'user' in req && Boolean(req.user)
}

/** Whether the session holds a login that Passport hasn't read: it adds `isAuthenticated` when it reads the session. */
function hasUnreadLogin(req: IncomingMessage): boolean {
  return !('isAuthenticated' in req) && hasUser(peekSession(req))
}

/** A path that every router and file server interprets in the same way: no encoded characters, and no `.` or `..` segments. */
const PLAIN_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+\/?$/

function isLoginPath(req: IncomingMessage, loginPath: string): boolean {
  const [path = ''] = receivedPathOf(req).split('?', 1)
  if (path === loginPath) return true
  // Every path is below '/'.
  if (loginPath === '/' || !path.startsWith(loginPath)) return false
  const rest = path.slice(loginPath.length)
  return rest === '/' || PLAIN_PATH.test(rest)
}

const LOGIN_PATH = Symbol('loginPath')
type GuardedRequest = object & { [LOGIN_PATH]?: string }

/** Stores the `loginPath` of the guard that a request has passed, for the middleware after it. */
export function setLoginPath(req: GuardedRequest, loginPath: string): void {
  req[LOGIN_PATH] = loginPath
}

function loginPathOf(req: GuardedRequest): string | undefined {
  return req[LOGIN_PATH]
}

interface AskToLogInOptions {
  readonly loginPath?: string | undefined
  readonly mayChangeSession?: () => boolean
}

/**
 * Asks a person to log in. A browser that requests a page is redirected to `loginPath`, and the page is stored in the session. Any
 * other request gets 401, since scripts and API clients can't use a login page.
 *
 * If there is no response object, as with a WebSocket upgrade, an error with `status` 401 is passed to `next`.
 *
 * @param options.loginPath default: the `loginPath` of the guard that the request has passed; without one, every request gets 401
 * @param options.mayChangeSession called before the page is stored in the session; default: it may be
 */
export function askToLogIn(req: IncomingMessage, res: Partial<ServerResponse>, next: (error: unknown) => void, { loginPath = loginPathOf(req), mayChangeSession = () => true }: AskToLogInOptions = {}): void {
  if (!isResponse(res)) {
    next(loginRequiredError())
    return
  }
  // A timeout in the app may have sent a response by now.
  if (res.headersSent) return
  res.setHeader('Cache-Control', 'no-store')
  if (loginPath === undefined || !wantsPage(req)) {
    refuse(res, loginPath && publicPath(loginPath, req))
    return
  }
  const page = isPrefetch(req) ? undefined : pageToComeBackTo(req)
  if (page !== undefined && mayChangeSession()) keepReturnTo(req, page)
  // 303 turns any method into GET.
  res.statusCode = req.method === 'GET' || req.method === 'HEAD' ? 302 : 303
  res.setHeader('Location', publicPath(loginPath, req))
  res.setHeader('Content-Length', '0')
  res.end()
}

/** Whether there is a response object. A WebSocket upgrade has none. */
export function isResponse(res: Partial<ServerResponse>): res is ServerResponse {
  return typeof res.setHeader === 'function' && typeof res.end === 'function'
}

function refuse(res: ServerResponse, loginPath: string | undefined): void {
  const body = JSON.stringify({ error: 'login_required', message: 'Log in with Twilio first.', loginPath })
  res.statusCode = 401
  res.setHeader('WWW-Authenticate', 'Bearer realm="Twilio"')
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.setHeader('Content-Length', Buffer.byteLength(body))
  res.end(body)
}

/** A GET can be repeated after the login. Other methods can't, so the person returns to the page that sent the request. */
function pageToComeBackTo(req: IncomingMessage): string | undefined {
  if (req.method === 'GET' || req.method === 'HEAD') return sameOriginPath(originalPathOf(req))
  const { referer } = req.headers
  if (referer === undefined || !URL.canParse(referer)) return undefined
  const { origin, pathname, search } = new URL(referer)
  return origin === originOf(req, false) ? sameOriginPath(pathname + search) : undefined
}

/** Values of `Sec-Fetch-Dest` for responses that a browser displays as a page. */
const PAGE_DESTINATIONS = ['document', 'iframe', 'frame', 'embed', 'object']

/** Whether a browser requests a page to display, rather than a script, an image, an API client or a CORS preflight. */
function wantsPage(req: IncomingMessage): boolean {
  const { method, headers } = req
  if (method === 'OPTIONS' || isWebSocket(req) || String(headers['x-requested-with']).toLowerCase() === 'xmlhttprequest') return false
  const destination = headers['sec-fetch-dest']
  if (destination !== undefined && !PAGE_DESTINATIONS.includes(destination)) return false
  const accepted = acceptedTypes(headers.accept)
  if (accepted.includes('text/html')) return true
  // Browsers list other types for images, styles and scripts.
  return accepted.includes('text/*') || (accepted.length > 0 && accepted.every((type) => type === '*/*'))
}

/** Whether a WebSocket is requested (RFC 6455 §4.1). Some servers handle such a request like any other, with a response object. */
function isWebSocket({ headers: { upgrade = '' } }: IncomingMessage): boolean {
  return upgrade.toLowerCase().split(',').some((protocol) => protocol.trim() === 'websocket')
}

/** The media types of an `Accept` header that aren't excluded by `q=0` (RFC 9110 §12.5.1). */
function acceptedTypes(accept = '*/*'): string[] {
  const ranges = accept.toLowerCase().split(',')
  return ranges.filter((range) => !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range)).map((range) => (range.split(';', 1)[0] ?? '').trim())
}
