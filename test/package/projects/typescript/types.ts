// What the types accept and reject. tsc fails if a line marked with @ts-expect-error has no error.
import express from 'express'
import 'express-session'
import passport from 'passport'
import Default, {
  redisRefreshes,
  requireLogin,
  SessionTokens,
  TwilioOAuthClient,
  TwilioStrategy,
  TwilioTokenError,
  type TwilioProfile,
  type TwilioTokens,
  type VerifyWithParameters,
  type VerifyWithRequestAndParameters
} from 'passport-twilio'
import { startSandbox } from 'passport-twilio/sandbox'
import { tokenManager, twilioClient } from 'passport-twilio/sdk'

declare module 'express-session' {
  interface SessionData {
    visits: number
  }
}

const app = express()
const credentials = { clientID: 'OQ', clientSecret: 'secret' }
const options = { ...credentials, callbackURL: '/callback' }

// The parameters of verify need no annotations; with five or six parameters, satisfies names the signature.
const strategy = new TwilioStrategy(options, (accessToken, refreshToken, profile, done) => {
  const sid: string | undefined = profile?.accountSid
  done(null, { id: accessToken.trim() + String(refreshToken?.length) + String(sid) })
})
new TwilioStrategy(options, ((accessToken, refreshToken, params, profile, done) => {
  const scope: unknown = params['scope']
  done(null, profile && { id: profile.id }, { scope, accessToken: accessToken.trim() })
}) satisfies VerifyWithParameters)
new TwilioStrategy({ ...options, passReqToCallback: true }, (req, accessToken, refreshToken, profile, done) => {
  done(null, { id: req.sessionID + accessToken.trim() + String(profile?.displayName) })
})
new TwilioStrategy({ ...options, passReqToCallback: true }, ((req, accessToken, refreshToken, params, profile, done) => {
  done(null, { id: req.sessionID + String(params['scope']) + String(profile?.displayName) })
}) satisfies VerifyWithRequestAndParameters)
new TwilioStrategy(options, async (accessToken, refreshToken, profile) => ({ id: String(profile?.id) }))
new TwilioStrategy(options, async () => undefined)
new TwilioStrategy(options, async (accessToken, refreshToken, profile) => (profile ? { id: profile.id } : false))
const verify: VerifyWithParameters = (accessToken, refreshToken, params, profile, done) => done(new Error(typeof params))
const same: typeof TwilioStrategy = Default
new same(options, verify)

// @ts-expect-error -- a user is an object
new TwilioStrategy(options, async () => 'somebody')
// @ts-expect-error -- an access token is a string
new TwilioStrategy(options, (accessToken: number) => undefined)
// @ts-expect-error -- profile may be undefined
new TwilioStrategy(options, async (accessToken, refreshToken, profile) => ({ id: profile.id }))
// @ts-expect-error -- a user is an object here too
new TwilioStrategy(options, (accessToken, refreshToken, profile, done) => done(null, 'somebody'))
// @ts-expect-error -- verify is missing
new TwilioStrategy(options)
// @ts-expect-error -- callbackURL is missing
new TwilioStrategy(credentials, verify)
// A public client
new TwilioStrategy({ clientID: 'OQ', callbackURL: '/callback', apiVersion: 'v2' }, verify)
// @ts-expect-error -- apiVersion is 'v1' or 'v2'
new TwilioStrategy({ ...options, apiVersion: 'v3' }, verify)
// @ts-expect-error -- clientId is not clientID
new TwilioStrategy({ ...options, clientId: 'OQ' }, verify)
// @ts-expect-error -- scopes are strings
new TwilioStrategy({ ...options, scope: [1] }, verify)
// @ts-expect-error -- timeout is a number of ms
new TwilioStrategy({ ...options, timeout: '10s' }, verify)
// @ts-expect-error -- a misspelled option of idToken
new TwilioStrategy({ ...options, idToken: { jwksUrl: 'https://example.com' } }, verify)

// state may be a string or an object.
passport.use(strategy)
app.get('/login', passport.authenticate('twilio', { state: { plan: 'pro' }, scope: ['offline_access'] }))
app.get('/login', passport.authenticate('twilio', { state: 'pro', failureRedirect: '/' }))
app.get('/login', passport.authorize('twilio', { failureRedirect: '/' }))
// @ts-expect-error -- a misspelled option
app.get('/login', passport.authenticate('twilio', { scopes: 'offline_access' }))

const tokens = new SessionTokens(strategy, { secret: ['new', 'old'], leeway: 60_000 })
new SessionTokens(new TwilioOAuthClient(credentials))
// @ts-expect-error -- tokens belong to a strategy or a client
new SessionTokens(passport)
// @ts-expect-error -- secrets are strings
new SessionTokens(strategy, { secret: 1 })
// @ts-expect-error -- an unknown option
new SessionTokens(strategy, { secrets: ['new', 'old'] })
// @ts-expect-error -- loginPath is required
requireLogin()
// @ts-expect-error -- not a Redis client
redisRefreshes({ get: () => undefined })

app.get('/account', requireLogin({ loginPath: '/login' }), tokens.fresh(), async (req, res) => {
  const held: TwilioTokens | undefined = req.twilioTokens
  const given: TwilioTokens | undefined = req.authInfo?.tokens
  const state: unknown = req.authInfo?.state
  req.session.visits = (req.session.visits ?? 0) + 1
  // @ts-expect-error -- visits is a number
  req.session.visits = 'many'
  // @ts-expect-error -- tokens are read-only
  if (held) held.accessToken = ''
  // @ts-expect-error -- twilioTokens may be undefined
  req.twilioTokens.accessToken
  const calls = await twilioClient(req.twilioTokens).calls.list({ limit: 1 })
  res.json({ held, given, state, to: calls[0]?.to })
})

const job = tokenManager(new TwilioOAuthClient(credentials), { audience: 'https://api.twilio.com' })
export const client = twilioClient(job, { accountSid: 'AC' })
export const codeOf = (error: unknown): string | undefined => (error instanceof TwilioTokenError ? error.code : undefined)
export const nameOf = ({ displayName, emails }: TwilioProfile): string => emails?.[0]?.value ?? displayName
export const sandbox = startSandbox({ accessTokenTTL: 1, people: undefined })
// @ts-expect-error -- an unknown fault
export const broken = sandbox.then((started) => started.failNext('token', 'explode'))
