import { ensureLoggedIn } from 'connect-ensure-login'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { SessionTokens } from 'passport-twilio'
import { strategy } from './login.js'

const tokens = new SessionTokens(strategy)

const app = express()
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio', { keepSessionInfo: true }), tokens.keep(), (req, res) => {
  res.redirect(req.session.returnTo)
})
app.get('/account', ensureLoggedIn('/auth/twilio'), tokens.fresh(), (req, res) => {
  res.json({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt })
})

app.listen(process.env.PORT)
