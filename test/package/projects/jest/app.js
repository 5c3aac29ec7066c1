const express = require('express')
const session = require('express-session')
const passport = require('passport')
const TwilioStrategy = require('passport-twilio')
const { requireLogin, returnTo, SessionTokens } = TwilioStrategy

exports.createApp = function createApp(options) {
  const strategy = new TwilioStrategy(options, (accessToken, refreshToken, profile, done) => done(null, { id: profile.id }))
  const tokens = new SessionTokens(strategy)
  passport.use(strategy)
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user, done) => done(null, user))

  const app = express()
  app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }), passport.session())
  app.get('/auth/twilio', passport.authenticate('twilio'))
  app.get('/auth/twilio/callback', passport.authenticate('twilio', { failureRedirect: '/' }), tokens.keep(), (req, res) => {
    res.redirect(returnTo(req, '/account'))
  })
  app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
    res.json({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt })
  })
  return app
}
