import type { IncomingMessage } from 'node:http'
import { finishedLoginOf } from './finished-login'
import { peekSession } from './session'

/** Where the session keeps it: the key that connect-ensure-login and Passport's `successReturnToOrRedirect` use too. */
const SESSION_KEY = 'returnTo'

const LONGEST_PATH = 2048

/** No address resolves against this one to somewhere else and keeps its origin. */
const ORIGIN = 'http://same-origin.invalid'

/**
 * The page that a person wanted before they were sent to log in, once; else `fallback`.
 *
 * Only paths of the app's own origin are given. Works in the callback's handler, although Passport has renewed
 * the session by then.
 *
 * @param fallback a path, such as `/`
 */
export function returnTo(req: IncomingMessage, fallback: string): string {
  const inSession = takeReturnTo(req)
  return finishedLoginOf(req)?.returnTo ?? inSession ?? fallback
}

/** Remembers the page in the session. */
export function keepReturnTo(req: object, path: string): void {
  const session = peekSession(req)
  if (session) session[SESSION_KEY] = path
}

/** Takes the page out of the session. */
export function takeReturnTo(req: object): string | undefined {
  const session = peekSession(req)
  if (!session || !(SESSION_KEY in session)) return undefined
  const path = sameOriginPath(session[SESSION_KEY])
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- sessions are plain objects whose keys are gone only when deleted
  delete session[SESSION_KEY]
  return path
}

/**
 * The path, if a browser that is redirected to it stays on this origin. Browsers drop tabs and line ends, and take
 * a backslash for a slash, so a path that has any of them is refused rather than understood.
 */
export function sameOriginPath(path: unknown): string | undefined {
  if (typeof path !== 'string' || path.length > LONGEST_PATH) return undefined
  if (!/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(path)) return undefined
  return URL.canParse(path, ORIGIN) && new URL(path, ORIGIN).origin === ORIGIN ? path : undefined
}
