import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { redisRefreshes, requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'
import { createClient } from 'redis'
import serverless from 'serverless-http'

const { REDIS_URL, SESSION_SECRET, TOKEN_SECRET, TWILIO_BASE_URL, TWILIO_CALLBACK_URL, TWILIO_CLIENT_ID, TWILIO_CLIENT_SECRET } = process.env

const redis = await createClient({ url: REDIS_URL }).on('error', console.error).connect()
const strategy = new TwilioStrategy(
  { clientID: TWILIO_CLIENT_ID, clientSecret: TWILIO_CLIENT_SECRET, baseURL: TWILIO_BASE_URL, callbackURL: TWILIO_CALLBACK_URL },
  async (accessToken, refreshToken, profile) => ({ id: profile.id })
)
const tokens = new SessionTokens(strategy, { secret: TOKEN_SECRET, refreshes: redisRefreshes(redis), leeway: 59_000 })

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ store: new RedisStore({ client: redis }), secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { secure: true } }))
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio'), tokens.keep(), (req, res) => res.redirect(returnTo(req, '/account')))
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
  res.json({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt })
})
app.post('/logout', tokens.drop(), (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.redirect('/')))
})

export const handler = serverless(app)
