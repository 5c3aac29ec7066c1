import { join } from 'node:path'
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import passport from 'passport'
import { requireLogin, type SessionTokens } from 'passport-twilio'
import { accountPage } from './account.ts'
import type { Config } from './config.ts'
import { errorPage, notFound } from './errors.ts'
import { login } from './login.ts'
import { setNotice } from './notice.ts'
import { phonePages } from './phone.ts'
import type { Sessions } from './sessions.ts'
import { EVERY_LOGIN } from './story.ts'
import type { Twilio } from './twilio.ts'
import { personalPages, useViews } from './views.ts'

export interface AppOptions {
  config: Config
  /** The app's public URL. */
  baseURL: string
  twilio: Twilio
  sessions: Sessions
}

export const CALLBACK_PATH = '/auth/twilio/callback'

export function createApp({ config, baseURL, twilio, sessions }: AppOptions): { app: Express; tokens: SessionTokens } {
  const { apiVersion, sessionSecret, redisURL, isProduction } = config
  const { sandbox, apiBaseURL } = twilio
  const { refreshes } = sessions
  const { tokens, routes } = login({ twilio, apiVersion, callbackURL: baseURL + CALLBACK_PATH, secret: sessionSecret, refreshes })
  const app = express()

  app.disable('x-powered-by')
  // The proxy terminates TLS, so only its X-Forwarded-Proto header says whether the browser used https.
  if (isProduction) app.set('trust proxy', 1)
  useViews(app, { apiVersion, hasSandbox: sandbox !== undefined, hasRedis: redisURL !== undefined, process: process.pid })
  app.use(securityHeaders(baseURL))
  app.use(express.static(join(import.meta.dirname, 'public'), { maxAge: '1h' }))
  app.use(sessions.middleware)
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

/** Security headers. Those that only make sense over https are left out without it, so that the app also runs on http://localhost. */
function securityHeaders(baseURL: string): RequestHandler {
  const isSecure = baseURL.startsWith('https:')
  return helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: isSecure ? [] : null } }, strictTransportSecurity: isSecure })
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
