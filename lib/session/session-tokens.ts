import type { IncomingMessage, ServerResponse } from 'node:http'
import { publishLogout } from '../diagnostics'
import { setupError, TwilioUnavailableError } from '../errors'
import type { TwilioOAuthClient } from '../oauth/client'
import type { TwilioTokens } from '../oauth/tokens'
import { finishedLoginOf } from '../request/finished-login'
import { peekSession, sessionMaxAgeOf } from '../request/session'
import { saveSession } from '../request/session-store'
import { systemClock } from '../util/clock'
import { isObject } from '../util/is-object'
import { messageOf } from '../util/message-of'
import { Freshness } from './freshness'
import { areTheSame, newLogin, tokensIn, type KeptLogin } from './kept-login'
import { LiveLogins } from './live-logins'
import { plainCodec, sealedCodec } from './login-codec'
import { LoginSessions, type LoginSession } from './login-session'
import type { Middleware } from './middleware'
import { configureSessionTokens, type SessionTokensOptions } from './options'
import { RecordCodec } from './records/record-codec'
import { LoginRefresher } from './records/refresh-once'
import { askToLogIn, isResponse } from './require-login'
import { fixationIn } from './session-fixation'
import type { Warn } from './warnings'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the only way to extend Express's types
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

/** ms that a record is kept if the session cookie has no `maxAge`. */
const DEFAULT_RECORD_TTL = 24 * 3600 * 1000

/** Keeps Twilio's tokens in the session: stores them at login, refreshes them when needed, and removes them at logout. */
export class SessionTokens {
  readonly #clientID: string
  readonly #sessions: LoginSessions
  readonly #freshness: Freshness
  readonly #refresher: LoginRefresher
  readonly #liveLogins: LiveLogins
  readonly #recordTTL: number | undefined
  readonly #warn: Warn
  #hasKept = false

