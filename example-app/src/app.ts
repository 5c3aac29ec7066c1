import { join } from 'node:path'
import express, { type Express, type RequestHandler } from 'express'
import { redisRefreshes, requireLogin, type SessionTokens } from 'passport-twilio'
import { accountPage } from './account.ts'
import { Accounts } from './accounts.ts'
import { APP_SLUG } from './brand.ts'
import type { Config } from './config.ts'
import { errorPage, notFound } from './errors.ts'
import { requestID } from './log.ts'
import { login } from './login.ts'
import { messageForm, messagesPage, sendMessage } from './messages.ts'
import { setNotice } from './notice.ts'
import { numbersPage } from './numbers.ts'
import type { Redis } from './redis.ts'
import { limitLogins, refuseCrossSiteRequests, securityHeaders } from './security.ts'
import { sessions } from './sessions.ts'
import { storyPage } from './story.ts'
import { clientFor, retryWithNewToken } from './twilio-api.ts'
import type { Twilio } from './twilio.ts'
import type { Users } from './users.ts'
import { personalPages, useViews } from './views.ts'

export interface AppOptions {
  config: Config
  /** The app's public URL. */
  baseURL: string
  twilio: Twilio
  users: Users
  /** Stores what all processes share. Without it, everything is kept in this process's memory. */
  redis?: Redis | undefined
}

export const CALLBACK_PATH = '/auth/twilio/callback'
const LOGIN_PATH = '/auth/twilio'

export function createApp({ config, baseURL, twilio, users, redis }: AppOptions): { app: Express; tokens: SessionTokens } {
  const { apiVersion, sessionSecret, scope } = config
  const { sandbox, apiBaseURL } = twilio
  const isSecure = baseURL.startsWith('https:')
  const refreshes = redis && redisRefreshes(redis, { prefix: `${APP_SLUG}:login:` })
  const { passport, tokens, routes } = login({ twilio, apiVersion, callbackURL: baseURL + CALLBACK_PATH, scope, users, secret: sessionSecret, refreshes })
  const app = express()

  app.disable('x-powered-by')
  // This process speaks plain http. If the site is on https, a proxy in front of it says who the visitor is, and how they came.
  app.set('trust proxy', config.proxies ?? (isSecure ? 1 : 0))
  useViews(app, { apiVersion, hasSandbox: sandbox !== undefined, hasRedis: redis !== undefined, process: process.pid })
  app.use(requestID)
  app.use(securityHeaders(baseURL))
  app.get('/health', (_req, res) => void res.type('text').send('ok'))
  app.use(express.static(join(import.meta.dirname, '../public'), { maxAge: '1h' }))
  app.use(refuseCrossSiteRequests(baseURL))
  app.use(LOGIN_PATH, limitLogins(redis))
  app.use(sessions({ secret: sessionSecret, redis, isSecure }))
  app.use(passport.session() as RequestHandler)
  app.use(personalPages)

  app.get('/', homePage)
  app.get('/how-it-works', storyPage)
  app.use(LOGIN_PATH, routes)

  // Visitors who are not logged in are sent to log in, and return to this page afterwards. For everybody else,
  // req.twilioTokens holds an access token that has not expired.
  const guarded = [requireLogin({ loginPath: LOGIN_PATH }), tokens.fresh()]
  const callsTwilio = retryWithNewToken(tokens)
  const client = clientFor(apiBaseURL)
  const accounts = new Accounts(apiBaseURL)
  const inAccount = [...guarded, callsTwilio(accounts.requireAccount)]
  const form = express.urlencoded({ extended: false, limit: '20kb' })
  app.get('/account', guarded, accounts.findAccount, accountPage({ hasSandbox: sandbox !== undefined }))
  app.get('/accounts', guarded, callsTwilio(accounts.choicePage))
  app.post('/accounts', guarded, form, callsTwilio(accounts.choose))
  app.get('/numbers', inAccount, callsTwilio(numbersPage(client)))
  app.get('/messages', inAccount, callsTwilio(messagesPage(client)))
  app.get('/messages/new', inAccount, callsTwilio(messageForm(client)))
  app.post('/messages', inAccount, form, callsTwilio(sendMessage(client)))

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

const homePage: RequestHandler = (req, res) => {
  if (req.query.login === 'denied') {
    setNotice(req, 'warning', 'You are not logged in, because access was not approved at Twilio. You can try again at any time.')
    res.redirect('/')
    return
  }
  res.render('home')
}

/** Marks the access token as expired. `tokens.fresh()` on the next page then refreshes it. */
function refreshToken(tokens: SessionTokens, notice: string): RequestHandler {
  return async (req, res) => {
    await tokens.expire(req)
    setNotice(req, 'success', notice)
    res.redirect(303, '/account?technical')
  }
}

const logOut: RequestHandler = (req, res, next) => {
  req.logout((error: unknown) => {
    if (error) {
      next(error)
      return
    }
    setNotice(req, 'info', 'You are logged out.')
    res.redirect(303, '/')
  })
}
