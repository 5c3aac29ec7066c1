import { promisify } from 'node:util'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'

const { PORT, SESSION_SECRET, TWILIO_BASE_URL, TWILIO_CALLBACK_URL, TWILIO_CLIENT_ID, TWILIO_CLIENT_SECRET } = process.env

const strategy = new TwilioStrategy(
  { clientID: TWILIO_CLIENT_ID, clientSecret: TWILIO_CLIENT_SECRET, baseURL: TWILIO_BASE_URL, callbackURL: TWILIO_CALLBACK_URL },
  async (accessToken, refreshToken, profile) => ({ id: profile.id })
)
export const tokens = new SessionTokens(strategy)
export const sessions = session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false })
export const run = (middleware, req) => promisify(middleware)(req, {})
export const isOwnPage = ({ headers: { origin } }) => [undefined, new URL(TWILIO_CALLBACK_URL).origin].includes(origin)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(sessions)
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio'), tokens.keep(), (req, res) => res.redirect(returnTo(req, '/account')))
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
  res.json({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt })
})
app.post('/expire', async (req, res) => {
  await tokens.expire(req)
  res.sendStatus(204)
})
app.post('/logout', tokens.drop(), (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.redirect('/')))
})

export const server = app.listen(PORT)
