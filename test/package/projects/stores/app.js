import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'

const { PORT, SESSION_SECRET, TOKEN_SECRET, TWILIO_BASE_URL, TWILIO_CALLBACK_URL, TWILIO_CLIENT_ID, TWILIO_CLIENT_SECRET } = process.env

/** An app with its sessions and login records in the given stores. */
export function serve(store, refreshes) {
  const strategy = new TwilioStrategy(
    { clientID: TWILIO_CLIENT_ID, clientSecret: TWILIO_CLIENT_SECRET, baseURL: TWILIO_BASE_URL, callbackURL: TWILIO_CALLBACK_URL },
    async (accessToken, refreshToken, profile) => ({ id: profile.id })
  )
  const tokens = new SessionTokens(strategy, { secret: TOKEN_SECRET, refreshes })
  const login = requireLogin({ loginPath: '/auth/twilio' })

  passport.use(strategy)
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user, done) => done(null, user))

  const app = express()
  app.use(session({ store, secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
  app.use(passport.session())

  app.get('/auth/twilio', passport.authenticate('twilio'))
  app.get('/auth/twilio/callback', passport.authenticate('twilio'), tokens.keep(), (req, res) => res.redirect(returnTo(req, '/account')))
  app.get('/account', login, tokens.fresh(), (req, res) => {
    res.json({ id: req.user.id, accessToken: req.twilioTokens.accessToken, expiresAt: req.twilioTokens.expiresAt })
  })
  app.post('/expire', async (req, res) => {
    await tokens.expire(req)
    res.sendStatus(204)
  })
  // Loads its session when it begins, and saves it when it ends.
  app.get('/slow', login, async (req, res) => {
    req.session.startedAt = Date.now()
    res.flushHeaders()
    await pause(1000)
    res.end()
  })
  app.post('/logout', tokens.drop(), (req, res, next) => {
    req.logout((error) => (error ? next(error) : res.sendStatus(204)))
  })

  app.listen(PORT)
}
