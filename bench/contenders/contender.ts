import type { Express, RequestHandler } from 'express'
import session from 'express-session'
import type { Package } from '../package.ts'
import type { Stores } from '../stores.ts'

/**
 * The same small app with each library: a login route, its callback, `/account`, which requires a login and a live access token,
 * and `/logout`. Sessions are in express-session (express-openid-connect uses its own cookie). Each app uses state and PKCE,
 * regenerates the session at login, reads the user from the ID token after checking its audience and expiry, and keeps the tokens.
 */
export interface Contender {
  readonly loginPath: string
  readonly callbackPath: string
  /** Whether `/account` refreshes an expired access token. */
  readonly refreshes: boolean
  readonly setUp: SetUp
}

export type SetUp = (setting: Setting) => void | Promise<void>

export interface Setting {
  readonly app: Express
  /** The provider's URL. */
  readonly issuer: string
  readonly callbackURL: string
  readonly stores: Stores
  readonly twilio: Package
}

export function contender(setUp: SetUp, { loginPath = '/login', callbackPath = '/callback', refreshes = true }: Partial<Contender> = {}): Contender {
  return { loginPath, callbackPath, refreshes, setUp }
}

export const CLIENT_ID = `OQ${'b'.repeat(32)}`
export const CLIENT_SECRET = 'a client secret for the benchmark'
export const SECRET = 'a secret for the benchmark, long enough for every library'

export function useSession({ app, stores }: Setting): void {
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store: stores.sessions }))
}

export const accountPage: RequestHandler = (_req, res) => {
  res.send('the account')
}

export function addPage({ app }: Setting, path: string, ...guards: RequestHandler[]): void {
  app.get(path, ...guards, accountPage)
}

/** `/account` and `/logout`. */
export function addAccount(setting: Setting, { guards, logOut }: { guards: readonly RequestHandler[]; logOut: readonly RequestHandler[] }): void {
  addPage(setting, '/account', ...guards)
  setting.app.get('/logout', ...logOut, (_req, res) => res.redirect('/'))
}
