import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'

const { SESSION_SECRET, TWILIO_BASE_URL, TWILIO_CLIENT_ID, TWILIO_CLIENT_SECRET } = process.env
if (!SESSION_SECRET) throw new Error('SESSION_SECRET is not set. Add it to .env.')

const strategy = new TwilioStrategy(
  {
    clientID: TWILIO_CLIENT_ID,
    clientSecret: TWILIO_CLIENT_SECRET,
    callbackURL: 'http://localhost:3000/auth/twilio/callback',
    baseURL: TWILIO_BASE_URL // the sandbox's URL; if it is not set, Twilio itself
  },
  async (accessToken, refreshToken, profile) => profile && { id: profile.id, identifies: profile.identifies }
)
const tokens = new SessionTokens(strategy)

passport.use(strategy)
passport.serializeUser(tokens.serializer()) // saves the tokens together with the login
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get(
  '/auth/twilio/callback',
  passport.authenticate('twilio', { failureRedirect: '/?login=denied' }), // if access is denied, or verify returns no user
  tokens.keep(),
  (req, res) => res.redirect(returnTo(req, '/account'))
)

app.get('/', (req, res) => {
  const notice = req.query.login === 'denied' ? '<p>You are not logged in, because access was denied.</p>' : ''
  res.send(req.user ? '<form method="post" action="/logout"><button>Log out</button></form>' : `${notice}<a href="/account">Log in with Twilio</a>`)
})
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
  res.json({ user: req.user, tokenExpiresAt: req.twilioTokens?.expiresAt })
})
app.post('/logout', tokens.drop(), (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.redirect('/')))
})

export { app }
