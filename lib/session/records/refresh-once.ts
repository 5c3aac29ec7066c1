import { publishLogout } from '../../diagnostics'
import { isPermanentError } from '../../oauth/permanent-error'
import type { TwilioTokens } from '../../oauth/tokens'
import { inTime } from '../../request/session-store'
import { asSentence, messageOf } from '../../util/message-of'
import { isAlive, type Freshness } from '../freshness'
import { isRefreshable, newerOf, withTokens, type KeptLogin, type RefreshableLogin } from '../kept-login'
import { LoginRecords, type LoginRecordsOptions, type Lock, type RecordedLogin } from './login-records'

/** The session of a login in the session store. Each function rejects with the store's error. */
export interface StoredLogin {
  /** Loads the login; `undefined` if it is gone or has been replaced by another login. */
  load(login: KeptLogin): Promise<KeptLogin | undefined>
  /** Stores a newer generation of the login, unless the stored login is gone or another one. */
  replace(login: KeptLogin): Promise<void>
  /** Removes the login, unless the stored login is gone, another one, or newer. */
  remove(login: KeptLogin): Promise<void>
  /** Destroys the session, unless it belongs to another login by now. */
  destroy(login: KeptLogin): Promise<void>
}

/** The login to refresh, and where to store it. */
export interface RefreshRequest {
  /** The request's copy of the login. */
  readonly held: KeptLogin
  readonly session: StoredLogin
  /** ms that the record is kept. It must outlive any old copy of the session. */
  readonly recordTTL: number
}

/** The result of a refresh: a login whose tokens aren't stale, from Twilio or as recorded, or the reason why the login has ended. */
export type Refreshed = RecordedLogin | { readonly outcome: 'refreshed'; readonly login: KeptLogin }

export interface LoginRefresherOptions extends LoginRecordsOptions {
  /** Sends Twilio's refresh grant, at the latest `timeout` after the call. */
  readonly refreshTokens: (refreshToken: string) => Promise<TwilioTokens>
  readonly freshness: Freshness
}

/**
 * Refreshes logins, using each refresh token only once across all requests and processes:
 *
 * 1. If the record of the login is newer than the request's copy, use it.
 * 2. Otherwise, lock the record, so that no other process refreshes the login.
 * 3. Check the stored session: the login may have ended, or be newer there.
 * 4. Use the refresh token.
 * 5. Save the record, which outlives this process, and then the session.
 * 6. Check the record again: a logout takes precedence. It is recorded before the session is destroyed.
 */
export class LoginRefresher {
  readonly #options: LoginRefresherOptions
  readonly #records: LoginRecords
  /** The refreshes in progress, by login ID. */
  readonly #underWay = new Map<string, Promise<Refreshed>>()

  constructor(options: LoginRefresherOptions) {
    this.#options = options
    this.#records = new LoginRecords(options)
  }

  /**
   * Refreshes a login, or joins the refresh that is already in progress in this process.
   *
   * Rejects with the error of Twilio's refresh grant, the session store or the record store.
   */
  refresh(request: RefreshRequest): Promise<Refreshed> {
    const { id } = request.held
    const shared = this.#underWay.get(id) ?? this.#refresh(request).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, shared)
    return shared
  }

  /** Whether this process is refreshing the login. */
  isRefreshing({ id }: KeptLogin): boolean {
    return this.#underWay.has(id)
  }

  /** The login, or a newer one from its record. Rejects with the store's error. */
  async newest(held: KeptLogin): Promise<KeptLogin> {
    const newer = await this.#records.newerThan(held)
    return newer?.outcome === 'recorded' ? newer.login : held
  }

  /**
   * Marks the access token of a login as expired, in its record and in the session. Does nothing if there is a newer one.
   *
   * Rejects with the error of either store.
   */
  async expire(request: RefreshRequest): Promise<void> {
    const { held } = request
    const lock = await this.#records.acquire(held)
    if (lock.outcome !== 'locked') return
    const known = await this.#newestKnown(lock, request)
    const { clock } = this.#options
    const now = clock.now()
    const isLate = clock.elapsed() > lock.beginBefore
    // An expired token needs no mark. Without the record store, another process may be refreshing it.
    if (known.outcome === 'ended' || known.login.generation > held.generation || !isAlive(held, now) || isLate) return this.#records.release(lock)
    const expired = { ...held, generation: held.generation + 1, tokens: { ...held.tokens, expiresAt: now } }
    await this.#keep(lock, expired, request)
  }

  /** Records that the person has logged out. Never rejects. */
  async logOut(login: KeptLogin, recordTTL: number): Promise<void> {
    await this.#records.logOut(login, recordTTL)
  }

  /** Destroys a session that may have been saved again after a logout. Never rejects: an error is retried in the background. */
  async destroyIfLoggedOut(login: KeptLogin, session: StoredLogin): Promise<boolean> {
    return this.#records.undoIfLoggedOut(login, () => session.destroy(login))
  }

