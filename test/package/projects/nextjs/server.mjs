import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'
import next from 'next'
import { withRequest } from './request.mjs'

const { PORT, SESSION_SECRET, TWILIO_BASE_URL, TWILIO_CALLBACK_URL, TWILIO_CLIENT_ID, TWILIO_CLIENT_SECRET } = process.env

const strategy = new TwilioStrategy(
  { clientID: TWILIO_CLIENT_ID, clientSecret: TWILIO_CLIENT_SECRET, baseURL: TWILIO_BASE_URL, callbackURL: TWILIO_CALLBACK_URL },
  async (accessToken, refreshToken, profile) => ({ id: profile.id })
)
const tokens = new SessionTokens(strategy)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio'), tokens.keep(), (req, res) => res.redirect(returnTo(req, '/account')))
app.post('/logout', tokens.drop(), (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.redirect('/')))
})

const pages = next({ dev: process.env.NODE_ENV !== 'production' })
const handle = pages.getRequestHandler()
await pages.prepare()

app.all('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => withRequest(req, () => handle(req, res)))
app.use((req, res) => handle(req, res))

app.listen(PORT)