  /**
   * @param strategyOrClient the strategy or client whose tokens to keep
   * @throws {TypeError} naming the option that is wrong, and what it should be
   */
  constructor(strategyOrClient: TwilioOAuthClient | { readonly client: TwilioOAuthClient }, options: SessionTokensOptions = {}) {
    const { client, secrets, leeway, refreshes, refreshInBackground, recordTTL, warn } = configureSessionTokens(strategyOrClient, options)
    const [newest, ...older] = secrets
    this.#warn = warn
    this.#freshness = new Freshness(leeway)
    this.#recordTTL = recordTTL
    this.#clientID = client.clientID
    this.#sessions = new LoginSessions(client.clientID, newest === undefined ? plainCodec : sealedCodec([newest, ...older]), systemClock, () =>
      warn('The Twilio tokens in a session could not be read, and the person has to log in again. Has the secret of SessionTokens changed? Keep the old one after the new one: secret: [new, old].', 'WARN_TWILIO_TOKENS_UNREADABLE')
    )
    const { timeout } = client
    const shared = { freshness: this.#freshness, timeout, clock: systemClock, warn }
    this.#refresher = new LoginRefresher({
      ...shared,
      refreshTokens: (refreshToken) => client.refresh(refreshToken),
      refreshes,
      codec: new RecordCodec(client.clientID, secrets)
    })
    this.#liveLogins = new LiveLogins({ ...shared, refresher: this.#refresher, refreshInBackground })
  }

  /**
   * Stores the tokens of a login in the session. Put it after `passport.authenticate('twilio')` at the callback. The session is
   * saved before the browser is redirected, unless {@link SessionTokens.serializer} has already stored the tokens.
   *
   * Passes an error to `next` if no login precedes it, if Passport hasn't renewed the session (session fixation), if there is no
   * session, or if the session can't be saved.
   */
  keep(...mistaken: undefined[]): Middleware {
    checkCalled('keep', mistaken)
    return (req, res, next) => settle(this.#keep(req), () => next(), res, next)
  }

  /**
   * Stores the tokens of a login in the session that Passport saves at login: `passport.serializeUser(tokens.serializer())`,
   * before the app's own `serializeUser`. {@link SessionTokens.keep} then doesn't have to save the session a second time. It also
   * stores the tokens if `keep()` is never reached, as with `successRedirect`.
   */
  serializer(...mistaken: undefined[]): UserSerializer {
    checkCalled('serializer', mistaken)
    return (req, _user, done) => {
      const login = finishedLoginOf(req)
      if (login?.clientID === this.#clientID && peekSession(req)) {
        this.#hasKept = true
        // With keepSessionInfo, Passport copies the previous session into the new one.
        if (login.previousSession) this.#sessions.remove(login.previousSession)
        this.#sessions.of(req).setCopy(newLogin(login.tokens, systemClock.now()))
      }
      // Without an ID, Passport calls the next serializer.
      done(null)
    }
  }

  /**
   * Sets `req.twilioTokens` to valid tokens. Put it before handlers that call Twilio. A token within `leeway` of its expiry is
   * refreshed in the background; if it has expired or is about to, the request waits for the refresh.
   *
   * People without tokens, or whose refresh Twilio refuses, are asked to log in again: browsers are redirected to the `loginPath`
   * of the preceding `requireLogin()`, API calls get 401. If Twilio is slow or down, a token that is still valid is used; without
   * one, a {@link TwilioUnavailableError} (503, with `Retry-After`) is passed to `next`, and the session keeps its tokens.
   */
  fresh(...mistaken: undefined[]): Middleware {
    checkCalled('fresh', mistaken)
    return (req, res, next) => {
      const session = this.#sessions.of(req)
      const held = this.#liveLogins.held(session)
      const proceed = (tokens: TwilioTokens | undefined) => {
        if (tokens) {
          setTokens(req, tokens)
          next()
        } else {
          this.#warnIfNothingKeeps(req)
          askToLogIn(req, res, next, { mayChangeSession: () => this.#prepareChange(session, held, res) })
        }
      }
      if (held && !this.#freshness.isStale(held, systemClock.now())) proceed(held.tokens)
      else settle(this.#liveTokens(req, session, held), proceed, res, next)
    }
  }

  /**
   * Ends the login: removes the tokens from the session and records the logout, so that no other request or process restores
   * them. Put it before `req.logout()`, or before the session is destroyed.
   */
  drop(...mistaken: undefined[]): Middleware {
    checkCalled('drop', mistaken)
    return (req, res, next) => settle(this.#drop(req), () => next(), res, next)
  }

  /** Resolves to the tokens in a request's session, expired or not; `undefined` if there are none. */
  // eslint-disable-next-line @typescript-eslint/require-await -- asynchronous by contract
  async of(req: object): Promise<TwilioTokens | undefined> {
    return this.#sessions.of(req).copy?.tokens
  }

  /**
   * Marks the access token of a request as expired, so that the next {@link SessionTokens.fresh} refreshes it. Call it if Twilio
   * rejects a token with 401 (code 20003) before its expiry because it was revoked.
   */
  async expire(req: object): Promise<void> {
    const used = 'twilioTokens' in req && isObject(req.twilioTokens) ? req.twilioTokens.accessToken : undefined
    try {
      await this.#liveLogins.expire(used, this.#sessions.of(req), this.#recordTTLOf(req))
    } catch (error) {
      this.#warn(`tokens.expire() could not mark a token as expired in every process: ${messageOf(error)}`, 'WARN_TWILIO_EXPIRE_FAILED')
    }
  }

  /** Waits for refreshes in progress, for a clean shutdown. Call it after the server has been closed. */
  async close(): Promise<void> {
    await this.#refresher.close()
  }

  async #keep(req: IncomingMessage): Promise<void> {
    const tokens = tokensToKeep(req, this.#clientID)
    const session = this.#sessions.of(req)
    const fixation = fixationIn(req)
    if (fixation) {
      session.logOut()
      throw fixation
    }
    this.#hasKept = true
    const kept = session.copy
    if (!kept || !areTheSame(kept.tokens, tokens)) {
      session.setCopy(newLogin(tokens, systemClock.now()))
      await saveSession(req)
    }
    setTokens(req, tokens)
  }

  async #drop(req: object): Promise<void> {
    const session = this.#sessions.of(req)
    const login = session.copy
    session.forget()
    if (!login) return
    publishLogout({ reason: 'dropped' })
    await this.#refresher.logOut(login, this.#recordTTLOf(req))
  }

  async #liveTokens(req: object, session: LoginSession, held: KeptLogin | undefined): Promise<TwilioTokens | undefined> {
    const live = held && (await this.#liveLogins.get(held, session, this.#recordTTLOf(req)))
    return live?.tokens
  }

  /** @returns whether the session may be changed */
  #prepareChange(session: LoginSession, held: KeptLogin | undefined, res: Partial<ServerResponse>): boolean {
    const mayChange = session.prepareChange(held)
    // The session is saved before the response ends. If the person has logged out in the meantime, that has restored it.
    if (held && mayChange && session.hasUser) res.once?.('close', () => void this.#refresher.destroyIfLoggedOut(held, session))
    return mayChange
  }

  #recordTTLOf(req: object): number {
    return this.#recordTTL ?? sessionMaxAgeOf(req) ?? DEFAULT_RECORD_TTL
  }

  /** Without stored tokens, a person who is logged in would be redirected to the login again and again. */
  #warnIfNothingKeeps(req: object): void {
    if (this.#hasKept || !('user' in req) || !req.user) return
    this.#warn(
      "tokens.fresh() found no tokens in the session of a person who is logged in, and this process has kept none yet. Put tokens.keep() after passport.authenticate('twilio') at the callback; with successRedirect, which ends the request before it, use passport.serializeUser(tokens.serializer()).",
      'WARN_TWILIO_TOKENS_NOT_KEPT'
    )
  }
}

/** Without this error, `app.use(tokens.fresh)` would make a function for each request, call nothing, and never respond. */
function checkCalled(name: string, mistaken: readonly unknown[]): void {
  if (mistaken.length > 0) throw setupError(`tokens.${name} was used as middleware, but it makes middleware. Call it: tokens.${name}().`)
}

/** @throws {Error} if the request has not just finished a login of this client */
function tokensToKeep(req: IncomingMessage, clientID: string): TwilioTokens {
  const login = finishedLoginOf(req)
  const tokens = login ? login.tokens : tokensInAuthInfo(req)
  if (!tokens) throw setupError("tokens.keep() found no login with Twilio. Put it after passport.authenticate('twilio') at the callback.")
  if (login && login.clientID !== clientID) throw setupError('tokens.keep() found a login of another client. Put the keep() of its own SessionTokens at its callback.')
  return tokens
}

function tokensInAuthInfo(req: IncomingMessage): TwilioTokens | undefined {
  const info = 'authInfo' in req ? req.authInfo : undefined
  return isObject(info) && isObject(info.tokens) ? tokensIn(info.tokens) : undefined
}

function setTokens(req: IncomingMessage & { twilioTokens?: TwilioTokens }, tokens: TwilioTokens): void {
  req.twilioTokens = tokens
}

/** Calls `proceed` with the result. Errors that later handlers throw reach the app's error handler instead of ending the process. */
function settle<Result>(work: Promise<Result>, proceed: (result: Result) => void, res: Partial<ServerResponse>, next: (error?: unknown) => void): void {
  work
    .then(proceed, (error: unknown) => {
      // A timeout in the app may have sent a response by now.
      if (error instanceof TwilioUnavailableError && isResponse(res) && !res.headersSent) res.setHeader('Retry-After', error.retryAfter)
      next(error)
    })
    .catch(next)
    .catch(() => {
      if (isResponse(res)) res.destroy()
    })
}
