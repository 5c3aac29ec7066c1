import express from '@fastify/express'
import session from 'express-session'
import Fastify from 'fastify'
import passport from 'passport'
import { requireLogin, returnTo, SessionTokens } from 'passport-twilio'
import { strategy } from './strategy.js'

const tokens = new SessionTokens(strategy)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = Fastify()
await app.register(express)
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())

// The callback goes first: app.use() also matches all paths below the given one.
app.use('/auth/twilio/callback', [passport.authenticate('twilio'), tokens.keep(), (req, res) => res.redirect(returnTo(req, '/account'))])
app.use('/auth/twilio', passport.authenticate('twilio'))

app.use('/account', [requireLogin({ loginPath: '/auth/twilio' }), tokens.fresh()])
app.get('/account', async ({ raw }) => ({ id: raw.user.id, expiresAt: raw.twilioTokens.expiresAt }))

await app.listen({ port: Number(process.env.PORT) })
