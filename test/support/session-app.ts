import assert from 'node:assert/strict'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import session, { type SessionOptions } from 'express-session'
import passport from 'passport'
import request from 'supertest'
import { requireLogin, SessionTokens, TwilioOAuthClient, type SessionTokensOptions, type TwilioOAuthClientOptions, type TwilioTokens } from '../../lib'
import { claimsOf } from '../../lib/oauth/claims'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { CLIENT_ID, CLIENT_SECRET } from './jwt'
import { sessionsIn } from './login-app'
import { json, TwilioServer, type Behaviour } from './twilio-server'

/** The key of a session under which the tokens of the tests' client are kept. */
export const SESSION_KEY = `twilioTokens:${CLIENT_ID}`

export interface SessionAppOptions {
  readonly client?: Partial<TwilioOAuthClientOptions>
  readonly tokens?: SessionTokensOptions
  readonly session?: Partial<SessionOptions>
  readonly store?: session.MemoryStore
  /** Instead of express-session. */
  readonly sessions?: RequestHandler
  readonly routes?: ((app: Express, tokens: SessionTokens) => void) | undefined
}

export interface SessionApp {
  readonly app: Express
  readonly tokens: SessionTokens
  readonly store: session.MemoryStore
  /** The messages that `warn` was called with. */
  readonly warnings: string[]
  /** The errors that reached the error handler. */
  readonly errors: Error[]
}

type Visitor = ReturnType<typeof request.agent>

/** An app whose sessions hold Twilio's tokens, put there without a login. Its `leeway` is 60 s. */
export function sessionApp({ url }: Pick<TwilioServer, 'url'>, options: SessionAppOptions = {}): SessionApp {
  const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, baseURL: url, ...options.client })
  const warnings: string[] = []
  const errors: Error[] = []
  const tokens = new SessionTokens(client, { warn: (message) => warnings.push(message), refreshes: new MemoryRefreshes(), leeway: 60_000, ...options.tokens })
  const store = options.store ?? new session.MemoryStore()
  const authenticator = new passport.Passport()
  authenticator.deserializeUser((id, done) => done(null, { id: String(id) }))

  const app = express()
  app.use(options.sessions ?? session({ secret: 'of the tests', resave: false, saveUninitialized: false, store, ...options.session }))
  app.use(authenticator.session() as RequestHandler)
  options.routes?.(app, tokens)
  app.post('/keep', express.json(), passportLogin, tokens.keep(), (req, res) => res.json(req.twilioTokens ?? null))
  app.post('/drop', tokens.drop(), (_req, res) => res.json(null))
  app.post('/logout', tokens.drop(), (req, res, next) => req.logout((error: unknown) => (error ? next(error) : res.json(null))))
  app.post('/destroy', tokens.drop(), (req, res, next) => req.session.destroy((error: unknown) => (error ? next(error) : res.json(null))))
  app.put('/session', express.json(), (req, res) => {
    Object.assign(req.session, req.body)
    res.json(null)
  })
  app.get('/session', (req, res) => res.json(req.session))
  app.get('/cookie', (req, res) => res.json(req.headers.cookie ?? ''))
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
  Object.assign(req.session, { passport: { user: 'somebody' } })
  next()
}

/** A browser with tokens in its session. */
export async function visitorWith(app: Express, tokens: Partial<TwilioTokens> = {}): Promise<Visitor> {
  const visitor = request.agent(app)
  await visitor.post('/keep').send(tokensOf(tokens)).expect(200)
  return visitor
}

/** A browser whose session already holds something. */
export async function visitorWithSession(app: Express, { cookie: _cookie, ...session }: Readonly<Record<string, unknown>>): Promise<Visitor> {
  const visitor = request.agent(app)
  await visitor.put('/session').send(session).expect(200)
  return visitor
}

/** The cookies that a browser sends now. */
export async function cookieOf(visitor: Visitor): Promise<string> {
  return String((await visitor.get('/cookie').expect(200)).body)
}

