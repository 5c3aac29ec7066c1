import { join } from 'node:path'
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import passport from 'passport'
import { requireLogin, type SessionTokens } from 'passport-twilio'
import { accountPage } from './account.ts'
import type { Config } from './config.ts'
import { errorPage, notFound } from './errors.ts'
import { login } from './login.ts'
import { tellNext } from './notice.ts'
import { phonePages } from './phone.ts'
import type { Sessions } from './sessions.ts'
import { EVERY_LOGIN } from './story.ts'
import type { Twilio } from './twilio.ts'
import { personalPages, useViews } from './views.ts'

/** What the app is made from. */
export interface AppOptions {
  config: Config
  /** Where browsers find the app. */
  baseURL: string
  twilio: Twilio
  sessions: Sessions
}

export const CALLBACK_PATH = '/auth/twilio/callback'

export function createApp({ config, baseURL, twilio, sessions }: AppOptions): Express {
  const { apiVersion, sessionSecret, redisURL, isProduction } = config
  const { sandbox, apiBaseURL } = twilio
  const { refreshes } = sessions
  const { tokens, routes } = login({ twilio, apiVersion, callbackURL: baseURL + CALLBACK_PATH, secret: sessionSecret, refreshes })
  const app = express()

  app.disable('x-powered-by')
  // Behind a proxy that ends TLS, the proxy knows whether the browser came by https.
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

  // Whoever is not logged in is sent to log in, and comes back; whoever is has a live token in req.twilioTokens.
  const guarded = [requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh()]
  const { numbers, messages } = phonePages(tokens, apiBaseURL)
  app.get('/account', guarded, accountPage({ hasSandbox: sandbox !== undefined }))
  app.get('/numbers', guarded, numbers)
  app.get('/messages', guarded, messages)
  app.post('/account/refresh', guarded, renew(tokens, 'The token was renewed, without asking you.'))
  if (sandbox) {
    const endTokens: RequestHandler = (_req, _res, next) => {
      sandbox.expireAccessTokens()
      next()
    }
    app.post('/sandbox/expire', guarded, endTokens, renew(tokens, 'The sandbox ended the token, and the app renewed it on the way here, without asking you.'))
  }
  app.post('/logout', tokens.drop(), logOut)

  app.use(notFound)
  app.use(errorPage)
  return app
}

/** Tells browsers what pages may do; what only makes sense on https is left out without it. */
function securityHeaders(baseURL: string): RequestHandler {
  const isSecure = baseURL.startsWith('https:')
  return helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: isSecure ? [] : null } }, strictTransportSecurity: isSecure })
}

/** Takes the session's token for ended; the page that is shown next has a new one. */
function renew(tokens: SessionTokens, notice: string): RequestHandler {
  return async (req, res) => {
    await tokens.expire(req)
    tellNext(req, notice)
    res.redirect(303, '/account')
  }
}

const logOut: RequestHandler = (req, res, next) => {
  req.logout((error: unknown) => {
    if (error) next(error)
    else res.redirect(303, '/')
  })
}
