import express from 'express'
import session from 'express-session'
import passport from 'passport'
import refresh from 'passport-oauth2-refresh'
import { requireLogin, returnTo } from 'passport-twilio'
import { strategy } from './login.js'

refresh.use(strategy)

const app = express()
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', passport.authenticate('twilio'), (req, res) => {
  req.session.refreshToken = req.authInfo.tokens.refreshToken
  res.redirect(returnTo(req, '/account'))
})
app.get('/account', requireLogin({ loginPath: '/auth/twilio' }), (req, res, next) => {
  refresh.requestNewAccessToken('twilio', req.session.refreshToken, (error, accessToken, refreshToken, params) => {
    if (error) return next(error)
    req.session.refreshToken = refreshToken
    res.json({ id: req.user.id, expiresAt: Date.now() + params.expires_in * 1000 })
  })
})

app.listen(process.env.PORT)
