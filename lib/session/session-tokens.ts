import type { IncomingMessage, ServerResponse } from 'node:http'
import { TwilioTimeoutError, TwilioUnavailableError } from '../errors'
import type { TwilioOAuthClient } from '../oauth/client'
import { isRefusal } from '../oauth/refusal'
import type { TwilioTokens } from '../oauth/tokens'
import { finishedLoginOf } from '../request/finished-login'
import { peekSession } from '../request/session'
import { saveSession } from '../request/session-store'
import { systemClock } from '../util/clock'
import { isObject } from '../util/is-object'
import { within } from '../util/within'
import { askToLogIn, isResponse } from './ask-to-log-in'
import { Freshness, isAlive, isUsable } from './freshness'
import { areTheSame, isRefreshable, newLogin, tokensIn, type KeptLogin } from './kept-login'
import { plainCodec, sealedCodec } from './login-codec'
import { LoginSessions, type LoginSession } from './login-session'
import type { Middleware } from './middleware'
import { configureSessionTokens, type SessionTokensOptions } from './options'
import { LoginRefresher, type Refreshed } from './records/login-refresher'
import { RecordCodec } from './records/record-codec'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Express's types are added to
  namespace Express {
    interface Request {
      /** The tokens of the person who is logged in; set by {@link SessionTokens.fresh} and {@link SessionTokens.keep}. */
      twilioTokens?: TwilioTokens
    }
    interface AuthInfo {
      /** The tokens of this login. */
      tokens?: TwilioTokens
      /** What was passed to `passport.authenticate('twilio', { state })`. */
      state?: unknown
    }
  }
}

/** A function for Passport's `serializeUser`. */
export type UserSerializer = (req: IncomingMessage, user: Express.User, done: (error: unknown, id?: unknown) => void) => void

/** ms that a request waits beyond the time limit of a call to Twilio, whose own error tells more than a time limit here. */
const GRACE = 500
/** ms without another refresh in the background, after one has failed. */
const BACK_OFF = 5000
/** ms that a record is kept where the session's cookie has no `maxAge`. */
const DEFAULT_RECORD_TTL = 24 * 3600 * 1000

/** Twilio's tokens in the session: kept at login, refreshed when needed, dropped at logout. */
export class SessionTokens {
  readonly #client: TwilioOAuthClient
  readonly #sessions: LoginSessions
  readonly #freshness: Freshness
  readonly #refresher: LoginRefresher
  readonly #refreshInBackground: boolean
  readonly #recordTTL: number | undefined
  readonly #warn: (message: string) => void
  readonly #warned = new Set<string>()
  #hasKept = false
  /** Until when nothing is refreshed in the background, in elapsed ms. */
  #backOffUntil = 0

