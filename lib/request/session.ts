import { setupError } from '../errors'
import { isObject } from '../util/is-object'

/**
 * The session of a request, from any session middleware.
 *
 * @throws {Error} if there is none
 */
export function sessionOf(request: object): Record<string, unknown> {
  const session = peekSession(request)
  if (session) return session
  throw setupError(
    'There is no req.session. Add session middleware before this route: app.use(session({ secret, resave: false, saveUninitialized: false })), from express-session. ' +
      'If it is there, its store may be disconnected.'
  )
}

/** The session of a request, if it has one. */
export function peekSession(request: object): Record<string, unknown> | undefined {
  return 'session' in request && isObject(request.session) ? request.session : undefined
}

/**
 * The session ID, a secret shared by the browser and the app. A session without a store is kept in a cookie and has no ID; if it
 * has an `id` property, that belongs to the app.
 */
export function sessionIDOf(request: object): string | undefined {
  const session = peekSession(request)
  const candidates = ['sessionID' in request ? request.sessionID : undefined, ...('sessionStore' in request ? [session?.id, session?.sessionId] : [])]
  return candidates.find((id): id is string => typeof id === 'string' && id !== '')
}

/** The session key of Passport's login. */
export const PASSPORT_KEY = 'passport'
/** The session keys of the session middleware itself. */
const HOUSEKEEPING = ['cookie', 'id', 'sessionId', 'encryptedSessionId']

/** The person who is logged in with Passport, as the app serializes them. */
export function userIn(session: Readonly<Record<string, unknown>> | undefined): unknown {
  const passport = session?.[PASSPORT_KEY]
  return isObject(passport) ? passport.user : undefined
}

/** Whether a person is logged in with Passport. */
export function hasUser(session: Readonly<Record<string, unknown>> | undefined): boolean {
  return userIn(session) !== undefined
}

/** Replaces everything in a session but what belongs to the session middleware. */
export function replaceContent(session: Record<string, unknown>, content: Readonly<Record<string, unknown>> = {}): void {
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- sessions are plain objects, from which keys can only be removed with delete
  for (const key of contentKeys(session)) delete session[key]
  for (const key of contentKeys(content)) session[key] = content[key]
}

function contentKeys(session: object): string[] {
  return Object.keys(session).filter((key) => !HOUSEKEEPING.includes(key))
}

/** The lifetime of a request's session in ms; `undefined` if its cookie lasts until the browser is closed. */
export function sessionMaxAgeOf(request: object): number | undefined {
  const cookie = peekSession(request)?.cookie
  // cookie-session keeps its options on the request.
  const options = 'sessionOptions' in request ? request.sessionOptions : undefined
  const maxAge = isObject(cookie) ? (cookie.originalMaxAge ?? cookie.maxAge) : isObject(options) ? options.maxAge : undefined
  return typeof maxAge === 'number' && maxAge > 0 ? Math.ceil(maxAge) : undefined
}
