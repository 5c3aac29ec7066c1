// Whether the types that the package uses are found. An error here means that one of them was `any`.
import express from 'express'
import { requireLogin, SessionTokens, TwilioStrategy, TwilioTokenError } from 'passport-twilio'
import { startSandbox } from 'passport-twilio/sandbox'

const options = { clientID: 'OQ', clientSecret: 'secret', callbackURL: '/callback' }
const strategy = new TwilioStrategy({ ...options, passReqToCallback: true }, (req, accessToken, refreshToken, profile, done) => {
  const path: string = req.path
  // @ts-expect-error -- Express's request is typed
  const missing: unknown = req.missing
  done(null, profile && { id: path + accessToken.trim() + String(refreshToken?.length) + String(missing) })
})
// @ts-expect-error -- passport-oauth2's strategy is typed
strategy.missing()
// @ts-expect-error -- passport-oauth2's error is typed
const code: number = new TwilioTokenError('refused', { code: 'invalid_grant', status: 400 }).code

const tokens = new SessionTokens(strategy)
const app = express()
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
  const expiresAt: number | undefined = req.twilioTokens?.expiresAt
  res.json({ expiresAt, code, startSandbox })
})
