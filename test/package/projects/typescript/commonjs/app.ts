import express from 'express'
import session from 'express-session'
import passport from 'passport'
import TwilioStrategy = require('passport-twilio')
import { requireLogin, returnTo, SessionTokens, type TwilioProfile } from 'passport-twilio'
import { startSandbox } from 'passport-twilio/sandbox'
import { twilioClient } from 'passport-twilio/sdk'
import './names'

declare global {
  namespace Express {
    interface User {
      id: string
    }
  }
}

const strategy = new TwilioStrategy(
  {
    clientID: process.env['TWILIO_CLIENT_ID']!,
    clientSecret: process.env['TWILIO_CLIENT_SECRET']!,
    baseURL: process.env['TWILIO_BASE_URL'],
    callbackURL: process.env['TWILIO_CALLBACK_URL']!
  },
  async (accessToken, refreshToken, profile: TwilioProfile | undefined) => profile && { id: profile.id }
)
const tokens = new SessionTokens(strategy)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser<Express.User>((user, done) => done(null, user))

const app = express()
app.use(session({ secret: process.env['SESSION_SECRET']!, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio', { failureRedirect: '/' }), tokens.keep(), (req, res) => {
  res.redirect(returnTo(req, '/account'))
})
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
  res.json({ id: req.user?.id, expiresAt: req.twilioTokens?.expiresAt })
})

export { startSandbox, twilioClient }

app.listen(process.env['PORT'])
