import { randomBytes } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { APP_SLUG } from './brand.ts'
import type { Redis } from './redis.ts'

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
    ...(redis ? { store: new RedisStore({ client: redis, prefix: `${APP_SLUG}:session:` }) } : {})
  })
  return (req, res, next) => middleware(req, res, (error?: unknown) => (error === undefined ? next() : next(new SessionStoreError(error))))
}
