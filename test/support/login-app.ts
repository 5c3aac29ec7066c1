import assert from 'node:assert/strict'
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler, type Response } from 'express'
import session, { type SessionOptions } from 'express-session'
import passport from 'passport'
import request from 'supertest'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy, type SessionTokensOptions, type TwilioAuthenticateOptions, type TwilioStrategyOptions } from '../../lib'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../lib/sandbox'

export const CALLBACK_URL = 'http://localhost/auth/twilio/callback'
const DENIED_PATH = '/denied'

export interface LoginAppOptions {
  readonly strategy?: Partial<Omit<TwilioStrategyOptions, 'passReqToCallback'>>
  readonly tokens?: SessionTokensOptions
  readonly session?: Partial<SessionOptions>
  /** Instead of express-session. */
  readonly sessions?: RequestHandler | RequestHandler[]
  /** Whether Passport serializes users with `tokens.serializer()`. Default: `false`. */
  readonly serializer?: boolean
  /** Whether `keep()` is behind the callback. Default: `true`. */
  readonly keep?: boolean
  readonly authenticate?: TwilioAuthenticateOptions
  readonly callback?: TwilioAuthenticateOptions & passport.AuthenticateOptions
  /** At the callback, behind `keep()`. */
  readonly afterLogin?: RequestHandler
  /** Before the session middleware. */
  readonly before?: readonly RequestHandler[]
}

export interface LoginApp {
  readonly app: Express
  readonly strategy: TwilioStrategy
  readonly tokens: SessionTokens
  readonly store: session.MemoryStore
  /** The errors that reached the error handler, oldest first. */
  readonly errors: Error[]
  /** The messages that `warn` was called with. */
  readonly warnings: string[]
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Passport's user gets its type
  namespace Express {
    interface User {
      id?: string | undefined
    }
  }
}

/** An app as in the README, on a Twilio of the test's choice. */
export function loginApp({ clientID, clientSecret, url }: Pick<Sandbox, 'clientID' | 'clientSecret' | 'url'>, options: LoginAppOptions = {}): LoginApp {
  const strategy = new TwilioStrategy({ clientID, clientSecret, baseURL: url, callbackURL: CALLBACK_URL, ...options.strategy }, (_accessToken, _refreshToken, profile, done) =>
    done(null, { id: profile?.id })
  )
  const warnings: string[] = []
  const tokens = new SessionTokens(strategy, { warn: (message) => warnings.push(message), ...options.tokens })
  const store = new session.MemoryStore()
  const errors: Error[] = []
  const authenticator = new passport.Passport()
  authenticator.use(strategy)
  if (options.serializer) authenticator.serializeUser(tokens.serializer())
  authenticator.serializeUser((user, done) => done(null, user))
  authenticator.deserializeUser((user: Express.User, done) => done(null, user))

  const app = express()
  for (const middleware of options.before ?? []) app.use(middleware)
  app.use(options.sessions ?? session({ secret: 'of the tests', resave: false, saveUninitialized: false, store, ...options.session }))
  app.use(authenticator.session() as RequestHandler)
  app.get('/auth/twilio', authenticator.authenticate('twilio', options.authenticate as passport.AuthenticateOptions) as RequestHandler)
  const callback = [authenticator.authenticate('twilio', { failureRedirect: DENIED_PATH, ...options.callback } as passport.AuthenticateOptions) as RequestHandler, ...(options.keep === false ? [] : [tokens.keep()])]
  app.get('/auth/twilio/callback', callback, options.afterLogin ?? [], (req: Request, res: Response) => {
    res.redirect(returnTo(req, '/'))
  })
  app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
    res.json({ user: req.user, accessToken: req.twilioTokens?.accessToken, refreshToken: req.twilioTokens?.refreshToken, idToken: req.twilioTokens?.idToken })
  })
  app.put('/cart', (req, res) => {
    Object.assign(req.session, { cart: 'full' })
    res.sendStatus(204)
  })
  app.get('/session', (req, res) => res.json(req.session))
  app.post('/expire', async (req, res) => {
    await tokens.expire(req)
    res.sendStatus(204)
  })
  app.post('/logout', tokens.drop(), (req, res, next) => {
    // The hardest case for drop(): Passport carries over to the next session what is left in this one.
    req.logout({ keepSessionInfo: true }, (error: unknown) => (error ? next(error) : res.sendStatus(204)))
  })
  const onError: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, next) => {
    errors.push(error)
    if (res.headersSent) next(error)
    else res.status(error.status ?? 500).json({ name: error.name, message: error.message })
  }
  app.use(onError)
  return { app, strategy, tokens, store, errors, warnings }
}

/** A browser, which keeps its cookies. */
export class Visitor {
  readonly agent: ReturnType<typeof request.agent>
  readonly #sandbox: Pick<Sandbox, 'login'>

  constructor(app: Express, sandbox: Pick<Sandbox, 'login'>) {
    this.agent = request.agent(app)
    this.#sandbox = sandbox
  }

  get(path: string): request.Test {
    return this.agent.get(path).set('Accept', 'text/html')
  }

  /** Where the app redirects to for a login. */
  async begin(path = '/auth/twilio'): Promise<string> {
    const { headers } = await this.get(path).expect(302)
    return String(headers.location)
  }

  /** The callback URL of a login that the person has approved, as a path of the app. */
  async approve(authorizeURL: string, as?: Parameters<Sandbox['login']>[1]): Promise<string> {
    const { pathname, search } = new URL(await this.#sandbox.login(authorizeURL, as))
    return pathname + search
  }

  /** A whole login, which must succeed: the app's callback must neither fail nor send the browser to its page for those who are denied. */
  async logIn(as?: Parameters<Sandbox['login']>[1]): Promise<request.Response> {
    const callback = await this.tryToLogIn(as)
    assert.ok(callback.status < 400 && callback.headers.location !== DENIED_PATH, `The login failed: ${callback.status} ${callback.text}`)
    return callback
  }

  /** A whole login, which may fail. */
  async tryToLogIn(as?: Parameters<Sandbox['login']>[1]): Promise<request.Response> {
    return this.get(await this.approve(await this.begin(), as))
  }
}

/** Runs a test with a sandbox that is stopped after it. */
export async function withSandbox(options: SandboxOptions, test: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox(options)
  try {
    await test(sandbox)
  } finally {
    await sandbox.stop()
  }
}

/** The JSON of the guarded page of {@link loginApp}. */
export interface AccountPage {
  readonly user: { readonly id: string }
  readonly accessToken: string
  readonly refreshToken: string
  readonly idToken?: string
}

/** The JSON of a response. */
export function jsonOf<Shape>(response: request.Response): Shape {
  return response.body as Shape
}

/** The text of all sessions in a memory store. */
export function sessionsIn(store: session.MemoryStore): string[] {
  return Object.values((store as unknown as { sessions: Record<string, string> }).sessions)
}
