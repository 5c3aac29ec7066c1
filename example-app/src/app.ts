import { join } from 'node:path'
import express, { type Express, type RequestHandler } from 'express'
import passport from 'passport'
import { redisRefreshes, requireLogin, type SessionTokens } from 'passport-twilio'
import { accountPage } from './account.ts'
import { APP_SLUG } from './brand.ts'
import type { Config } from './config.ts'
import { errorPage, notFound } from './errors.ts'
import { login } from './login.ts'
import { setNotice } from './notice.ts'
import { phonePages } from './phone.ts'
import type { Redis } from './redis.ts'
import { limitLogins, refuseCrossSiteRequests, securityHeaders } from './security.ts'
import { sessions } from './sessions.ts'
import { EVERY_LOGIN } from './story.ts'
import type { Twilio } from './twilio.ts'
import { personalPages, useViews } from './views.ts'

export interface AppOptions {
  config: Config
  /** The app's public URL. */
  baseURL: string
  twilio: Twilio
  /** Stores what all processes share. Without it, everything is kept in this process's memory. */
  redis?: Redis | undefined
}

export const CALLBACK_PATH = '/auth/twilio/callback'

export function createApp({ config, baseURL, twilio, redis }: AppOptions): { app: Express; tokens: SessionTokens } {
  const { apiVersion, sessionSecret } = config
  const { sandbox, apiBaseURL } = twilio
  const isSecure = baseURL.startsWith('https:')
  const refreshes = redis && redisRefreshes(redis, { prefix: `${APP_SLUG}:login:` })
  const { tokens, routes } = login({ twilio, apiVersion, callbackURL: baseURL + CALLBACK_PATH, secret: sessionSecret, refreshes })
  const app = express()

  app.disable('x-powered-by')
  // This process speaks plain http. If the site is on https, a proxy in front of it says who the visitor is, and how they came.
  app.set('trust proxy', config.proxies ?? (isSecure ? 1 : 0))
  useViews(app, { apiVersion, hasSandbox: sandbox !== undefined, hasRedis: redis !== undefined, process: process.pid })
  app.use(securityHeaders(baseURL))
  app.use(express.static(join(import.meta.dirname, '../public'), { maxAge: '1h' }))
  app.use(refuseCrossSiteRequests(baseURL))
  app.use('/auth/twilio', limitLogins(redis))
  app.use(sessions({ secret: sessionSecret, redis, isSecure }))
  app.use(passport.session() as RequestHandler)
  app.use(personalPages)

  app.get('/', (req, res) => {
    const story = req.user && req.session.story
    res.render('home', { wasDenied: req.query.login === 'denied', story, steps: story ?? Object.values(EVERY_LOGIN) })
  })
  app.use('/auth/twilio', routes)

  // Visitors who are not logged in are sent to log in, and return to this page afterwards. For everybody else,
  // req.twilioTokens holds an access token that has not expired.
  const guarded = [requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh()]
  const { numbers, messages } = phonePages(tokens, apiBaseURL)
  app.get('/account', guarded, accountPage({ hasSandbox: sandbox !== undefined }))
  app.get('/numbers', guarded, numbers)
  app.get('/messages', guarded, messages)
  app.post('/account/refresh', guarded, refreshToken(tokens, 'The token was refreshed. You did not have to log in again.'))
  if (sandbox) {
    const expireTokens: RequestHandler = (_req, _res, next) => {
      sandbox.expireAccessTokens()
      next()
    }
    app.post('/sandbox/expire', guarded, expireTokens, refreshToken(tokens, 'The sandbox expired the token, and the app refreshed it. You did not have to log in again.'))
  }
  app.post('/logout', tokens.drop(), logOut)

  app.use(notFound)
  app.use(errorPage)
  return { app, tokens }
}

/** Marks the access token as expired. `tokens.fresh()` on the next page then refreshes it. */
function refreshToken(tokens: SessionTokens, notice: string): RequestHandler {
  return async (req, res) => {
    await tokens.expire(req)
    setNotice(req, notice)
    res.redirect(303, '/account')
  }
}

const logOut: RequestHandler = (req, res, next) => {
  req.logout((error: unknown) => {
    if (error) next(error)
    else res.redirect(303, '/')
  })
}
