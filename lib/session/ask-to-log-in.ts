import type { IncomingMessage, ServerResponse } from 'node:http'
import { originalPathOf, originOf, publicPath } from '../request/original-url'
import { keepReturnTo, sameOriginPath } from '../request/return-to'

/** Where a request's guard sends people to log in, for guards further on. */
const loginPaths = new WeakMap<object, string>()

export function rememberLoginPath(req: object, loginPath: string): void {
  loginPaths.set(req, loginPath)
}

/**
 * Asks whoever sent the request to log in. A browser that is to show a page is sent to `loginPath`, and the page is
 * remembered; everything else is answered 401, since it could do nothing with a login page.
 *
 * @param loginPath default: the one of the guard that this request passed; without any, everybody is answered 401
 */
export function askToLogIn(req: IncomingMessage, res: ServerResponse, loginPath = loginPaths.get(req)): void {
  res.setHeader('Cache-Control', 'no-store')
  if (loginPath === undefined || !wantsPage(req)) {
    refuse(res, loginPath && publicPath(loginPath, req))
    return
  }
  const page = pageToComeBackTo(req)
  if (page !== undefined) keepReturnTo(req, page)
  // 303 makes a GET of whatever was asked.
  res.statusCode = req.method === 'GET' || req.method === 'HEAD' ? 302 : 303
  res.setHeader('Location', publicPath(loginPath, req))
  res.setHeader('Content-Length', '0')
  res.end()
}

function refuse(res: ServerResponse, loginPath: string | undefined): void {
  const body = JSON.stringify({ error: 'login_required', message: 'Log in with Twilio first.', loginPath })
  res.statusCode = 401
  res.setHeader('WWW-Authenticate', 'Bearer realm="Twilio"')
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.setHeader('Content-Length', Buffer.byteLength(body))
  res.end(body)
}

/** A GET is come back to as it is; from anything else, one comes back to the page that it was sent from. */
function pageToComeBackTo(req: IncomingMessage): string | undefined {
  if (req.method === 'GET' || req.method === 'HEAD') return sameOriginPath(originalPathOf(req))
  const { referer } = req.headers
  if (referer === undefined || !URL.canParse(referer)) return undefined
  const { origin, pathname, search } = new URL(referer)
  return origin === originOf(req, false) ? sameOriginPath(pathname + search) : undefined
}

/** What a browser says a request is for (`Sec-Fetch-Dest`) when it will show the answer as a page. */
const PAGES = ['document', 'iframe', 'frame', 'embed', 'object']

/** Whether a browser asks for a page to show, and not a script, an image or an API client for something else. */
function wantsPage({ headers }: IncomingMessage): boolean {
  if (String(headers['x-requested-with']).toLowerCase() === 'xmlhttprequest') return false
  const accepted = acceptedTypes(headers.accept)
  if (accepted.includes('text/html')) return true
  const destination = headers['sec-fetch-dest']
  if (destination !== undefined && !PAGES.includes(destination)) return false
  return !accepted.some((type) => type.endsWith('json')) && accepted.some((type) => type === '*/*' || type === 'text/*')
}

/** RFC 9110 §12.5.1; without the header, everything is accepted. */
function acceptedTypes(accept = '*/*'): string[] {
  const ranges = accept.toLowerCase().split(',')
  return ranges.filter((range) => !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range)).map((range) => (range.split(';', 1)[0] ?? '').trim())
}