  /**
   * @param strategyOrClient the strategy or client whose tokens to keep
   * @throws {TypeError} naming the option that is wrong, and what it should be
   */
  constructor(strategyOrClient: TwilioOAuthClient | { readonly client: TwilioOAuthClient }, options: SessionTokensOptions = {}) {
    const { client, secrets, leeway, refreshes, refreshInBackground, recordTTL, warn } = configureSessionTokens(strategyOrClient, options)
    const [newest, ...older] = secrets
    const warnOnce = (message: string) => this.#warnOnce(message)
    this.#client = client
    this.#warn = warn
    this.#refreshInBackground = refreshInBackground
    this.#recordTTL = recordTTL
    this.#freshness = new Freshness(leeway)
    this.#sessions = new LoginSessions(client.clientID, newest === undefined ? plainCodec : sealedCodec([newest, ...older]), () =>
      warnOnce('The Twilio tokens in a session could not be read, and its person has to log in again. Has SessionTokens been given another secret? Keep the old one behind the new one: secret: [new, old].')
    )
    this.#refresher = new LoginRefresher({
      refreshTokens: (refreshToken) => client.refresh(refreshToken),
      timeout: client.timeout,
      refreshes,
      codec: new RecordCodec(client.clientID, secrets),
      freshness: this.#freshness,
      clock: systemClock,
      warn: warnOnce
    })
  }

  /**
   * Keeps the tokens of a login in the session. Goes after `passport.authenticate('twilio')` at the callback, and saves the
   * session before the browser is redirected, unless {@link SessionTokens.serializer} has put the tokens there already.
   *
   * Passes an error on when there was no login before it, when there is no session, and when the session can't be saved.
   */
  keep(): Middleware {
    return (req, _res, next) => {
      const tokens = finishedTokensOf(req)
      if (!tokens) {
        next(new Error("tokens.keep() found no login with Twilio. Put it after passport.authenticate('twilio') at the callback."))
        return
      }
      this.#hasKept = true
      const proceed = () => {
        setTokens(req, tokens)
        next()
      }
      const session = this.#sessions.of(req)
      const kept = session.copy
      if (kept && areTheSame(kept.tokens, tokens)) proceed()
      else keepAndSave(req, session, tokens).then(proceed, next)
    }
  }

  /**
   * Keeps the tokens of a login in the session that Passport saves at login: `passport.serializeUser(tokens.serializer())`,
   * before the app's own `serializeUser`. That spares {@link SessionTokens.keep} from saving the session a second time, and
   * keeps tokens where there is no `keep()`, as with `successRedirect`.
   */
  serializer(): UserSerializer {
    return (req, _user, done) => {
      const login = finishedLoginOf(req)
      if (login && peekSession(req)) {
        this.#hasKept = true
        // With keepSessionInfo, Passport copies the session of before the login over the new one.
        if (login.previousSession) this.#sessions.remove(login.previousSession)
        this.#sessions.of(req).copy = newLogin(login.tokens, systemClock.now())
      }
      // Nothing serialized: Passport goes on to the next serializer.
      done(null)
    }
  }

  /**
   * Sets `req.twilioTokens` to live tokens. Goes before whatever calls Twilio. A token within `leeway` of its expiry is
   * refreshed in the background; one that has expired, or is about to, is waited for.
   *
   * People without tokens, or whose refresh Twilio refuses, are asked to log in again: browsers are redirected to the `loginPath`
   * of the `requireLogin()` before it, API calls get 401. When Twilio is slow or down, a live token is used; without one,
   * {@link TwilioUnavailableError} (503, with `Retry-After`) is passed on, and the session keeps what it has.
   */
  fresh(): Middleware {
    return (req, res, next) => {
      const session = this.#sessions.of(req)
      const held = session.copy
      const proceed = (tokens: TwilioTokens | undefined) => {
        if (tokens) {
          setTokens(req, tokens)
          next()
        } else {
          this.#warnIfNothingKeeps(req)
          askToLogIn(req, res, next)
        }
      }
      if (held && !this.#freshness.isStale(held, systemClock.now())) proceed(held.tokens)
      else settle(this.#liveTokens(req, session, held), proceed, res, next)
    }
  }

  /**
   * Ends the login: takes the tokens out of the session, and records the logout, so that no other request or process brings them
   * back. Goes before `req.logout()`, or wherever the session is destroyed.
   */
  drop(): Middleware {
    return (req, _res, next) => {
      const session = this.#sessions.of(req)
      const login = session.copy
      session.forget()
      if (login) this.#refresher.logOut(login, this.#recordTTLOf(req)).then(() => next(), next)
      else next()
    }
  }

  /** The tokens in a request's session as they are, expired or not; `undefined` where there are none. */
  // eslint-disable-next-line @typescript-eslint/require-await -- asynchronous by contract
  async of(req: object): Promise<TwilioTokens | undefined> {
    return this.#sessions.of(req).copy?.tokens
  }

  /**
   * Marks the access token of a request as expired, so that the next {@link SessionTokens.fresh} refreshes it. For when Twilio
   * answers 401 (code 20003) to a token before its time, because it was revoked.
   */
  async expire(req: object): Promise<void> {
    const session = this.#sessions.of(req)
    const copy = session.copy
    if (!copy) return
    try {
      const newest = await this.#refresher.newest(copy)
      const used = 'twilioTokens' in req && isObject(req.twilioTokens) ? req.twilioTokens.accessToken : undefined
      // The request has used the tokens of its own copy, and newer ones are there already.
      if (newest !== copy && used === copy.tokens.accessToken) return
      await this.#refresher.expire({ held: newest, session, recordTTL: this.#recordTTLOf(req) })
    } catch (error) {
      this.#warnOnce(`tokens.expire() could not mark a token as expired: ${String(error)}`)
    }
  }

  /** Waits for the refreshes under way, for a clean shutdown. Call it when the server has been closed. */
  async close(): Promise<void> {
    await this.#refresher.close()
  }

  async #liveTokens(req: object, session: LoginSession, held: KeptLogin | undefined): Promise<TwilioTokens | undefined> {
    if (!held) return undefined
    const known = session.hasStore ? held : await this.#newestForCookie(session, held)
    const now = systemClock.now()
    if (!this.#freshness.isStale(known, now)) return known.tokens
    if (!isRefreshable(known)) return isAlive(known, now) ? known.tokens : undefined
    const isUsableMeanwhile = isUsable(known, now)
    if (isUsableMeanwhile && systemClock.elapsed() < this.#backOffUntil) return known.tokens
    const refreshing = this.#refresh(req, session, known)
    if (isUsableMeanwhile && this.#refreshInBackground) {
      refreshing.catch(() => undefined)
      return known.tokens
    }
    return this.#waitFor(refreshing, session, known)
  }

  /** A session in a cookie gets the newest tokens from the record, with the next response. */
  async #newestForCookie(session: LoginSession, held: KeptLogin): Promise<KeptLogin> {
    const newest = await this.#refresher.newest(held).catch(() => held)
    if (newest !== held) session.copy = newest
    return newest
  }

  async #refresh(req: object, session: LoginSession, held: KeptLogin): Promise<Refreshed> {
    try {
      return await this.#refresher.refresh({ held, session, recordTTL: this.#recordTTLOf(req) })
    } catch (error) {
      this.#backOffUntil = systemClock.elapsed() + BACK_OFF
      if (isRefusal(error)) this.#warnOnce(`Twilio refuses to refresh tokens: ${error.message}`)
      throw error
    }
  }

  async #waitFor(refreshing: Promise<Refreshed>, session: LoginSession, held: KeptLogin): Promise<TwilioTokens | undefined> {
    let refreshed: Refreshed | undefined
    try {
      refreshed = await within(this.#client.timeout + GRACE, refreshing)
      if (!refreshed) throw new TwilioTimeoutError('The tokens are being refreshed, and that did not end in time. Try again.')
    } catch (error) {
      if (isAlive(held, systemClock.now())) return held.tokens
      throw new TwilioUnavailableError(error)
    }
    if (refreshed.outcome === 'ended') {
      await session.abandon(held, refreshed.reason)
      return undefined
    }
    const { login } = refreshed
    if (!session.hasStore) session.copy = login
    return isAlive(login, systemClock.now()) ? login.tokens : undefined
  }

  #recordTTLOf(req: object): number {
    if (this.#recordTTL !== undefined) return this.#recordTTL
    const cookie = peekSession(req)?.cookie
    const maxAge = isObject(cookie) ? (cookie.originalMaxAge ?? cookie.maxAge) : undefined
    return typeof maxAge === 'number' && maxAge > 0 ? Math.ceil(maxAge) : DEFAULT_RECORD_TTL
  }

  /** Without tokens, a person who is logged in would be sent to log in again and again. */
  #warnIfNothingKeeps(req: object): void {
    if (this.#hasKept || !('user' in req) || !req.user) return
    this.#warnOnce(
      "tokens.fresh() found no tokens in the session of a person who is logged in, and this process has kept none yet. Put tokens.keep() after passport.authenticate('twilio') at the callback; with successRedirect, which ends the request before it, use passport.serializeUser(tokens.serializer())."
    )
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.#warn(message)
  }
}

