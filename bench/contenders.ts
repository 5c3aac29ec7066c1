import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import type { Express, Request, RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import type { SessionTokens, SessionTokensOptions } from 'passport-twilio'
import type { Provider } from './provider.ts'

/**
 * The same small app with each library: a login route, its callback, and `/account`, which requires a login. Sessions are
 * in express-session's memory store (express-openid-connect uses its own cookie). Each app uses state and PKCE,
 * regenerates the session at login, reads the user from the ID token after checking its audience and expiry, and keeps
 * the tokens.
 */
export interface Contender {
  readonly loginPath: string
  readonly callbackPath: string
  setUp(app: Express, provider: Provider, callbackURL: string, redisURL: string): void | Promise<void>
}

type SetUp = Contender['setUp']

function contender(setUp: SetUp, loginPath = '/login', callbackPath = '/callback'): Contender {
  return { loginPath, callbackPath, setUp }
}

const secret = 'a secret for the benchmark, long enough for every library'
const clientSecret = 'a client secret for the benchmark'

declare module 'express-session' {
  interface SessionData {
    login?: { state: string; verifier: string }
    user?: unknown
    tokens?: unknown
    grant?: { response?: { access_token?: string; raw?: unknown; jwt?: { id_token?: { payload?: { sub?: string } } } } }
  }
}

function memorySession(): RequestHandler {
  return session({ secret, resave: false, saveUninitialized: false })
}

function page(app: Express, path: string, ...guards: RequestHandler[]): void {
  app.get(path, ...guards, (_req, res) => {
    res.send('the account')
  })
}

function account(app: Express, ...guards: RequestHandler[]): void {
  page(app, '/account', ...guards)
}

function usePassport(app: Express, sessions = memorySession()): passport.Authenticator {
  const instance = new passport.Passport()
  instance.serializeUser((user, done) => done(null, user))
  instance.deserializeUser((user: Express.User, done) => done(null, user))
  app.use(sessions, instance.session() as RequestHandler)
  return instance
}

const authenticated: RequestHandler = (req, res, next) => {
  if (req.isAuthenticated()) next()
  else res.status(401).end()
}

/** Keeps a strategy's tokens in the session, as an application does. */
const keepTokens: RequestHandler = (req, res) => {
  req.session.tokens = (req.authInfo as { tokens?: unknown }).tokens
  res.redirect('/account')
}

interface IdClaims {
  sub: string
  aud: string
  exp: number
}

function claimsOf(idToken: unknown): IdClaims {
  return JSON.parse(Buffer.from((idToken as string).split('.')[1] ?? '', 'base64url').toString()) as IdClaims
}

function tokenRequester(provider: Provider, callbackURL: string): (code: string, verifier: string) => Promise<Record<string, unknown>> {
  const agent = new http.Agent({ keepAlive: true })
  const { hostname, port } = new URL(provider.issuer)
  return (code, verifier) => {
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: callbackURL,
      client_id: provider.clientID,
      client_secret: clientSecret,
      code_verifier: verifier
    }).toString()
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body) }
      const request = http.request({ hostname, port, path: '/token', method: 'POST', agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve(JSON.parse(text) as Record<string, unknown>))
      })
      request.on('error', reject)
      request.end(body)
    })
  }
}

function beginLogin(req: Request, provider: Provider, callbackURL: string): string {
  const state = randomBytes(16).toString('base64url')
  const verifier = randomBytes(32).toString('base64url')
  req.session.login = { state, verifier }
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: provider.clientID,
    redirect_uri: callbackURL,
    scope: 'offline_access',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256'
  })
  return `${provider.issuer}/authorize?${query.toString()}`
}

/** The least that a careful developer would write by hand. */
const minimum: SetUp = (app, provider, callbackURL) => {
  const requestTokens = tokenRequester(provider, callbackURL)
  app.use(memorySession())
  app.get('/login', (req, res) => {
    res.redirect(beginLogin(req, provider, callbackURL))
  })
  app.get('/callback', (req, res, next) => {
    const { login } = req.session
    if (!login || login.state !== req.query.state) {
      res.status(403).end()
      return
    }
    requestTokens(req.query.code as string, login.verifier).then((tokens) => {
      const { sub, aud, exp } = claimsOf(tokens.id_token)
      if (aud !== provider.clientID || exp * 1000 < Date.now()) {
        res.status(403).end()
        return
      }
      req.session.regenerate((error: unknown) => {
        if (error) {
          next(error)
          return
        }
        req.session.user = { id: sub }
        req.session.tokens = tokens
        res.redirect('/account')
      })
    }, next)
  })
  account(app, (req, res, next) => {
    if (req.session.user) next()
    else res.status(401).end()
  })
}

