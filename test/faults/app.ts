import { isDeepStrictEqual } from 'node:util'
import cookieSession from 'cookie-session'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import { renewableCookieSession, requireLogin, returnTo, SessionTokens, TwilioStrategy, type TokenParameters, type TwilioProfile, type VerifyCallback } from '../../lib'
import { claimsOf, decodeJWT } from '../../lib/oauth/claims'
import type { ContenderName, StrategySettings } from './row'

/** How an app is set up. All values can be sent to another process. */
export interface AppSettings {
  readonly contender: ContenderName
  readonly issuer: string
  readonly clientID: string
  readonly clientSecret: string
  readonly jwksURL: string
  readonly tokenURL?: string | undefined
  readonly apiVersion: 'v1' | 'v2'
  readonly timeout: number
  readonly session: 'memory' | 'none' | 'cookie'
  readonly tokenSecret?: string | undefined
  readonly strategy: StrategySettings
  readonly checksSignature: boolean
}

/** At this path, {@link createApp} reports changes to `Object.prototype` in its process. */
export const PROTOTYPE_PATH = '/test/prototype'

const originalPrototype = Object.getOwnPropertyDescriptors(Object.prototype)

/** Names of the properties of `Object.prototype` that were added, changed or removed since the process started. */
function changedPrototypeProperties(): string[] {
  const now = Object.getOwnPropertyDescriptors(Object.prototype)
  const names = new Set([...Object.getOwnPropertyNames(originalPrototype), ...Object.getOwnPropertyNames(now)])
  return [...names].filter((name) => !isDeepStrictEqual(Object.getOwnPropertyDescriptor(originalPrototype, name)?.value, Object.getOwnPropertyDescriptor(now, name)?.value))
}

type SetUp = (app: Express, settings: AppSettings, callbackURL: string) => void | Promise<void>

/** At this path, a row can break the session store. */
export const STORE_PATH = '/test/store'
/** At this path, a row can write any value into the session. */
export const SESSION_PATH = '/test/session'

/**
 * The same small app with each library: `/login`, `/callback`, and `/account` for logged-in users, with
 * express-session's memory store. Each uses state and PKCE, and shows errors as most apps do in development.
 */
export async function createApp(settings: AppSettings, url: string, onError: (error: unknown) => void): Promise<Express> {
  const app = express()
  app.disable('x-powered-by')
  app.get(PROTOTYPE_PATH, (_req, res) => void res.end(changedPrototypeProperties().join()))
  useSession(app, settings)
  await SET_UPS[settings.contender](app, settings, `${url}/callback`)
  app.get('/denied', (_req, res) => void res.status(401).send('Not logged in.'))
  const handleError: ErrorRequestHandler = (error: unknown, _req, res, next) => {
    onError(error)
    const { name, message, status } = error instanceof Error ? (error as Error & { status?: unknown }) : { name: '', message: String(error), status: undefined }
    if (res.headersSent) next(error)
    else res.status(typeof status === 'number' && status >= 400 && status < 600 ? status : 500).json({ name, message })
  }
  app.use(handleError)
  return app
}

class BreakableStore extends session.MemoryStore {
  broken = 'nothing'

  override get(id: string, done: (error: unknown, session?: session.SessionData | null) => void): void {
    if (this.broken === 'get') done(new Error('The store cannot be read.'))
    else super.get(id, done)
  }

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    if (this.broken === 'set') done?.(new Error('The store cannot be written to.'))
    else super.set(id, data, done)
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    if (this.broken === 'destroy') done?.(new Error('The store cannot delete.'))
    else super.destroy(id, done)
  }
}

function useSession(app: Express, settings: AppSettings): void {
  if (settings.session === 'none') return
  if (settings.session === 'cookie') {
    app.use(cookieSession({ name: 'session', keys: ['a secret for the fault tests'] }), renewableCookieSession())
  } else {
    const store = new BreakableStore()
    app.post(STORE_PATH, (req, res) => {
      store.broken = new URL(req.url, 'http://app.invalid').searchParams.get('broken') ?? 'nothing'
      if (store.broken === 'connection') store.emit('disconnect')
      if (store.broken === 'nothing') store.emit('connect')
      res.end()
    })
    app.use(session({ secret: 'a secret for the fault tests', resave: false, saveUninitialized: false, store }))
  }
  app.put(SESSION_PATH, express.json({ limit: '10mb', strict: false }), (req, res) => {
    const data = req.session as unknown as Record<string, unknown>
    const { key, value } = req.body as { key?: string; value: unknown }
    // Without a key, overwrite everything that a library keeps there between the login and the callback.
    const names = Object.keys(data).filter((name) => (key === undefined ? name !== 'cookie' && name !== 'passport' : name.startsWith(key)))
    for (const name of names) data[name] = value
    res.end()
  })
}

function usePassport(app: Express, strategy: passport.Strategy, name: string): passport.Authenticator {
  const instance = new passport.Passport()
  instance.use(name, strategy)
  instance.serializeUser((user, done) => done(null, user))
  instance.deserializeUser((user: Express.User, done) => done(null, user))
  app.use(instance.session() as RequestHandler)
  app.get('/login', instance.authenticate(name) as RequestHandler)
  return instance
}

