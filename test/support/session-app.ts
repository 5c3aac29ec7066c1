import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import session, { type SessionOptions } from 'express-session'
import request from 'supertest'
import { requireLogin, SessionTokens, TwilioOAuthClient, type SessionTokensOptions, type TwilioOAuthClientOptions, type TwilioTokens } from '../../lib'
import { claimsOf } from '../../lib/oauth/claims'
import { CLIENT_ID, CLIENT_SECRET } from './jwt'
import type { Behaviour, TwilioServer } from './twilio-server'

export interface SessionAppOptions {
  readonly client?: Partial<TwilioOAuthClientOptions>
  readonly tokens?: SessionTokensOptions
  readonly session?: Partial<SessionOptions>
  /** Instead of express-session. */
  readonly sessions?: RequestHandler
  readonly routes?: (app: Express, tokens: SessionTokens) => void
}

export interface SessionApp {
  readonly app: Express
  readonly tokens: SessionTokens
  readonly store: session.MemoryStore
  /** What `warn` was told. */
  readonly warnings: string[]
  /** What the error handler was given. */
  readonly errors: Error[]
}

/** An app whose sessions hold Twilio's tokens, put there without a login. */
export function sessionApp({ url }: Pick<TwilioServer, 'url'>, options: SessionAppOptions = {}): SessionApp {
  const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, baseURL: url, ...options.client })
  const warnings: string[] = []
  const errors: Error[] = []
  const tokens = new SessionTokens(client, { warn: (message) => warnings.push(message), ...options.tokens })
  const store = new session.MemoryStore()

  const app = express()
  app.use(options.sessions ?? session({ secret: 'of the tests', resave: false, saveUninitialized: false, store, ...options.session }))
  app.use((req, _res, next) => {
    Object.assign(req, { isAuthenticated: () => peek(req, 'user') !== undefined })
    next()
  })
  options.routes?.(app, tokens)
  app.post('/keep', express.json(), passportLogin, tokens.keep(), (req, res) => res.json(req.twilioTokens ?? null))
  app.post('/drop', tokens.drop(), (_req, res) => res.json(null))
  app.post('/destroy', tokens.drop(), (req, res, next) => req.session.destroy((error: unknown) => (error ? next(error) : res.json(null))))
  app.put('/session', express.json(), (req, res) => {
    Object.assign(req.session, req.body)
    res.json(null)
  })
  app.get('/session', (req, res) => res.json(req.session))
  app.get('/of', async (req, res) => res.json((await tokens.of(req)) ?? null))
  app.post('/expire', async (req, res) => {
    await tokens.expire(req)
    res.json(null)
  })
  app.get('/fresh', tokens.fresh(), (req, res) => res.json(req.twilioTokens ?? null))
  app.get('/guarded', requireLogin({ loginPath: '/login' }), tokens.fresh(), (req, res) => res.json(req.twilioTokens ?? null))
  const onError: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, _next) => {
    errors.push(error)
    if (!res.headersSent) res.status(error.status ?? 500).json({ name: error.name, message: error.message })
  }
  app.use(onError)
  return { app, tokens, store, warnings, errors }
}

/** What `passport.authenticate('twilio')` leaves for the middleware after it. */
const passportLogin: RequestHandler = (req, _res, next) => {
  if (req.body !== undefined) req.authInfo = { tokens: req.body as TwilioTokens }
  Object.assign(req.session, { user: 'somebody' })
  next()
}

function peek(req: Request, key: string): unknown {
  return (req.session as unknown as Record<string, unknown> | undefined)?.[key]
}

/** Somebody with cookies, and tokens in the session. */
export async function visitorWith(app: Express, tokens: Partial<TwilioTokens> = {}): Promise<ReturnType<typeof request.agent>> {
  const visitor = request.agent(app)
  await visitor.post('/keep').send(tokensOf(tokens)).expect(200)
  return visitor
}

/** Tokens as a login gives them. */
export function tokensOf(tokens: Partial<TwilioTokens> = {}): TwilioTokens {
  const accessToken = tokens.accessToken ?? 'access-0'
  return { accessToken, refreshToken: 'refresh-0', tokenType: 'Bearer', expiresAt: Date.now() + 3_600_000, claims: claimsOf(accessToken), ...tokens }
}

/** Tokens that have ended. */
export function ended(tokens: Partial<TwilioTokens> = {}): TwilioTokens {
  return tokensOf({ expiresAt: Date.now() - 1000, ...tokens })
}

/** Tokens that live, but not long enough. */
export function ending(tokens: Partial<TwilioTokens> = {}): TwilioTokens {
  return tokensOf({ expiresAt: Date.now() + 30_000, ...tokens })
}

/** A Twilio whose tokens rotate: `access-1` and `refresh-1` for `refresh-0`, and so on; a spent refresh token is refused. */
export function rotating(answer: Readonly<Record<string, unknown>> = {}): Behaviour {
  let current = 0
  return ({ form }, response) => {
    const spent = form.get('RefreshToken') ?? form.get('refresh_token')
    if (spent !== `refresh-${current}`) {
      response.writeHead(400, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant' }))
      return
    }
    current++
    const fresh = { access_token: `access-${current}`, refresh_token: `refresh-${current}`, token_type: 'bearer', expires_in: 3600, ...answer }
    response.writeHead(201, { 'Content-Type': 'application/json' }).end(JSON.stringify(fresh))
  }
}