async function keepAndSave(req: IncomingMessage, session: LoginSession, tokens: TwilioTokens): Promise<void> {
  session.copy = newLogin(tokens, systemClock.now())
  await saveSession(req)
}

function finishedTokensOf(req: IncomingMessage): TwilioTokens | undefined {
  const login = finishedLoginOf(req)
  if (login) return login.tokens
  const info = 'authInfo' in req ? req.authInfo : undefined
  return isObject(info) && isObject(info.tokens) ? tokensIn(info.tokens) : undefined
}

function setTokens(req: IncomingMessage & { twilioTokens?: TwilioTokens }, tokens: TwilioTokens): void {
  req.twilioTokens = tokens
}

/** Goes on with the tokens. What the app throws further on reaches its error handler, and doesn't end the process. */
function settle(tokens: Promise<TwilioTokens | undefined>, proceed: (tokens: TwilioTokens | undefined) => void, res: Partial<ServerResponse>, next: (error?: unknown) => void): void {
  tokens
    .then(proceed, (error: unknown) => {
      // The app's own time limit may have answered meanwhile.
      if (error instanceof TwilioUnavailableError && isResponse(res) && !res.headersSent) res.setHeader('Retry-After', error.retryAfter)
      next(error)
    })
    .catch(next)
    .catch(() => {
      if (isResponse(res)) res.destroy()
    })
}
