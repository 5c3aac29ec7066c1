// What users' code may and may not say. Each line marked as an error must be one.
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

// verify has its parameters' types without a word from the user; with five or six, by the name of its form.
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
// @ts-expect-error -- an access token is text
new TwilioStrategy(options, (accessToken: number) => undefined)
// @ts-expect-error -- there may be no profile
new TwilioStrategy(options, async (accessToken, refreshToken, profile) => ({ id: profile.id }))
// @ts-expect-error -- done takes an error first
new TwilioStrategy(options, (accessToken, refreshToken, profile, done) => done(null, 'somebody'))
// @ts-expect-error -- verify is missing
new TwilioStrategy(options)
// @ts-expect-error -- so is callbackURL
new TwilioStrategy(credentials, verify)
// @ts-expect-error -- and clientSecret
new TwilioStrategy({ clientID: 'OQ', callbackURL: '/callback' }, verify)
// @ts-expect-error -- there is no version 3
new TwilioStrategy({ ...options, apiVersion: 'v3' }, verify)
// @ts-expect-error -- clientId is not clientID
new TwilioStrategy({ ...options, clientId: 'OQ' }, verify)
// @ts-expect-error -- scopes are text
new TwilioStrategy({ ...options, scope: [1] }, verify)
// @ts-expect-error -- ms are a number
new TwilioStrategy({ ...options, timeout: '10s' }, verify)
// @ts-expect-error -- a misspelled option of the ID token's check
new TwilioStrategy({ ...options, idToken: { jwksUrl: 'https://example.com' } }, verify)

// What is passed as state may be text or an object.
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
// @ts-expect-error -- secrets are text
new SessionTokens(strategy, { secret: 1 })
// @ts-expect-error -- an option that there is none of
new SessionTokens(strategy, { secrets: ['new', 'old'] })
// @ts-expect-error -- a guard must know where to log in
requireLogin()
// @ts-expect-error -- this is no client of Redis
redisRefreshes({ get: () => undefined })

app.get('/account', requireLogin({ loginPath: '/login' }), tokens.fresh(), async (req, res) => {
  const held: TwilioTokens | undefined = req.twilioTokens
  const given: TwilioTokens | undefined = req.authInfo?.tokens
  const state: unknown = req.authInfo?.state
  req.session.visits = (req.session.visits ?? 0) + 1
  // @ts-expect-error -- the session's own types hold
  req.session.visits = 'many'
  // @ts-expect-error -- tokens are not changed
  if (held) held.accessToken = ''
  // @ts-expect-error -- there may be none
  req.twilioTokens.accessToken
  const calls = await twilioClient(req.twilioTokens).calls.list({ limit: 1 })
  res.json({ held, given, state, to: calls[0]?.to })
})

const job = tokenManager(new TwilioOAuthClient(credentials), { audience: 'https://api.twilio.com' })
export const client = twilioClient(job, { accountSid: 'AC' })
export const codeOf = (error: unknown): string | undefined => (error instanceof TwilioTokenError ? error.code : undefined)
export const nameOf = ({ displayName, emails }: TwilioProfile): string => emails?.[0]?.value ?? displayName
export const sandbox = startSandbox({ accessTokenTTL: 1, people: undefined })
// @ts-expect-error -- a fault that the sandbox does not know
export const broken = sandbox.then((started) => started.failNext('token', 'explode'))
