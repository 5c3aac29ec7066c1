import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import express, { type RequestHandler } from 'express'
import session, { type SessionData } from 'express-session'
import { Redis } from 'ioredis'
import passport from 'passport'
import { createClient } from 'redis'
import { redisRefreshes, requireLogin, returnTo, SessionTokens, TwilioStrategy, type RedisClient } from '../../lib'
import type { AppSettings } from './app-process'

/** An app as people run it, in a process of its own: sessions and refreshes in memory, or in Redis. */

type Got = (error: unknown, session?: SessionData | null) => void

/** What an app does whose Redis is restarted now and then: it asks for a session until it is there, and can do without its touch. */
class PatientStore extends RedisStore {
  /** express-session would break the connection that the answer has gone out on. */
  override async touch(id: string, data: SessionData, touched?: () => void): Promise<void> {
    await super.touch(id, data).catch(() => undefined)
    touched?.()
  }

  override async get(id: string, got?: Got): Promise<SessionData | null> {
    for (let tries = 100; ; tries--) {
      try {
        const data = (await super.get(id)) as SessionData | null
        got?.(null, data)
        return data
      } catch (error) {
        if (tries === 0) throw error
        await pause(100)
      }
    }
  }
}

async function main(settings: AppSettings): Promise<void> {
  const { clientID, clientSecret, sandboxURL, secret, leeway, sessionRedis, refreshRedis, refreshClient, timeout } = settings
  const app = express()
  const server = createServer(app)
  // The tests' own connections are kept longer than any pause between two requests.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const strategy = new TwilioStrategy({ clientID, clientSecret, baseURL: sandboxURL, timeout, callbackURL: 'http://localhost/auth/twilio/callback' }, (_accessToken, _refreshToken, profile, done) =>
    done(null, { id: profile?.id })
  )
  const refreshes = refreshRedis === undefined ? undefined : redisRefreshes(await connect(refreshRedis, refreshClient), { warn })
  const tokens = new SessionTokens(strategy, { secret, leeway, refreshes, warn })
  const store = sessionRedis === undefined ? undefined : new PatientStore({ client: await connectNodeRedis(sessionRedis) })

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
  // A long report: its session is loaded before it begins, and saved after it ends.
  app.get('/slow', login, async (req, res) => {
    Object.assign(req.session, { reportedAt: Date.now() })
    process.send?.({ slowBegan: true })
    await pause(Number(req.query.ms))
    res.json({ done: true })
  })
  // What an hour does to a session.
  app.post('/expire', (req, res) => {
    const { twilioTokens } = req.session as { twilioTokens?: { expiresAt: number } }
    if (twilioTokens) twilioTokens.expiresAt = 1
    res.sendStatus(204)
  })
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function warn(message: string): void {
  process.send?.({ warning: message })
}

const ignore = () => undefined

const connectNodeRedis = (url: string) => createClient({ url, socket: { reconnectStrategy: 50 } }).on('error', ignore).connect()

function connect(url: string, kind: 'redis' | 'ioredis'): Promise<RedisClient> {
  return kind === 'ioredis' ? Promise.resolve(new Redis(url).on('error', ignore)) : connectNodeRedis(url)
}

process.once('message', (settings) => {
  void main(settings as AppSettings)
})
