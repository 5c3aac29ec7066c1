import type { IncomingMessage, ServerResponse } from 'node:http'
import { TwilioUnavailableError } from '../errors'
import type { TwilioOAuthClient } from '../oauth/client'
import type { TwilioTokens } from '../oauth/tokens'
import { finishedLoginOf } from '../request/finished-login'
import { peekSession } from '../request/session'
import { saveSession } from '../request/session-store'
import { systemClock } from '../util/clock'
import { isObject } from '../util/is-object'
import { askToLogIn, isResponse } from './ask-to-log-in'
import { Freshness } from './freshness'
import { areTheSame, newLogin, tokensIn, type KeptLogin } from './kept-login'
import { LiveLogins } from './live-logins'
import { plainCodec, sealedCodec } from './login-codec'
import { LoginSessions, type LoginSession } from './login-session'
import type { Middleware } from './middleware'
import { configureSessionTokens, type SessionTokensOptions } from './options'
import { LoginRefresher } from './records/refresh-once'
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

/** ms that a record is kept where the session's cookie has no `maxAge`. */
const DEFAULT_RECORD_TTL = 24 * 3600 * 1000

/** Twilio's tokens in the session: kept at login, refreshed when needed, dropped at logout. */
export class SessionTokens {
  readonly #sessions: LoginSessions
  readonly #freshness: Freshness
  readonly #refresher: LoginRefresher
  readonly #liveLogins: LiveLogins
  readonly #recordTTL: number | undefined
  readonly #warn: (message: string) => void
  readonly #warned = new Set<string>()
  #hasKept = false

  /**
   * @param strategyOrClient the strategy or client whose tokens to keep
   * @throws {TypeError} naming the option that is wrong, and what it should be
   */
  constructor(strategyOrClient: TwilioOAuthClient | { readonly client: TwilioOAuthClient }, options: SessionTokensOptions = {}) {
    const { client, secrets, leeway, refreshes, refreshInBackground, recordTTL, warn } = configureSessionTokens(strategyOrClient, options)
    const [newest, ...older] = secrets
    const warnOnce = (message: string) => this.#warnOnce(message)
    this.#warn = warn
    this.#freshness = new Freshness(leeway)
    this.#recordTTL = recordTTL
    this.#sessions = new LoginSessions(client.clientID, newest === undefined ? plainCodec : sealedCodec([newest, ...older]), () =>
      warnOnce('The Twilio tokens in a session could not be read, and its person has to log in again. Has SessionTokens been given another secret? Keep the old one behind the new one: secret: [new, old].')
    )
    const { timeout } = client
    const shared = { freshness: this.#freshness, timeout, clock: systemClock, warn: warnOnce }
    this.#refresher = new LoginRefresher({
      ...shared,
      refreshTokens: (refreshToken) => client.refresh(refreshToken),
      refreshes,
      codec: new RecordCodec(client.clientID, secrets)
    })
    this.#liveLogins = new LiveLogins({ ...shared, refresher: this.#refresher, refreshInBackground })
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
      if (isFixed(req)) {
        delete peekSession(req)?.passport
        next(new Error('Passport has logged a person in without renewing the session, so somebody who has planted it would be logged in too (session fixation). Use Passport 0.6 or later.'))
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
        this.#sessions.of(req).setCopy(newLogin(login.tokens, systemClock.now()))
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
      const held = this.#liveLogins.held(session)
      const proceed = (tokens: TwilioTokens | undefined) => {
        if (tokens) {
          setTokens(req, tokens)
          next()
        } else {
          this.#warnIfNothingKeeps(req)
          // The change saves the whole session, in which tokens that are over must not stay.
          const beforeSessionChange = () => {
            if (session.copy?.id === held?.id) session.forget()
          }
          askToLogIn(req, res, next, { beforeSessionChange })
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
    const used = 'twilioTokens' in req && isObject(req.twilioTokens) ? req.twilioTokens.accessToken : undefined
    try {
      await this.#liveLogins.expire(typeof used === 'string' ? used : undefined, this.#sessions.of(req), this.#recordTTLOf(req))
    } catch (error) {
      this.#warnOnce(`tokens.expire() could not mark a token as expired in every process: ${String(error)}`)
    }
  }

  /** Waits for the refreshes under way, for a clean shutdown. Call it when the server has been closed. */
  async close(): Promise<void> {
    await this.#refresher.close()
  }

  async #liveTokens(req: object, session: LoginSession, held: KeptLogin | undefined): Promise<TwilioTokens | undefined> {
    const live = held && (await this.#liveLogins.get(held, session, this.#recordTTLOf(req)))
    return live?.tokens
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
  session.setCopy(newLogin(tokens, systemClock.now()))
  await saveSession(req)
}

function finishedTokensOf(req: IncomingMessage): TwilioTokens | undefined {
  const login = finishedLoginOf(req)
  if (login) return login.tokens
  const info = 'authInfo' in req ? req.authInfo : undefined
  return isObject(info) && isObject(info.tokens) ? tokensIn(info.tokens) : undefined
}

/** Whether Passport has logged the person in on the session of before, as versions before 0.6 do. */
function isFixed(req: IncomingMessage): boolean {
  const login = finishedLoginOf(req)
  const session = peekSession(req)
  if (!login || !session || session !== login.previousSession) return false
  return isObject(session.passport) && session.passport.user !== undefined && 'user' in req && req.user === login.user
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
