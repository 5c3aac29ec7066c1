import { randomUUID } from 'node:crypto'
import { Router, type RequestHandler } from 'express'
import type { TwilioStrategy, TwilioStrategyOptions, SessionTokens, SessionTokensOptions } from 'passport-twilio'
import { accountPage, addAccount, CLIENT_ID, CLIENT_SECRET, SECRET, type SetUp, type Setting } from './contender.ts'
import { authenticated, logOut, usePassport } from './passport-app.ts'

/** The quick start of the README. */
export function passportTwilio(apiVersion: 'v1' | 'v2', options: SessionTokensOptions = {}): SetUp {
  return (setting) => {
    const strategy = strategyFor(setting, { apiVersion })
    const tokens = tokensOf(setting, strategy, options)
    addLogin(setting, usePassport(setting, tokens.serializer()), { strategy, tokens })
    addAccount(setting, { guards: [setting.twilio.requireLogin({ loginPath: '/login' }), tokens.fresh()], logOut: [tokens.drop(), logOut] })
  }
}

/**
 * The same page behind each guard, in one process and behind one route, so that only the guard differs. Each way to keep the tokens
 * has its own login.
 */
export const guards: SetUp = (setting) => {
  const { requireLogin } = setting.twilio
  const instance = usePassport(setting)
  const loggedIn = requireLogin({ loginPath: '/login' })
  const pages: Record<string, Router> = { isAuthenticated: pageBehind(authenticated), requireLogin: pageBehind(loggedIn) }
  setting.app.get('/guarded/:guard', (req, res, next) => {
    const page = pages[req.params.guard]
    if (page) page(req, res, next)
    else next()
  })
  for (const [name, options] of Object.entries(WAYS_TO_KEEP)) {
    const prefix = `/${name}`
    const strategy = strategyFor(setting, { callbackURL: setting.callbackURL.replace('/callback', `${prefix}/callback`) })
    const tokens = tokensOf(setting, strategy, options)
    addLogin(setting, instance, { strategy, tokens, prefix })
    pages[name] = pageBehind(loggedIn, tokens.fresh())
  }
}

function pageBehind(...guards: readonly RequestHandler[]): Router {
  return Router().use(...guards, accountPage)
}

const WAYS_TO_KEEP: Readonly<Record<string, SessionTokensOptions>> = {
  fresh: {},
  encrypted: { secret: SECRET },
  // Tokens are valid for an hour, so each is refreshed after a tenth of a second.
  refreshing: { leeway: 3_599_900 }
}

/** `POST /forget` deletes all sessions, and `POST /copies/1000` adds as many copies of one. Sessions have to be in memory. */
export const growing: SetUp = async (setting) => {
  await passportTwilio('v1')(setting)
  const store = setting.stores.sessions as unknown as { sessions: Record<string, string> }
  setting.app.post('/forget', (_req, res) => {
    store.sessions = Object.create(null) as Record<string, string>
    res.end()
  })
  setting.app.post('/copies/:count', (req, res) => {
    const session = JSON.parse(Object.values(store.sessions)[0] ?? '{}') as object
    for (let copy = 0; copy < Number(req.params.count); copy++) store.sessions[randomUUID()] = JSON.stringify({ ...session, copy })
    res.end()
  })
}

function strategyFor({ issuer, callbackURL, twilio }: Setting, options: Partial<TwilioStrategyOptions>): TwilioStrategy {
  return new twilio.TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL, baseURL: issuer, ...options }, (_accessToken, _refreshToken, profile, done) =>
    done(null, { id: profile?.id })
  )
}

function tokensOf({ stores, twilio }: Setting, strategy: TwilioStrategy, options: SessionTokensOptions): SessionTokens {
  return new twilio.SessionTokens(strategy, { refreshes: stores.refreshes, ...options })
}

function addLogin({ app }: Setting, instance: ReturnType<typeof usePassport>, { strategy, tokens, prefix = '' }: { strategy: TwilioStrategy; tokens: SessionTokens; prefix?: string }): void {
  app.get(`${prefix}/login`, instance.authenticate(strategy) as RequestHandler)
  app.get(`${prefix}/callback`, instance.authenticate(strategy) as RequestHandler, tokens.keep(), (_req, res) => res.redirect('/account'))
}
