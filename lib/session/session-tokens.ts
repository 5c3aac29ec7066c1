import type { IncomingMessage, ServerResponse } from 'node:http'
import { isObject } from '../util/is-object'
import { TwilioTimeoutError, TwilioUnavailableError } from '../errors'
import { finishedLoginOf } from '../request/finished-login'
import { TwilioOAuthClient } from '../oauth/client'
import { checkText } from '../oauth/options'
import { isPermanentError } from '../oauth/permanent-error'
import { peekSession, sessionOf } from '../request/session'
import type { TwilioTokens } from '../oauth/tokens'
import { withTimeLimit } from '../util/with-time-limit'
import { askToLogIn } from './ask-to-log-in'
import { Freshness, isAlive } from './freshness'
import { makeRenewable } from './login-session'
import { sessionUnlessLoggedOut } from './logout'
import { MemoryRefreshes } from './records/memory-refreshes'
import type { Middleware } from './middleware'
import type { Refreshes } from './records/refreshes'
import { isRefreshable, Renewal, type RefreshableTokens, type Renewed } from './renewal'
import { changeStored, saveSession } from '../request/session-store'
import { areTheSame, fromStored } from './stored-tokens'
import { plainVault, sealedVault, SESSION_KEY, type TokenVault } from './token-vault'

/** What {@link SessionTokens} may be told. */
export interface SessionTokensOptions {
  /** Encrypts the tokens in the session: a long random text, or several, newest first, while one replaces another. Default: they are not encrypted. */
  readonly secret?: string | readonly string[] | undefined
  /** How long before its end a token is refreshed, in ms. Default: 60 s, but never more than half of a token's life. */
  readonly leeway?: number | undefined
  /** Makes refreshes happen once across processes: `redisRefreshes(redis)`. Default: once in this process. */
  readonly refreshes?: Refreshes | undefined
  /** Is told, in words, what an operator should know. Default: `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Express's types are added to
  namespace Express {
    interface Request {
      /** The live tokens of whoever is logged in; set by {@link SessionTokens.fresh} and {@link SessionTokens.keep}. */
      twilioTokens?: TwilioTokens
    }
    interface AuthInfo {
      /** What Twilio gave at this login. */
      tokens?: TwilioTokens
      /** What was given to `passport.authenticate('twilio', { state })`. */
      state?: unknown
    }
  }
}

/** How long a request whose token still lives waits for a new one, in ms. */
const PATIENCE = 1000
/** How long, after that was in vain, no such request waits, in ms. */
const IMPATIENCE = 5000
/** How long after the deadline of a call a request whose token has ended waits for it, in ms: the call's own error tells more. */
const GRACE = 100

/** Twilio's tokens in the session: kept at login, fresh when needed, dropped at logout. */
export class SessionTokens {
  readonly #client: TwilioOAuthClient
  readonly #vault: TokenVault
  readonly #freshness: Freshness
  readonly #renewal: Renewal
  readonly #warn: (message: string) => void
  readonly #warned = new Set<string>()
  /** Whether the app has a callback that keeps tokens. */
  #hasKeep = false
  /** Until when Twilio is taken to be slow, in epoch ms. */
  #impatientUntil = 0

  /**
   * @param strategyOrClient whose tokens they are
   * @throws {TypeError} naming the option that is wrong, and what it should be
   */
  constructor(strategyOrClient: TwilioOAuthClient | { readonly client: TwilioOAuthClient }, options: SessionTokensOptions = {}) {
    const { secret, leeway, refreshes = new MemoryRefreshes(), warn = emitWarning } = options
    checkLeeway(leeway)
    checkRefreshes(refreshes)
    this.#vault = secret === undefined ? plainVault : sealedVault(checkSecrets(secret))
    this.#freshness = new Freshness(leeway)
    this.#client = clientOf(strategyOrClient)
    this.#renewal = new Renewal(this.#client, refreshes, this.#freshness)
    this.#warn = warn
  }