/** The access token that a page of the app reports. */
export async function accessTokenAt(page: request.Test): Promise<string> {
  const response = await page
  assert.equal(response.status, 200, response.text)
  return (response.body as TwilioTokens).accessToken
}

/** The only session of a store. */
export function storedSession({ store }: Pick<SessionApp, 'store'>): Record<string, unknown> {
  const [only, ...others] = sessionsIn(store)
  assert.equal(others.length, 0)
  return JSON.parse(only ?? '{}') as Record<string, unknown>
}

/** What the only session of a store has under the key of the tokens. */
export function storedTokens(site: Pick<SessionApp, 'store'>): (TwilioTokens & { readonly login: string; readonly generation: number; readonly receivedAt: number }) | undefined {
  return storedSession(site)[SESSION_KEY] as ReturnType<typeof storedTokens>
}

/** A request without a response and with its own copy of the only session of a store, such as the upgrade request of a WebSocket. */
export interface Connection {
  readonly session: Record<string, unknown>
  readonly sessionID: string
  readonly sessionStore: session.MemoryStore
  twilioTokens?: TwilioTokens
}

export function connectionTo({ store }: Pick<SessionApp, 'store'>): Connection {
  const [sessionID = ''] = Object.keys((store as unknown as { sessions: Record<string, string> }).sessions)
  return { session: storedSession({ store }), sessionID, sessionStore: store }
}

/** Runs `tokens.fresh()` for a connection. Rejects with the error that is passed on. */
export function freshFor({ tokens }: Pick<SessionApp, 'tokens'>, connection: Connection): Promise<TwilioTokens | undefined> {
  return new Promise((resolve, reject) => tokens.fresh()(connection as never, {} as never, (error) => (error instanceof Error ? reject(error) : resolve(connection.twilioTokens))))
}

/** Tokens as a login returns them. */
export function tokensOf(tokens: Partial<TwilioTokens> = {}): TwilioTokens {
  const accessToken = tokens.accessToken ?? 'access-0'
  return { accessToken, refreshToken: 'refresh-0', tokenType: 'Bearer', expiresAt: Date.now() + 3_600_000, claims: claimsOf(accessToken), ...tokens }
}

/** Tokens that have expired. */
export function expired(tokens: Partial<TwilioTokens> = {}): TwilioTokens {
  return tokensOf({ expiresAt: Date.now() - 1000, ...tokens })
}

/** Tokens that are alive, but within the app's leeway of their expiry. */
export function expiring(tokens: Partial<TwilioTokens> = {}): TwilioTokens {
  return tokensOf({ expiresAt: Date.now() + 30_000, ...tokens })
}

/** As tokens were stored before each client had a key of its own, and each login an ID. */
export function legacySession(tokens: TwilioTokens): Record<string, unknown> {
  const { claims: _claims, ...stored } = tokens
  return { passport: { user: 'somebody' }, twilioTokens: stored }
}

export const INVALID_GRANT = json(400, { error: 'invalid_grant', error_description: 'The refresh token is spent.' })
/** Asks to wait for longer than any call may take, so that the client doesn't retry. */
export const BUSY = json(503, { code: 20500, message: 'Internal server error', status: 503 }, { 'Retry-After': '120' })

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

/** Starts a Twilio for the suite that calls this. Before each test, it forgets its requests, and rotates its tokens from `refresh-0` on. */
export function startTwilio(): TwilioServer {
  const twilio = new TwilioServer()
  before(() => twilio.start())
  beforeEach(() => {
    twilio.requests.length = 0
    twilio.behave = rotating()
  })
  after(() => twilio.stop())
  return twilio
}

/** Responds once the gate is open. */
export function heldUntil({ opened }: { readonly opened: Promise<void> }, behave: Behaviour): Behaviour {
  return (...call) => void opened.then(() => behave(...call))
}

/** The refresh tokens that Twilio was sent. */
export function spentAt({ requests }: Pick<TwilioServer, 'requests'>): (string | null)[] {
  return requests.map(({ form }) => form.get('RefreshToken'))
}
