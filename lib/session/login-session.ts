import { finishedLoginOf, type KeptTokens } from '../login/finished-login'
import type { TwilioOAuthClient } from '../oauth/client'
import { peekSession } from '../request/session'
import type { TwilioTokens } from '../oauth/tokens'
import { saveOnlyChanges } from './save-only-changes'
import { isDone, setMethod, type Done } from './session-methods'
import { SESSION_KEY, type TokenVault } from './token-vault'

const vaults = new WeakMap<TwilioOAuthClient, TokenVault>()

/** From now on, the tokens of whoever logs in through this client go into their session, as the vault keeps them. */
export function keepLogins(client: TwilioOAuthClient, vault: TokenVault): void {
  vaults.set(client, vault)
}

/**
 * Puts the tokens into the session that Passport is about to make for whoever has logged in, so that they are saved
 * with the login: a page that the browser loads next must not find one without the other.
 */
export async function putIntoLogin(req: object, client: TwilioOAuthClient, tokens: TwilioTokens): Promise<KeptTokens | undefined> {
  const vault = vaults.get(client)
  const kept = vault && { vault, stored: await vault.put(tokens) }
  beforeLogIn(req, () => {
    makeRenewable(req)
    if (kept) atRenewal(req, kept.stored)
  })
  return kept
}

/** Whether the tokens of this request's login are in its session already. */
export function isInLogin(req: object, vault: TokenVault): boolean {
  const kept = finishedLoginOf(req)?.kept
  return kept?.vault === vault && peekSession(req)?.[SESSION_KEY] === kept.stored
}

function beforeLogIn(req: object, prepare: () => void): void {
  const login = req as { logIn?: unknown; login?: unknown }
  const { logIn } = login
  if (typeof logIn !== 'function') return
  login.logIn = login.login = (...given: unknown[]): unknown => {
    login.logIn = login.login = logIn
    prepare()
    return logIn.apply(req, given) as unknown
  }
}

function atRenewal(req: object, stored: unknown): void {
  const old = peekSession(req)
  if (!old || typeof old.regenerate !== 'function') return
  const { regenerate } = old as { regenerate: (...given: unknown[]) => unknown }
  const carry = () => {
    const renewed = peekSession(req)
    if (!renewed) return
    // With keepSessionInfo, Passport copies the old session over the new one.
    old[SESSION_KEY] = stored
    renewed[SESSION_KEY] = stored
    saveOnlyChanges(renewed)
  }
  // @fastify/session takes the keys to keep first, and gives a promise to who passes no callback.
  setMethod(old, 'regenerate', (...given: unknown[]) => {
    const done = given.at(-1)
    if (!isDone(done)) return Promise.resolve(regenerate.apply(old, given)).then(carry)
    const carried: Done = (error) => {
      if (!error) carry()
      done(error)
    }
    return regenerate.apply(old, [...given.slice(0, -1), carried])
  })
}

/**
 * Passport renews the session at login and at logout. A session of cookie-session, which is kept in the cookie itself,
 * cannot be renewed but only be begun anew.
 */
export function makeRenewable(req: object): void {
  const session = peekSession(req)
  if (!session || !isCookieSession(req) || typeof session.regenerate === 'function') return
  setMethod(session, 'regenerate', (done: Done) => {
    // It sets no cookie for a new session with nothing in it, and a logout would leave the old one.
    Object.assign(req, { session: { passport: {} } })
    makeRenewable(req)
    done()
  })
  setMethod(session, 'save', (done: Done) => {
    done()
  })
}

function isCookieSession(req: object): boolean {
  return 'sessionOptions' in req && !('sessionStore' in req)
}
