import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import express, { type ErrorRequestHandler, type Express } from 'express'
import session from 'express-session'
import helmet from 'helmet'
import passport from 'passport'
import { LoginStateError, requireLogin } from 'passport-twilio'
import type { Sandbox } from 'passport-twilio/sandbox'
import { accountPage } from './account.ts'
import type { Config } from './config.ts'
import { login } from './login.ts'
import { render, renderError } from './render.ts'

/** What the app is made from. */
export interface AppOptions {
  config: Config
  /** Where browsers find the app. */
  baseURL: string
  /** The Twilio on this machine, when the app runs without Twilio's own. */
  sandbox: Sandbox | undefined
}

export function createApp({ config, baseURL, sandbox }: AppOptions): Express {
  const app = express()
  const isSecure = baseURL.startsWith('https:')
  const { strategy, tokens, routes } = login({ config, baseURL, sandbox })

  app.disable('x-powered-by')
  if (config.isProduction) app.set('trust proxy', 1)
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: isSecure ? [] : null } }, strictTransportSecurity: isSecure }))
  app.use(express.static(join(import.meta.dirname, 'public'), { maxAge: '1h' }))
  app.use(
    session({
      name: 'example.session',
      secret: config.sessionSecret ?? randomBytes(32).toString('base64'),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure: isSecure }
    })
  )
  app.use(passport.initialize())
  app.use(passport.session())
  passport.use(strategy)

  app.get('/', (req, res) => {
    res.send(render('home', { user: req.user, sandbox: sandbox !== undefined, apiVersion: config.apiVersion, wasDenied: req.query.login === 'denied' }))
  })
  app.use('/auth/twilio', routes)
  app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), accountPage(tokens))
  app.post('/logout', tokens.drop(), (req, res, next) => {
    req.logout((error: unknown) => {
      if (error) next(error)
      else res.redirect(303, '/')
    })
  })

  app.use((req, res) => {
    res.status(404).send(renderError({ title: 'There is no such page', message: 'The address may be mistyped, or the page has moved.', status: 404 }, req))
  })
  app.use(errorPage)
  return app
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