/** The same minimum as a Passport strategy: a lower bound for anything built on Passport. */
const minimumOnPassport: SetUp = (app, provider, callbackURL) => {
  const requestTokens = tokenRequester(provider, callbackURL)
  class Minimum extends passport.Strategy {
    override name = 'minimum'
    override authenticate(req: Request): void {
      const { code, state } = req.query
      if (code === undefined) {
        this.redirect(beginLogin(req, provider, callbackURL))
        return
      }
      const { login } = req.session
      if (!login || login.state !== state) {
        this.fail(403)
        return
      }
      requestTokens(code as string, login.verifier).then((tokens) => {
        const { sub, aud, exp } = claimsOf(tokens.id_token)
        if (aud === provider.clientID && exp * 1000 > Date.now()) this.success({ id: sub }, { tokens })
        else this.fail(403)
      }, this.error.bind(this))
    }
  }
  const instance = usePassport(app).use('minimum', new Minimum())
  app.get('/login', instance.authenticate('minimum') as RequestHandler)
  app.get('/callback', instance.authenticate('minimum') as RequestHandler, keepTokens)
  account(app, authenticated)
}

/** Adds the login routes of passport-twilio. */
async function twilioLogin(app: Express, instance: passport.Authenticator, { provider, apiVersion = 'v1', path = '', callbackURL, ...options }: TwilioLogin) {
  const { SessionTokens, TwilioStrategy } = await import('passport-twilio')
  const strategy = new TwilioStrategy(
    { clientID: provider.clientID, clientSecret, callbackURL, apiVersion, baseURL: provider.issuer },
    (_accessToken, _refreshToken, profile, done) => done(null, { id: profile?.id })
  )
  const tokens = new SessionTokens(strategy, options)
  const authenticate = () => instance.authenticate(strategy) as RequestHandler
  app.get(`${path}/login`, authenticate())
  app.get(`${path}/callback`, authenticate(), tokens.keep(), (_req, res) => res.redirect('/account'))
  return tokens
}

interface TwilioLogin extends SessionTokensOptions {
  readonly provider: Provider
  readonly callbackURL: string
  readonly apiVersion?: 'v1' | 'v2'
  /** A prefix for the paths of the login and the callback. */
  readonly path?: string
}

function ours(apiVersion: 'v1' | 'v2'): SetUp {
  return async (app, provider, callbackURL) => {
    const { requireLogin } = await import('passport-twilio')
    await twilioLogin(app, usePassport(app), { provider, apiVersion, callbackURL })
    account(app, requireLogin({ loginPath: '/login' }))
  }
}

/** The same page behind each guard, in one process, so that only the guard differs. */
const guards: SetUp = async (app, provider, callbackURL) => {
  const { requireLogin } = await import('passport-twilio')
  const instance = usePassport(app)
  const plain = await twilioLogin(app, instance, { provider, callbackURL })
  const sealed = await twilioLogin(app, instance, { provider, callbackURL: callbackURL.replace('/callback', '/sealed/callback'), path: '/sealed', secret })
  const login = requireLogin({ loginPath: '/login' })
  page(app, '/isAuthenticated', authenticated)
  page(app, '/requireLogin', login)
  page(app, '/fresh', login, plain.fresh())
  page(app, '/sealed/fresh', login, sealed.fresh())
}

/** POST /forget deletes all sessions. */
const growing: SetUp = async (app, provider, callbackURL) => {
  const { requireLogin } = await import('passport-twilio')
  const store = new session.MemoryStore()
  await twilioLogin(app, usePassport(app, session({ secret, resave: false, saveUninitialized: false, store })), { provider, callbackURL })
  app.post('/forget', (_req, res) => {
    Object.assign(store, { sessions: Object.create(null) as unknown })
    res.end()
  })
  account(app, requireLogin({ loginPath: '/login' }))
}

/** POST /expire expires the tokens, so that the next request refreshes them. POST /make-stale leaves them valid for another 30 s. */
const refreshing: SetUp = async (app, provider, callbackURL) => {
  const { requireLogin } = await import('passport-twilio')
  const tokens = await twilioLogin(app, usePassport(app), { provider, callbackURL })
  addExpireRoute(app, tokens)
  app.post('/make-stale', (req, res) => {
    const [, login] = Object.entries(req.session).find(([key]) => key.startsWith('twilioTokens')) ?? []
    Object.assign(login as object, { receivedAt: Date.now() - 3_570_000, expiresAt: Date.now() + 30_000 })
    res.end()
  })
  account(app, requireLogin({ loginPath: '/login' }), tokens.fresh())
}

/** One of several processes that share a Redis, with encrypted tokens, as the README recommends for production. */
const withRedis: SetUp = async (app, provider, callbackURL, redisURL) => {
  const [{ RedisStore }, { createClient }, { redisRefreshes, requireLogin }] = await Promise.all([import('connect-redis'), import('redis'), import('passport-twilio')])
  const client = await createClient({ url: redisURL }).connect()
  const sessions = session({ secret, resave: false, saveUninitialized: false, store: new RedisStore({ client }) })
  const tokens = await twilioLogin(app, usePassport(app, sessions), { provider, callbackURL, secret, refreshes: redisRefreshes(client) })
  addExpireRoute(app, tokens)
  account(app, requireLogin({ loginPath: '/login' }), tokens.fresh())
}

