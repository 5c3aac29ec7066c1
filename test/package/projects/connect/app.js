import connect from 'connect'
import session from 'express-session'
import passport from 'passport'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'

const strategy = new TwilioStrategy(
  {
    clientID: process.env.TWILIO_CLIENT_ID,
    clientSecret: process.env.TWILIO_CLIENT_SECRET,
    baseURL: process.env.TWILIO_BASE_URL,
    callbackURL: process.env.TWILIO_CALLBACK_URL
  },
  async (accessToken, refreshToken, profile) => ({ id: profile.id, name: profile.displayName })
)
const tokens = new SessionTokens(strategy)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = connect()
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

// Connect takes a path and all that is below it: the callback goes first.
app.use('/auth/twilio/callback', passport.authenticate('twilio'))
app.use('/auth/twilio/callback', tokens.keep())
app.use('/auth/twilio/callback', (req, res) => res.writeHead(302, { Location: returnTo(req, '/account') }).end())
app.use('/auth/twilio', passport.authenticate('twilio'))

app.use('/account', requireLogin({ loginPath: '/auth/twilio' }))
app.use('/account', tokens.fresh())
app.use('/account', (req, res) => {
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt }))
})

app.listen(process.env.PORT)
