import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy } from '../../lib'
import type { AppSettings } from './app-process'
import { refreshesOf, sessionStoreOf } from './app-stores'

/** A typical app, in its own process, with sessions and records in memory, Redis or PostgreSQL. */

async function main(settings: AppSettings): Promise<void> {
  const { clientID, clientSecret, sandboxURL, secret, leeway, timeout } = settings
  const app = express()
  const server = createServer(app)
  // Longer than any pause between two requests, so that connections stay open.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const strategy = new TwilioStrategy({ clientID, clientSecret, baseURL: sandboxURL, timeout, callbackURL: 'http://localhost/auth/twilio/callback' }, (_accessToken, _refreshToken, profile, done) =>
    done(null, { id: profile?.id })
  )
  const tokens = new SessionTokens(strategy, { ...(secret === undefined ? {} : { secret }), leeway, refreshes: await refreshesOf(settings), warn })
  const store = await sessionStoreOf(settings)

  passport.use(strategy)
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  app.use(session({ secret: 'shared by all processes', resave: false, saveUninitialized: false, ...(store ? { store } : {}) }))
  app.use(passport.session() as RequestHandler)
  app.get('/auth/twilio', passport.authenticate('twilio') as RequestHandler)
  app.get('/auth/twilio/callback', passport.authenticate('twilio') as RequestHandler, tokens.keep(), (req, res) => res.redirect(returnTo(req, '/account')))
  const login = requireLogin({ loginPath: '/auth/twilio' })
  app.get('/account', login, tokens.fresh(), (req, res) => {
    res.json({ accessToken: req.twilioTokens?.accessToken, refreshToken: req.twilioTokens?.refreshToken })
  })
  // A slow request, whose session is loaded when it begins and saved when it ends.
  app.get('/slow', login, async (req, res) => {
    Object.assign(req.session, { reportedAt: Date.now() })
    process.send?.({ slowBegan: true })
    await pause(Number(req.query.ms))
    res.json({ done: true })
  })
  // A slow request that uses the tokens.
  app.get('/work', login, tokens.fresh(), async (req, res) => {
    process.send?.({ slowBegan: true })
    await pause(Number(req.query.ms))
    res.json({ done: true })
  })
  app.post('/logout', tokens.drop(), (req, res, next) => {
    req.logout((error) => (error ? next(error) : res.sendStatus(204)))
  })
  app.post('/destroy', tokens.drop(), (req, res, next) => {
    req.session.destroy((error: unknown) => (error ? next(error) : res.sendStatus(204)))
  })
  app.post('/expire', (req, res) => {
    const kept = req.session as unknown as Record<string, { expiresAt: number }>
    for (const [key, login] of Object.entries(kept)) if (key.startsWith('twilioTokens')) login.expiresAt = 1
    res.sendStatus(204)
  })
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function warn(message: string): void {
  process.send?.({ warning: message })
}

process.once('message', (settings) => {
  void main(settings as AppSettings)
})