function addExpireRoute(app: Express, tokens: SessionTokens): void {
  app.post('/expire', async (req, res) => {
    await tokens.expire(req)
    res.end()
  })
}

const passportOAuth2: SetUp = async (app, provider, callbackURL) => {
  const { Strategy } = await import('passport-oauth2')
  const strategy = new Strategy(
    {
      authorizationURL: `${provider.issuer}/authorize`,
      tokenURL: `${provider.issuer}/token`,
      clientID: provider.clientID,
      clientSecret,
      callbackURL,
      scope: 'offline_access',
      state: true,
      pkce: true
    },
    (accessToken: string, refreshToken: string, params: { id_token: string }, _profile: unknown, done: (error: unknown, user: object, info: object) => void) => {
      const { sub, aud, exp } = claimsOf(params.id_token)
      if (aud !== provider.clientID || exp * 1000 < Date.now()) throw new Error('The ID token is for another app, or has expired.')
      done(null, { id: sub }, { tokens: { ...params, access_token: accessToken, refresh_token: refreshToken } })
    }
  )
  const instance = usePassport(app).use('oauth2', strategy)
  app.get('/login', instance.authenticate('oauth2') as RequestHandler)
  app.get('/callback', instance.authenticate('oauth2') as RequestHandler, keepTokens)
  account(app, authenticated)
}

const openidClient: SetUp = async (app, provider, callbackURL) => {
  const client = await import('openid-client')
  const { Strategy } = await import('openid-client/passport')
  const config = await client.discovery(new URL(provider.issuer), provider.clientID, undefined, client.ClientSecretPost(clientSecret), { execute: [client.allowInsecureRequests] })
  const strategy = new Strategy({ config, scope: 'openid offline_access', callbackURL, name: 'openid' }, (tokens, done) => {
    done(null, { id: tokens.claims()?.sub }, { tokens })
  })
  const instance = usePassport(app).use('openid', strategy)
  app.get('/login', instance.authenticate('openid') as RequestHandler)
  app.get('/callback', instance.authenticate('openid') as RequestHandler, keepTokens)
  account(app, authenticated)
}

const grant: SetUp = async (app, provider, callbackURL) => {
  const { default: grantModule } = await import('grant')
  app.use(memorySession())
  app.use(
    grantModule.default.express({
      defaults: { origin: new URL(callbackURL).origin, transport: 'session', state: true, pkce: true, response: ['tokens', 'raw', 'jwt'] },
      bench: {
        authorize_url: `${provider.issuer}/authorize`,
        access_url: `${provider.issuer}/token`,
        oauth: 2,
        key: provider.clientID,
        secret: clientSecret,
        scope: ['offline_access'],
        redirect_uri: callbackURL,
        callback: '/finished'
      }
    })
  )
  app.get('/finished', (req, res, next) => {
    const response = req.session.grant?.response
    req.session.regenerate((error: unknown) => {
      if (error) {
        next(error)
        return
      }
      req.session.user = { id: response?.jwt?.id_token?.payload?.sub }
      req.session.tokens = response?.raw
      res.redirect('/account')
    })
  })
  account(app, (req, res, next) => {
    if (req.session.user) next()
    else res.status(401).end()
  })
}

const expressOpenidConnect: SetUp = async (app, provider, callbackURL) => {
  const {
    default: { auth, requiresAuth }
  } = await import('express-openid-connect')
  app.use(
    auth({
      issuerBaseURL: provider.issuer,
      baseURL: new URL(callbackURL).origin,
      clientID: provider.clientID,
      clientSecret,
      secret,
      authRequired: false,
      clientAuthMethod: 'client_secret_post',
      authorizationParams: { response_type: 'code', scope: 'openid offline_access' },
      session: { cookie: { secure: false } }
    })
  )
  account(app, requiresAuth())
}

export const CONTENDERS = {
  'hand-written minimum': contender(minimum),
  'the minimum on Passport': contender(minimumOnPassport),
  'passport-twilio v1': contender(ours('v1')),
  'passport-twilio v2, PKCE': contender(ours('v2')),
  'passport-oauth2': contender(passportOAuth2),
  grant: contender(grant, '/connect/bench', '/connect/bench/callback'),
  "openid-client's strategy": contender(openidClient),
  'express-openid-connect': contender(expressOpenidConnect),
  guards: contender(guards),
  growing: contender(growing),
  refreshing: contender(refreshing),
  'with Redis': contender(withRedis)
} satisfies Record<string, Contender>

export type ContenderName = keyof typeof CONTENDERS