const passportTwilio: SetUp = (app, { clientID, clientSecret, issuer: baseURL, apiVersion, timeout, tokenURL, tokenSecret, checksSignature, jwksURL, ...settings }, callbackURL) => {
  const idToken = { ...settings.strategy.idToken, ...(checksSignature ? { jwksURL } : {}) }
  const strategy = new TwilioStrategy(
    { clientID, clientSecret, baseURL, callbackURL, apiVersion, timeout, tokenURL, ...settings.strategy, idToken },
    (_accessToken: string, _refreshToken: string | undefined, params: TokenParameters, profile: TwilioProfile | undefined, done: VerifyCallback) =>
      done(null, profile && ({ id: profile.id, name: profile.displayName, note: params.note } as Express.User))
  )
  const tokens = new SessionTokens(strategy, tokenSecret === undefined ? {} : { secret: tokenSecret })
  const instance = usePassport(app, strategy, 'twilio')
  app.all('/callback', express.urlencoded(), instance.authenticate('twilio', { failureRedirect: '/denied' }) as RequestHandler, tokens.keep(), (req, res) => {
    res.redirect(returnTo(req, '/account'))
  })
  app.get('/account', requireLogin({ loginPath: '/login' }), tokens.fresh(), (req, res) => {
    const { expiresAt, refreshToken } = req.twilioTokens ?? {}
    res.json({ ...req.user, expiresIn: expiresAt === undefined ? null : Math.round((expiresAt - Date.now()) / 1000), hasRefreshToken: refreshToken !== undefined })
  })
}

const authenticated: RequestHandler = (req, res, next) => {
  if (req.isAuthenticated()) next()
  else res.status(401).end()
}

/** passport-oauth2 does not support ID tokens, so a careful app checks the audience and expiry itself. */
const passportOAuth2: SetUp = async (app, { clientID, clientSecret, issuer, tokenURL }, callbackURL) => {
  const { Strategy } = await import('passport-oauth2')
  const strategy = new Strategy(
    { authorizationURL: `${issuer}/v2/authorize`, tokenURL: tokenURL ?? `${issuer}/v2/token`, clientID, clientSecret, callbackURL, scope: 'offline_access', state: true, pkce: true },
    (accessToken: string, _refreshToken: string | undefined, params: { id_token?: string; note?: string }, _profile: unknown, done: (error: unknown, user?: object) => void) => {
      const claims = params.id_token ? decodeJWT(params.id_token)?.claims : undefined
      if (params.id_token && (claims?.aud !== clientID || Number(claims.exp) * 1000 < Date.now())) {
        done(new Error('The ID token is not for this app, or has expired.'))
        return
      }
      done(null, { id: sidOf(claims ?? claimsOf(accessToken)), name: claims?.name, note: params.note })
    }
  )
  const instance = usePassport(app, strategy, 'oauth2')
  app.all('/callback', express.urlencoded(), instance.authenticate('oauth2', { failureRedirect: '/denied' }) as RequestHandler, (_req, res) => res.redirect('/account'))
  app.get('/account', authenticated, (req, res) => void res.json(req.user))
}

/** Set up for a provider without discovery, such as Twilio, with its own timeout option. */
const openidClient: SetUp = async (app, { clientID, clientSecret, issuer, tokenURL, timeout, checksSignature, jwksURL }, callbackURL) => {
  const client = await import('openid-client')
  const { Strategy } = await import('openid-client/passport')
  const config = new client.Configuration(
    { issuer, authorization_endpoint: `${issuer}/v2/authorize`, token_endpoint: tokenURL ?? `${issuer}/v2/token`, jwks_uri: jwksURL },
    clientID,
    {},
    client.ClientSecretPost(clientSecret)
  )
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- it allows providers without TLS, such as the ones in these rows
  client.allowInsecureRequests(config)
  config.timeout = timeout / 1000
  if (checksSignature) client.enableNonRepudiationChecks(config)
  const strategy = new Strategy({ config, scope: 'openid offline_access', callbackURL, name: 'openid' }, (tokens, done) => {
    const claims = tokens.claims() ?? claimsOf(tokens.access_token)
    done(null, { id: sidOf(claims), name: claims.name, note: tokens.note } as Express.User)
  })
  const instance = usePassport(app, strategy, 'openid')
  app.all('/callback', instance.authenticate('openid', { failureRedirect: '/denied' }) as RequestHandler, (_req, res) => res.redirect('/account'))
  app.get('/account', authenticated, (req, res) => void res.json(req.user))
}

const SET_UPS: Readonly<Record<ContenderName, SetUp>> = { 'passport-twilio': passportTwilio, 'passport-oauth2': passportOAuth2, "openid-client's strategy": openidClient }

/** The person in a Twilio Resource Name, `trn:us1:iam:user:US…`, or the subject as it is. */
function sidOf({ sub }: { readonly sub?: unknown }): unknown {
  return String(sub).split(':').pop()
}
