import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import DefaultStrategy, { LoginStateError, requireLogin, returnTo, SessionTokens, Strategy, TwilioOAuthClient, TwilioStrategy } from 'passport-twilio'
import { startSandbox } from 'passport-twilio/sandbox'
import { logIn } from './log-in.cjs'

assert.equal(DefaultStrategy, TwilioStrategy)
assert.equal(Strategy, TwilioStrategy)
const required = createRequire(import.meta.url)('passport-twilio')
assert.equal(required, TwilioStrategy, 'there is one copy of each class')
assert.equal(required.TwilioOAuthClient, TwilioOAuthClient)
assert.equal(required.LoginStateError, LoginStateError)

const app = express()
const server = app.listen(0)
const appURL = `http://localhost:${server.address().port}`
const sandbox = await startSandbox()

const strategy = new TwilioStrategy(
  { clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url, callbackURL: `${appURL}/auth/twilio/callback` },
  async (_accessToken, _refreshToken, profile) => ({ id: profile.id })
)
const tokens = new SessionTokens(strategy, { secret: 'a secret of the tests, which is long enough' })
passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))
app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }), passport.session())
app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio'), tokens.keep(), (req, res) => res.redirect(returnTo(req, '/')))
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
  res.json({ id: req.user.id, tokenType: req.twilioTokens.tokenType })
})

const account = await logIn(appURL, sandbox)
assert.match(account.id, /^US/)
assert.equal(account.tokenType, 'Bearer')
server.close()
server.closeAllConnections()
await sandbox.stop()
