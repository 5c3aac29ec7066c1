import type { Request, RequestHandler } from 'express'
import { rateLimit, type AugmentedRequest } from 'express-rate-limit'
import helmet from 'helmet'
import { RedisStore } from 'rate-limit-redis'
import { APP_SLUG } from './brand.ts'
import { log } from './log.ts'
import { inTime, type Redis } from './redis.ts'

/** Security headers. Those that only make sense over https are left out without it, so that the app also runs on http://localhost. */
export function securityHeaders(baseURL: string): RequestHandler {
  const isSecure = baseURL.startsWith('https:')
  return helmet({
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: isSecure ? [] : null } },
    strictTransportSecurity: isSecure,
    // With helmet's default, no-referrer, browsers send `Origin: null` with our own forms too.
    referrerPolicy: { policy: 'same-origin' }
  })
}

/** A form on another site was submitted to the app (CSRF). */
export class CrossSiteRequestError extends Error {
  readonly status = 403

  constructor({ method, path }: Request) {
    super(`${method} ${path} was refused, because it comes from a page of another site. If it is your own page, check BASE_URL: its origin must be the one in the browser's address bar.`)
    this.name = 'CrossSiteRequestError'
  }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Lets only pages of this app change something. The cookie's `SameSite=Lax` does not cover pages on sibling subdomains.
 * Clients that are not browsers send neither of the two headers, and no page can misuse their cookies.
 */
export function refuseCrossSiteRequests(baseURL: string): RequestHandler {
  const { origin } = new URL(baseURL)
  return (req, _res, next) => {
    if (SAFE_METHODS.has(req.method) || isFromThisSite(req, origin)) next()
    else next(new CrossSiteRequestError(req))
  }
}

function isFromThisSite(req: Request, ownOrigin: string): boolean {
  const site = req.get('Sec-Fetch-Site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  // Browsers from before 2023, and all browsers on plain http outside localhost, only send Origin.
  const origin = req.get('Origin')
  return origin === undefined || origin === ownOrigin || origin === `${req.protocol}://${req.get('Host') ?? ''}`
}

/** A visitor has sent too many requests to the login. */
export class TooManyLoginsError extends Error {
  readonly status = 429
  readonly retryAt: Date

  constructor(retryAt: Date) {
    super('Too many logins from one address.')
    this.name = 'TooManyLoginsError'
    this.retryAt = retryAt
  }
}

const LOGIN_WINDOW = 10 * 60_000
/** A login takes two requests. People in one office may share an address. */
const MAX_LOGIN_REQUESTS = 100
/** How long a login may wait for its count, in ms. Without one, it continues. */
const STORE_TIMEOUT = 1000

/** Limits how often one address can log in, so that nobody makes the app call Twilio without end. */
export function limitLogins(redis: Redis | undefined): RequestHandler {
  return rateLimit({
    windowMs: LOGIN_WINDOW,
    limit: MAX_LOGIN_REQUESTS,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // Without Redis, the sessions fail too, and their error says what to do.
    passOnStoreError: true,
    logger: { error: (error, message) => log.error({ err: error }, message), warn: (error, message) => log.warn({ err: error }, message) },
    ...(redis ? { store: new RedisStore({ prefix: `${APP_SLUG}:login-limit:`, sendCommand: (...command) => inTime(redis.sendCommand(command), STORE_TIMEOUT) }) } : {}),
    handler: (req, _res, next) => next(new TooManyLoginsError((req as AugmentedRequest).rateLimit?.resetTime ?? new Date(Date.now() + LOGIN_WINDOW)))
  })
}
