const express = require('express')
const session = require('express-session')
const passport = require('passport')
const TwilioStrategy = require('passport-twilio')
const { requireLogin, returnTo, SessionTokens } = TwilioStrategy

const strategy = new TwilioStrategy(
  {
    clientID: process.env.TWILIO_CLIENT_ID,
    clientSecret: process.env.TWILIO_CLIENT_SECRET,
    apiVersion: 'v2',
    baseURL: process.env.TWILIO_BASE_URL,
    callbackURL: process.env.TWILIO_CALLBACK_URL
  },
  (accessToken, refreshToken, profile, done) => done(null, { id: profile.id, name: profile.displayName })
)
const tokens = new SessionTokens(strategy)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio', { failureRedirect: '/' }), tokens.keep(), (req, res) => {
  res.redirect(returnTo(req, '/account'))
})
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
  res.json({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt })
})

app.listen(process.env.PORT)
