import express from 'express'
import session from 'express-session'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'

const { PORT, SESSION_SECRET, TWILIO_BASE_URL, TWILIO_CALLBACK_URL, TWILIO_CLIENT_ID, TWILIO_CLIENT_SECRET } = process.env

/** An app that logs people in with one copy of Passport, as a library with a copy of its own does, and loads the session with the other. */
export function serve({ login, sessions }) {
  const strategy = new TwilioStrategy(
    { clientID: TWILIO_CLIENT_ID, clientSecret: TWILIO_CLIENT_SECRET, baseURL: TWILIO_BASE_URL, callbackURL: TWILIO_CALLBACK_URL },
    async (accessToken, refreshToken, profile) => ({ id: profile.id })
  )
  const tokens = new SessionTokens(strategy)

  login.use(strategy)
  login.serializeUser(tokens.serializer())
  login.serializeUser((user, done) => done(null, user))
  sessions.deserializeUser((user, done) => done(null, user))

  const app = express()
  app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))

  app.get('/auth/twilio', login.authenticate('twilio'))
  app.get('/auth/twilio/callback', login.authenticate('twilio'), tokens.keep(), (req, res) => res.redirect(returnTo(req, '/account')))
  app.get('/account', sessions.session(), requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
    res.json({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt })
  })

  app.listen(PORT)
}