  /**
   * Puts the tokens of a login into the session. Goes after `passport.authenticate('twilio')` at the callback.
   * From then on, Passport saves them together with the login itself.
   *
   * Passes an error on when there was no login before it, when there is no session, and when it cannot be saved.
   */
  keep(): Middleware {
    this.#hasKeep = true
    return (req, _res, next) => {
      const tokens = loginTokensOf(req)
      if (!tokens) {
        next(new Error("tokens.keep() found no login with Twilio. Put it after passport.authenticate('twilio') at the callback."))
        return
      }
      const proceed = () => {
        setTokens(req, tokens)
        next()
      }
      this.#putAndSave(req, tokens).then(proceed, next)
    }
  }

  /**
   * Sees to it that `req.twilioTokens` is alive: refreshes it when it is within `leeway` of its end. Goes before whatever calls Twilio.
   *
   * Somebody without tokens, or whose refresh Twilio refuses, is asked to log in again: a browser at the `loginPath` of the
   * `requireLogin()` before it, an API call by a 401. When Twilio is slow or down, a token that still lives is used;
   * without one, {@link TwilioUnavailableError} (503, with `Retry-After`) is passed on, and the session keeps what it has.
   */
  fresh(): Middleware {
    return (req, res, next) => {
      const proceed = (tokens: TwilioTokens | undefined) => {
        if (tokens) {
          setTokens(req, tokens)
          next()
        } else if (!res.headersSent) {
          this.#warnIfNothingKeeps(req)
          askToLogIn(req, res)
        }
      }
      const known = this.#readAtOnce(req)
      if (known && !this.#freshness.isStale(known)) proceed(known)
      else settle(this.#freshen(req), proceed, res, next)
    }
  }

  /** Takes the tokens out of the session. Goes before `req.logout()`. */
  drop(): Middleware {
    return (req, _res, next) => {
      forget(req)
      makeRenewable(req)
      next()
    }
  }

  /** The tokens in a request's session as they are, stale or not; `undefined` where there are none. */
  async of(req: object): Promise<TwilioTokens | undefined> {
    const stored = peekSession(req)?.[SESSION_KEY]
    if (stored === undefined) return undefined
    const { tokens, isOutdated } = await this.#vault.read(stored)
    if (!tokens) {
      forget(req)
      this.#warnOnce('The Twilio tokens in a session could not be read, and were dropped. Has SessionTokens been given another secret? Keep the old one behind the new: secret: [new, old].')
    } else if (isOutdated) {
      await this.#put(req, tokens)
    }
    return tokens
  }

  /**
   * Takes the access token in a request's session for ended, so that the next {@link SessionTokens.fresh} renews it.
   * For when Twilio answers 401 to a token before its time: it was revoked, or Twilio's keys have changed.
   */
  async expire(req: object): Promise<void> {
    const tokens = await this.of(req)
    if (tokens) await this.#put(req, { ...tokens, expiresAt: Date.now() })
  }

  /** The tokens of a session, where nothing has to be waited for or put right. */
  #readAtOnce(req: object): TwilioTokens | undefined {
    const read = this.#vault.read(peekSession(req)?.[SESSION_KEY])
    return read instanceof Promise || read.isOutdated ? undefined : read.tokens
  }

  async #put(req: object, tokens: TwilioTokens): Promise<void> {
    const session = sessionOf(req)
    session[SESSION_KEY] = await this.#vault.put(tokens)
  }

