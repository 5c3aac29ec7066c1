'use strict'
const assert = require('node:assert/strict')
const express = require('express')
const session = require('express-session')
const passport = require('passport')
const TwilioStrategy = require('passport-twilio')
const { requireLogin, returnTo, SessionTokens } = require('passport-twilio')
const { startSandbox } = require('passport-twilio/sandbox')
const { logIn } = require('./log-in.cjs')

async function main() {
  assert.equal(typeof TwilioStrategy, 'function', 'require gives the constructor')
  assert.equal(TwilioStrategy.Strategy, TwilioStrategy)
  assert.equal(TwilioStrategy.default, TwilioStrategy)
  assert.equal((await import('passport-twilio')).default, TwilioStrategy, 'there is one copy of each class')

  const app = express()
  const server = app.listen(0)
  const appURL = `http://localhost:${server.address().port}`
  const sandbox = await startSandbox()

  const strategy = new TwilioStrategy(
    { clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url, callbackURL: '/auth/twilio/callback', apiVersion: 'v2' },
    (accessToken, refreshToken, profile, done) => done(null, { id: profile.id })
  )
  const tokens = new SessionTokens(strategy)
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
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
