import type { IncomingMessage } from 'node:http'
import { finishedLoginOf } from './finished-login'
import { peekSession } from './session'

/** The session key. connect-ensure-login and Passport's `successReturnToOrRedirect` use the same. */
const RETURN_TO_KEY = 'returnTo'

const MAX_PATH_LENGTH = 2048

/**
 * Returns the page that was requested before the login, once, and otherwise `fallback`.
 *
 * The result is always a path on the app's own origin. Call it in the callback's handler: the page is known there although
 * Passport has renewed the session.
 *
 * @param fallback a path, such as `/`. If it is not a path on the app's own origin, `/` is used instead.
 */
export function returnTo(req: IncomingMessage, fallback: string): string {
  const inSession = takeReturnTo(req)
  return finishedLoginOf(req)?.returnTo ?? inSession ?? sameOriginPath(fallback) ?? '/'
}

/** Stores the requested page in the session. */
export function keepReturnTo(req: object, path: string): void {
  const session = peekSession(req)
  if (session) session[RETURN_TO_KEY] = path
}

/** Removes the requested page from the session and returns it. */
export function takeReturnTo(req: object): string | undefined {
  const session = peekSession(req)
  if (!session || !(RETURN_TO_KEY in session)) return undefined
  const path = sameOriginPath(session[RETURN_TO_KEY])
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a session is a plain object
  delete session[RETURN_TO_KEY]
  return path
}

/**
 * Returns the path if a redirect to it stays on the same origin. Browsers remove tabs and line breaks and treat a backslash
 * as a slash, so a path with any of them is refused.
 */
export function sameOriginPath(path: unknown): string | undefined {
  if (typeof path !== 'string' || path.length > MAX_PATH_LENGTH) return undefined
  return /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(path) ? path : undefined
}