  async #putAndSave(req: object, tokens: TwilioTokens): Promise<void> {
    await this.#put(req, tokens)
    // The browser may follow a redirect before the session is saved at the end of the request.
    await saveSession(sessionOf(req))
  }

  async #freshen(req: object): Promise<TwilioTokens | undefined> {
    const tokens = await this.of(req)
    if (!tokens || !this.#freshness.isStale(tokens)) return tokens
    if (!isRefreshable(tokens)) return isAlive(tokens) ? tokens : undefined
    let renewed: Renewed | undefined
    try {
      renewed = await this.#renew(req, tokens)
    } catch (error) {
      return this.#withoutRefresh(req, tokens, error)
    }
    return renewed ? this.#putRenewed(req, tokens, renewed) : tokens
  }

  /** Fresh tokens; or `undefined` if Twilio takes its time and the ones at hand still live. The refresh goes on, and is kept when it comes. */
  async #renew(req: object, tokens: RefreshableTokens): Promise<Renewed | undefined> {
    const renewed = this.#renewal.renew(tokens)
    // Whoever waits is told of a failure; if nobody does, the next request will meet it.
    renewed.catch(() => undefined)
    const inTime = (await this.#waitPatiently(tokens, renewed)) ?? (isAlive(tokens) ? undefined : await withTimeLimit(this.#client.timeout + GRACE, renewed))
    if (inTime) return inTime
    renewed.then((late) => this.#putLate(req, tokens, late)).catch(() => undefined)
    if (isAlive(tokens)) return undefined
    throw new TwilioTimeoutError('Another process refreshes these tokens, and did not finish in time. Try again.')
  }

  async #waitPatiently(tokens: TwilioTokens, renewed: Promise<Renewed>): Promise<Renewed | undefined> {
    if (!isAlive(tokens)) return undefined
    const inTime = await withTimeLimit(this.#impatientUntil > Date.now() ? 0 : PATIENCE, renewed)
    if (!inTime) this.#impatientUntil = Date.now() + IMPATIENCE
    return inTime
  }

  /** Puts fresh tokens into the session, and gives those that this request goes on with. */
  async #putRenewed(req: object, spent: TwilioTokens, { tokens, isOurs }: Renewed): Promise<TwilioTokens | undefined> {
    // A logout that came in between has the last word: neither the session nor the tokens in it must come back.
    const stored = await sessionUnlessLoggedOut(req)
    if (!stored) return undefined
    const kept = stored[SESSION_KEY]
    if (kept === undefined) {
      forget(req)
      return tokens
    }
    const { tokens: held } = await this.#vault.read(kept)
    if (held && areTheSame(held, spent)) {
      await (isOurs ? this.#putAndTryToSave(req, tokens) : this.#put(req, tokens))
      return tokens
    }
    // Another login, or another refresh, has put its own there, which this request must not save over.
    sessionOf(req)[SESSION_KEY] = kept
    if (!held || areTheSame(held, tokens)) return tokens
    return isAlive(held) ? held : this.#freshen(req)
  }

  /** The old tokens are spent; the new ones should outlive this process. */
  async #putAndTryToSave(req: object, tokens: TwilioTokens): Promise<void> {
    try {
      await this.#putAndSave(req, tokens)
    } catch {
      this.#warnOnce('Refreshed Twilio tokens could not be saved at once. Is the session store in trouble? They will be saved with the session at the end of the request.')
    }
  }

  /** Keeps what came when its request had gone on without it, and may have ended: the next one must not need what was spent. */
  async #putLate(req: object, spent: TwilioTokens, { tokens, isOurs }: Renewed): Promise<void> {
    if (!isOurs) return
    const isStored = await changeStored(req, async (session) => {
      if (!(await this.#holds(session, spent))) return false
      session[SESSION_KEY] = await this.#vault.put(tokens)
      return true
    })
    // The request may be at work still, and save its own copy at its end.
    if (isStored !== false && (await this.#holds(peekSession(req), spent))) await this.#put(req, tokens)
  }

  async #holds(session: Record<string, unknown> | undefined, tokens: TwilioTokens): Promise<boolean> {
    const { tokens: held } = await this.#vault.read(session?.[SESSION_KEY])
    return held !== undefined && areTheSame(held, tokens)
  }

  /** What a request can go on with when the refresh has failed. */
  async #withoutRefresh(req: object, tokens: RefreshableTokens, error: unknown): Promise<TwilioTokens | undefined> {
    const isSpent = isPermanentError(error) && error.code === 'invalid_grant'
    if (!isSpent && isAlive(tokens)) return tokens
    if (!isPermanentError(error)) throw new TwilioUnavailableError(error)
    const stored = await sessionUnlessLoggedOut(req)
    if (!stored) return undefined
    // Any other refusal is of the app, or of how it asks. It may be mended; the session waits for it.
    return isSpent ? this.#newerTokens(req, stored[SESSION_KEY], tokens) : undefined
  }

  /** Another process may have been first, and have left its tokens in the session. */
  async #newerTokens(req: object, kept: unknown, tokens: TwilioTokens): Promise<TwilioTokens | undefined> {
    const { tokens: newer } = await this.#vault.read(kept)
    if (!newer || areTheSame(newer, tokens) || !isAlive(newer)) {
      forget(req)
      return undefined
    }
    sessionOf(req)[SESSION_KEY] = kept
    return newer
  }

  /** Without tokens, whoever is logged in would be sent to log in again and again. */
  #warnIfNothingKeeps(req: object): void {
    if (this.#hasKeep || !('user' in req) || !req.user) return
    this.#warnOnce("tokens.fresh() found no tokens in the session of somebody who is logged in, and tokens.keep() is in no route. Put it after passport.authenticate('twilio') at the callback.")
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.#warn(message)
  }
}

