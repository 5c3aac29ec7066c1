import passport from 'passport'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from 'passport-twilio'

export const strategy = new TwilioStrategy(
  {
    clientID: process.env.TWILIO_CLIENT_ID,
    clientSecret: process.env.TWILIO_CLIENT_SECRET,
    baseURL: process.env.TWILIO_BASE_URL,
    callbackURL: process.env.TWILIO_CALLBACK_URL
  },
  async (accessToken, refreshToken, profile) => ({ id: profile.id, name: profile.displayName })
)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

/** The login's routes, and a page behind it; goes after the session middleware. */
export function addLogin(app, options) {
  const tokens = new SessionTokens(strategy, options)
  app.use(passport.session())
  app.get('/auth/twilio', passport.authenticate('twilio'))
  app.get('/auth/twilio/callback', passport.authenticate('twilio', { failureRedirect: '/' }), tokens.keep(), (req, res) => {
    res.redirect(returnTo(req, '/account'))
  })
  app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh(), (req, res) => {
    res.json({ id: req.user.id, expiresAt: req.twilioTokens.expiresAt })
  })
}
