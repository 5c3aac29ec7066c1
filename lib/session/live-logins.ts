import { publishRefresh, startTimer, type RefreshMessage } from '../diagnostics'
import { TwilioTimeoutError, TwilioUnavailableError } from '../errors'
import { isPermanentError } from '../oauth/permanent-error'
import type { Clock } from '../util/clock'
import { BoundedMap } from '../util/bounded-map'
import { patiently } from '../util/patience'
import { FailingRefreshes } from './failing-refreshes'
import { isAlive, isUsable, type Freshness } from './freshness'
import { isRefreshable, type KeptLogin } from './kept-login'
import type { LoginSession } from './login-session'
import type { LoginRefresher, Refreshed } from './records/refresh-once'
import type { Warn } from './warnings'

export interface LiveLoginsOptions {
  readonly refresher: LoginRefresher
  readonly freshness: Freshness
  /** Time limit of a call to Twilio, in ms. */
  readonly timeout: number
  /** Whether a request proceeds with a token that is still valid while it is being refreshed. */
  readonly refreshInBackground: boolean
  readonly clock: Clock
  readonly warn: Warn
}

/** ms that a request waits beyond the time limit of a call to Twilio, so that it gets the more specific error of that call. */
const GRACE = 500
/** ms without background refreshes after a refresh has failed. */
const BACK_OFF = 5000

/** Maximum number of remembered tokens that Twilio rejected before their expiry. */
const MAX_REFUSED = 10_000
const MAX_BACK_OFFS = 10_000
const ALL_LOGINS = 'all logins'

/** Decides whether a request uses its current token or waits for a new one. */
export class LiveLogins {
  readonly #options: LiveLoginsOptions
  /** The logins, each of one generation, whose access token Twilio has rejected. An old copy of the session must not bring it back. */
  readonly #refused = new BoundedMap<string, true>(MAX_REFUSED)
  /** When background refreshes may resume, in elapsed ms. */
  readonly #backOffUntil = new BoundedMap<string, number>(MAX_BACK_OFFS)
  readonly #failing: FailingRefreshes

  constructor(options: LiveLoginsOptions) {
    this.#options = options
    this.#failing = new FailingRefreshes(options.warn, options.clock)
  }

