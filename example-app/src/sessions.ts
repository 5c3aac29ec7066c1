import { randomBytes } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import type { Request, RequestHandler, Response } from 'express'
import session from 'express-session'
import { APP_SLUG } from './brand.ts'
import { log } from './log.ts'
import { inTime, type Redis } from './redis.ts'

/** The session store failed, so the app cannot tell who the visitor is. */
export class SessionStoreError extends Error {
  readonly status = 503

  constructor(cause: unknown) {
    super('The session store failed. Check that Redis is running and can be reached at REDIS_URL.', { cause })
    this.name = 'SessionStoreError'
  }
}

export interface SessionOptions {
  /** Signs the cookie. By default, a random one: then nobody stays logged in when the app restarts. */
  secret: string | undefined
  /** Stores the sessions. Without it, they are kept in this process's memory. */
  redis: Redis | undefined
  /** Whether the site is on https. */
  isSecure: boolean
}

/** How long people stay logged in after their last visit, in ms. */
export const SESSION_LIFETIME = 7 * 24 * 3600 * 1000

export function sessions({ secret = randomBytes(32).toString('base64'), redis, isSecure }: SessionOptions): RequestHandler {
  const middleware = session({
    // Browsers accept a cookie with this prefix only over https, for this host alone: no sibling subdomain can set it.
    name: `${isSecure ? '__Host-' : ''}${APP_SLUG}.session`,
    secret,
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { httpOnly: true, sameSite: 'lax', secure: isSecure, path: '/', maxAge: SESSION_LIFETIME },
    ...(redis ? { store: new SessionStore({ client: redis, prefix: `${APP_SLUG}:session:` }) } : {})
  })
  return (req, res, next) => {
    middleware(req, res, (error?: unknown) => {
      // The session is saved at the end of the response, when it is too late for an error page.
      if (error !== undefined && res.headersSent) reportUnsavedSession(req, res, error)
      else next(error)
    })
  }
}

function reportUnsavedSession({ method, path }: Request, { statusCode }: Response, error: unknown): void {
  // If the response is an error page, the store's failure has most likely been logged with it.
  log[statusCode >= 500 ? 'debug' : 'error']({ method, path, status: statusCode, err: error }, 'The session could not be saved')
}

type Callback<Result = void> = (error: unknown, result?: Result) => void

/** Its errors say what to do, wherever they come from: the session middleware, Passport or the login. And it fails within seconds. */
class SessionStore extends RedisStore {
  override get(id: string, done?: Callback<session.SessionData | null>): Promise<unknown> {
    return settle(super.get(id) as Promise<session.SessionData | null>, done)
  }

  override set(id: string, data: session.SessionData, done?: Callback): Promise<unknown> {
    return settle(super.set(id, data) as Promise<void>, done)
  }

  override touch(id: string, data: session.SessionData, done?: Callback): Promise<unknown> {
    return settle(super.touch(id, data) as Promise<void>, done)
  }

  override destroy(id: string, done?: Callback): Promise<unknown> {
    return settle(super.destroy(id) as Promise<void>, done)
  }
}

function settle<Result>(reply: Promise<Result>, done?: Callback<Result>): Promise<unknown> {
  const result = inTime(reply).catch((error: unknown) => {
    throw new SessionStoreError(error)
  })
  return done ? result.then((value) => done(null, value), done) : result
}