  /** Resolves when all refreshes in progress have finished. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay.values())
    await this.#records.close()
  }

  async #refresh(request: RefreshRequest): Promise<Refreshed> {
    let { held } = request
    for (;;) {
      const turn = await this.#records.acquire(held)
      if (turn.outcome === 'locked') {
        const refreshed = await this.#refreshUnderLock(turn, { ...request, held })
        if (refreshed) return refreshed
      } else {
        if (turn.outcome === 'ended' || !this.#isStale(turn.login)) return turn
        held = turn.login
      }
    }
  }

  /** Resolves to `undefined` if another attempt is needed: too little of the lock's time is left, or the login is newer than it was. */
  async #refreshUnderLock(lock: Lock, request: RefreshRequest): Promise<Refreshed | undefined> {
    const { clock } = this.#options
    const known = await this.#newestKnown(lock, request)
    if (known.outcome === 'ended' || !this.#isStale(known.login) || !isRefreshable(known.login)) {
      await this.#records.release(lock)
      return known
    }
    if (clock.elapsed() > lock.beginBefore) {
      await this.#records.release(lock)
      return undefined
    }
    const { login } = known
    try {
      const tokens = await this.#options.refreshTokens(login.tokens.refreshToken)
      return await this.#keep(lock, this.#withTokens(login, tokens), request)
    } catch (error) {
      if (isPermanentError(error) && error.code === 'invalid_grant') return this.#endRefused(lock, login, request)
      await this.#records.release(lock, error)
      throw error
    }
  }

  /** The newest of the request's copy, the stored session and this process's memory. */
  async #newestKnown(lock: Lock, { held, session }: RefreshRequest): Promise<RecordedLogin> {
    const local = await this.#records.recordedLocally(lock)
    if (local?.outcome === 'ended') return local
    const stored = await this.#orRelease(lock, session.load(held))
    if (!stored) return { outcome: 'ended', reason: 'session gone' }
    return { outcome: 'recorded', login: newerOf(newerOf(held, stored), local?.login) }
  }

  /** Releases the lock if a store can't be read, since nothing can be decided then. */
  async #orRelease<Result>(lock: Lock, reading: Promise<Result>): Promise<Result> {
    try {
      return await reading
    } catch (error) {
      await this.#records.release(lock)
      throw error
    }
  }

  #withTokens(login: RefreshableLogin, tokens: TwilioTokens): KeptLogin {
    const refreshed = withTokens(login, tokens, this.#options.clock.now())
    if (this.#isStale(refreshed)) this.#options.warn('Twilio issued an access token that was stale on arrival, so each request refreshes it. Is leeway longer than its lifetime?', 'WARN_TWILIO_TOKENS_STALE')
    return refreshed
  }

  /** Saves a new generation of the login, unless the person has logged out in the meantime. */
  async #keep(lock: Lock, login: KeptLogin, { session, recordTTL }: RefreshRequest): Promise<Refreshed> {
    const newer = await this.#records.save(lock, login, recordTTL)
    if (newer) return newer
    const isLoggedOut = await this.#changeSession(login, session, () => session.replace(login))
    return isLoggedOut ? { outcome: 'ended', reason: 'logged out' } : { outcome: 'refreshed', login }
  }

  /** Ends a login whose refresh token Twilio reports as used, expired or revoked. Resolves to `undefined` if there is a newer one. */
  async #endRefused(lock: Lock, login: KeptLogin, { session, recordTTL }: RefreshRequest): Promise<Refreshed | undefined> {
    // Another process may have refreshed the login without the record store, or after this lock was lost with a server.
    const stored = await this.#orRelease(lock, session.load(login))
    const recorded = await this.#orRelease(lock, this.#records.newerUnder(lock, login))
    if (recorded || (stored && stored.generation > login.generation)) {
      // An old copy may still overwrite the session, so record the newer tokens as well.
      if (stored) await this.#records.save(lock, stored, recordTTL)
      else await this.#records.release(lock)
      return undefined
    }
    await this.#records.refuse(lock, recordTTL)
    publishLogout({ reason: 'refused' })
    const isLoggedOut = await this.#changeSession(login, session, () => session.remove(login))
    return { outcome: 'ended', reason: isLoggedOut ? 'logged out' : 'refused' }
  }

  /** @returns whether the person has logged out in the meantime, in which case the session is destroyed */
  async #changeSession(login: KeptLogin, session: StoredLogin, change: () => Promise<void>): Promise<boolean> {
    // A logout may have destroyed the session just before the change saved it again.
    const destroyIfLoggedOut = () => this.destroyIfLoggedOut(login, session)
    const changing = change()
    try {
      await inTime(changing, this.#options.clock)
      return await destroyIfLoggedOut()
    } catch (error) {
      this.#options.warn(`The session store failed while Twilio tokens were refreshed: ${asSentence(messageOf(error))} The record of the login has the new tokens.`, 'WARN_TWILIO_SESSION_STORE_FAILED')
      // The session may have been saved nevertheless, or still be saved later.
      changing.finally(destroyIfLoggedOut).catch(() => undefined)
      return destroyIfLoggedOut()
    }
  }

  #isStale(login: KeptLogin): boolean {
    return this.#options.freshness.isStale(login, this.#options.clock.now())
  }
}