function clientOf(strategyOrClient: TwilioOAuthClient | { readonly client: TwilioOAuthClient }): TwilioOAuthClient {
  const given: unknown = strategyOrClient
  const client: unknown = typeof given === 'object' && given !== null && 'client' in given ? given.client : given
  if (client instanceof TwilioOAuthClient) return client
  throw new TypeError('SessionTokens needs the TwilioStrategy or the TwilioOAuthClient whose tokens it keeps: new SessionTokens(strategy).')
}

function checkSecrets(secret: unknown): [string, ...string[]] {
  const [newest, ...older] = (Array.isArray(secret) ? secret : [secret]) as unknown[]
  const meaning = 'a long random text, or an array of such, newest first'
  checkText('secret', newest, meaning)
  const checked: [string, ...string[]] = [newest]
  for (const one of older) {
    checkText('secret', one, meaning)
    checked.push(one)
  }
  return checked
}

function checkLeeway(leeway: unknown): void {
  if (leeway !== undefined && !(typeof leeway === 'number' && leeway >= 0)) throw new TypeError('leeway must be a number of ms, 0 or more.')
}

function checkRefreshes(refreshes: unknown): void {
  if (!isObject(refreshes) || typeof refreshes.once !== 'function') throw new TypeError('refreshes must be what redisRefreshes(redis) gives, or another object with its function once.')
}

function emitWarning(message: string): void {
  process.emitWarning(message, 'PassportTwilioWarning')
}

function loginTokensOf(req: IncomingMessage): TwilioTokens | undefined {
  const login = finishedLoginOf(req)
  if (login) return login.tokens
  const info = 'authInfo' in req ? req.authInfo : undefined
  return isObject(info) ? fromStored(info.tokens) : undefined
}

function setTokens(req: IncomingMessage & { twilioTokens?: TwilioTokens }, tokens: TwilioTokens): void {
  req.twilioTokens = tokens
}

function forget(req: object): void {
  const session = peekSession(req)
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- sessions are plain objects whose keys are gone only when deleted
  if (session) delete session[SESSION_KEY]
}

/** Goes on when the tokens are there. Whatever an app does further on, it ends in its error handler, and not with the process. */
function settle(tokens: Promise<TwilioTokens | undefined>, proceed: (tokens: TwilioTokens | undefined) => void, res: ServerResponse, next: (error?: unknown) => void): void {
  tokens
    .then(proceed, (error: unknown) => {
      // A time limit of the app may have answered meanwhile.
      if (error instanceof TwilioUnavailableError && !res.headersSent) res.setHeader('Retry-After', error.retryAfter)
      next(error)
    })
    .catch(next)
    .catch(() => res.destroy())
}
