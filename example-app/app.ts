import { join } from 'node:path'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import passport from 'passport'
import { LoginStateError, requireLogin, type SessionTokens } from 'passport-twilio'
import { accountPage } from './account.ts'
import type { Config } from './config.ts'
import { login } from './login.ts'
import { phonePages } from './phone.ts'
import { render, renderError } from './render.ts'
import type { Sessions } from './sessions.ts'
import { EVERY_LOGIN } from './story.ts'
import type { Twilio } from './twilio.ts'

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
  if (isProduction) app.set('trust proxy', 1)
  app.use(securityHeaders(baseURL))
  app.use(express.static(join(import.meta.dirname, 'public'), { maxAge: '1h' }))
  app.use(sessions.middleware)
  app.use(passport.session() as RequestHandler)

  app.get('/', (req, res) => {
    const { user, query, session } = req
    const story = user && session.story
    res.send(render('home', { user, apiVersion, hasSandbox: sandbox !== undefined, hasRedis: redisURL !== undefined, wasDenied: query.login === 'denied', story, steps: story ?? EVERY_LOGIN, process: process.pid }))
  })
  app.use('/auth/twilio', routes)

  const guarded = [requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh()]
  const { numbers, messages } = phonePages(tokens, apiBaseURL)
  app.get('/account', guarded, accountPage({ hasSandbox: sandbox !== undefined }))
  app.get('/numbers', guarded, numbers)
  app.get('/messages', guarded, messages)
  app.post('/account/refresh', guarded, refreshNow(tokens))
  if (sandbox) app.post('/sandbox/expire', guarded, refreshNow(tokens, () => sandbox.expireAccessTokens()))
  app.post('/logout', tokens.drop(), logOut)

  app.use((req, res) => {
    res.status(404).send(renderError({ title: 'There is no such page', message: 'The address may be mistyped, or the page has moved.', status: 404 }, req))
  })
  app.use(errorPage)
  return app
}

/** Tells browsers what pages may do; what only makes sense on https is left out without it. */
function securityHeaders(baseURL: string): RequestHandler {
  const isSecure = baseURL.startsWith('https:')
  return helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: isSecure ? [] : null } }, strictTransportSecurity: isSecure })
}

/** Takes the session's token for ended; the page that is shown next has a new one. */
function refreshNow(tokens: SessionTokens, before?: () => void): RequestHandler {
  return async (req, res) => {
    before?.()
    await tokens.expire(req)
    res.redirect(303, '/account?renewed')
  }
}

const logOut: RequestHandler = (req, res, next) => {
  req.logout((error: unknown) => {
    if (error) next(error)
    else res.redirect(303, '/')
  })
}

const errorPage: ErrorRequestHandler = (error: unknown, req, res, next) => {
  if (res.headersSent) {
    next(error)
    return
  }
  // A tab whose login comes back after another tab's: the person is in already.
  if (error instanceof LoginStateError && req.isAuthenticated()) {
    res.redirect('/account')
    return
  }
  const inWords = describe(error)
  if (inWords.status >= 500) console.error(error)
  res.status(inWords.status).send(renderError(inWords, req))
}

function describe(error: unknown): { status: number; title: string; message: string } {
  const { status = 500, message } = error instanceof Error ? (error as Error & { status?: number }) : { message: '' }
  if (error instanceof LoginStateError) return { status, title: 'This login cannot be finished', message }
  if (status < 500) return { status, title: 'That did not work', message }
  if (status > 500) return { status, title: 'Twilio did not answer as it should', message: 'Nothing is lost. Please try again in a moment.' }
  return { status, title: 'Something went wrong', message: 'It has been noted. Please try again.' }
}