  /** The login in the request's copy of the session. An access token that Twilio has rejected counts as expired. */
  held(session: LoginSession): KeptLogin | undefined {
    const login = session.copy
    if (!login || !this.#refused.get(copyOf(login))) return login
    return { ...login, tokens: { ...login.tokens, expiresAt: 0 } }
  }

  /**
   * Marks an access token as expired: in this process immediately, and in the record and the session if it is the newest.
   *
   * Rejects with the error of the session store or the record store.
   *
   * @param accessToken `undefined` for the one in the session
   */
  async expire(accessToken: unknown, session: LoginSession, recordTTL: number): Promise<void> {
    const copy = session.copy
    if (!copy) return
    const isCopys = accessToken === undefined || accessToken === copy.tokens.accessToken
    if (isCopys) this.#refused.set(copyOf(copy), true)
    const newest = await this.#options.refresher.newest(copy)
    if (isCopys && newest.tokens.accessToken !== copy.tokens.accessToken) return
    this.#refused.set(copyOf(newest), true)
    await this.#options.refresher.expire({ held: newest, session, recordTTL })
  }

  /**
   * Resolves to a login with a valid access token, or `undefined` if the person has to log in again.
   *
   * @throws {TwilioUnavailableError} if the token has expired and can't be refreshed now
   */
  async get(held: KeptLogin, session: LoginSession, recordTTL: number): Promise<KeptLogin | undefined> {
    const { clock, freshness, refresher, refreshInBackground } = this.#options
    const known = session.hasStore ? held : await this.#newestForCookie(held, session)
    const now = clock.now()
    if (!freshness.isStale(known, now)) return known
    if (!isRefreshable(known)) return isAlive(known, now) ? known : undefined
    const isUsableMeanwhile = isUsable(known, now)
    if (isUsableMeanwhile && this.#isBackingOff(known)) return known
    const goesOnMeanwhile = isUsableMeanwhile && refreshInBackground
    if (goesOnMeanwhile && refresher.isRefreshing(known)) return known
    const isShared = refresher.isRefreshing(known)
    const refreshing = this.#refresh(known, session, recordTTL)
    if (!goesOnMeanwhile) return this.#waitFor(this.#published(this.#withinTimeout(refreshing), known, isShared), known, session, recordTTL)
    // #refresh() has reported the error, and the next request tries again.
    this.#published(refreshing, known, isShared).catch(() => undefined)
    return known
  }

  /** Copies the newest tokens from the record into a session that is kept in a cookie. The response sends the cookie to the browser. */
  async #newestForCookie(held: KeptLogin, session: LoginSession): Promise<KeptLogin> {
    const newest = await this.#options.refresher.newest(held).catch(() => held)
    if (newest !== held) session.setCopy(newest)
    return newest
  }

  #isBackingOff({ id }: KeptLogin): boolean {
    return [id, ALL_LOGINS].some((name) => (this.#backOffUntil.get(name) ?? 0) > this.#options.clock.elapsed())
  }

  async #refresh(held: KeptLogin, session: LoginSession, recordTTL: number): Promise<Refreshed> {
    const { clock, refresher, warn } = this.#options
    try {
      const refreshed = await refresher.refresh({ held, session, recordTTL })
      this.#failing.succeeded()
      return refreshed
    } catch (error) {
      this.#backOffUntil.set(isOfThisLogin(error) ? held.id : ALL_LOGINS, clock.elapsed() + BACK_OFF)
      if (isPermanentError(error)) warn(`Twilio refuses to refresh tokens: ${error.message}`, 'WARN_TWILIO_REFRESH_REFUSED')
      else this.#failing.failed(error)
      throw error
    }
  }

  /** Publishes what a refresh means for a request. */
  async #published(refreshing: Promise<Refreshed>, held: KeptLogin, isShared: boolean): Promise<Refreshed> {
    const elapsed = startTimer()
    try {
      const refreshed = await refreshing
      publishRefresh({ outcome: outcomeOf(refreshed, isShared), duration: elapsed() })
      return refreshed
    } catch (error) {
      publishRefresh({ outcome: isAlive(held, this.#options.clock.now()) ? 'kept' : 'failed', duration: elapsed(), error })
      throw error
    }
  }

  async #waitFor(refreshing: Promise<Refreshed>, held: KeptLogin, session: LoginSession, recordTTL: number): Promise<KeptLogin | undefined> {
    const { clock } = this.#options
    let refreshed: Refreshed
    try {
      refreshed = await refreshing
    } catch (error) {
      if (isAlive(held, clock.now())) return held
      throw new TwilioUnavailableError(error)
    }
    if (refreshed.outcome === 'ended') {
      await session.abandon(held, refreshed.reason)
      return undefined
    }
    const { login } = refreshed
    if (!session.hasStore) session.setCopy(login)
    // A token that Twilio has just issued is used whatever its expiry. Another one may have expired while this process was frozen.
    return refreshed.outcome === 'refreshed' || isAlive(login, clock.now()) ? login : this.get(login, session, recordTTL)
  }

  async #withinTimeout(refreshing: Promise<Refreshed>): Promise<Refreshed> {
    const { clock, timeout } = this.#options
    const inTime = await patiently(refreshing, timeout + GRACE, clock)
    if (inTime) return inTime.result
    throw new TwilioTimeoutError('The tokens are being refreshed, and the refresh did not finish in time. Try again.')
  }
}

function copyOf({ id, generation }: KeptLogin): string {
  return `${id} ${generation}`
}

function outcomeOf(refreshed: Refreshed, isShared: boolean): RefreshMessage['outcome'] {
  if (refreshed.outcome === 'ended') return refreshed.reason === 'refused' ? 'refused' : 'ended'
  return refreshed.outcome === 'refreshed' && isShared ? 'shared' : refreshed.outcome
}

/** Whether Twilio refuses this login, unlike an outage or a wrong client secret, which concern all of them. */
function isOfThisLogin(error: unknown): boolean {
  return isPermanentError(error) && error.code !== 'invalid_client'
}
