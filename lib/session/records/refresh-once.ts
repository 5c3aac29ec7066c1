import { randomUUID } from 'node:crypto'
import { isPermanentError } from '../../oauth/permanent-error'
import type { TwilioTokens } from '../../oauth/tokens'
import { isAlive, type Freshness } from '../freshness'
import { isRefreshable, newerOf, withTokens, type KeptLogin, type RefreshableLogin } from '../kept-login'
import type { EndReason } from '../login-session'
import { LoginRecords, type LoginRecordsOptions, type Lock } from './login-records'

/** The session that a login is kept in, as the session store has it. Each function rejects with the store's error. */
export interface StoredLogin {
  /** The login, unless it is gone or another. */
  load(login: KeptLogin): Promise<KeptLogin | undefined>
  /** Stores a newer login, unless the one in the session is gone or another. */
  replace(login: KeptLogin): Promise<void>
  /** Removes the login, unless it is gone or another, or newer. */
  remove(login: KeptLogin): Promise<void>
  /** Removes the session, unless it is another login's by now. */
  destroy(login: KeptLogin): Promise<void>
}

/** What a refresh is for. */
export interface RefreshRequest {
  /** The login as the request has it. */
  readonly held: KeptLogin
  readonly session: StoredLogin
  /** ms that the record is kept: as long as an old copy of the session may turn up. */
  readonly recordTTL: number
}

/** How a refresh ended: with a login whose tokens aren't stale, from Twilio or as recorded; or without a login. */
export type Refreshed =
  | { readonly outcome: 'refreshed' | 'recorded'; readonly login: KeptLogin }
  | { readonly outcome: 'ended'; readonly reason: EndReason }

export interface LoginRefresherOptions extends LoginRecordsOptions {
  /** Twilio's refresh grant, which sends nothing later than `timeout` after the call. */
  readonly refreshTokens: (refreshToken: string) => Promise<TwilioTokens>
  readonly freshness: Freshness
}

/**
 * Refreshes logins, each refresh token once, whichever request or process asks.
 *
 * 1. The record of the login may be newer than the request's copy. If so, that is the answer.
 * 2. Else lock the record, so that nobody else refreshes.
 * 3. Look at the stored session: the login may be over, or newer there.
 * 4. Spend the refresh token.
 * 5. Save the record, which outlives this process, then the session.
 * 6. Look at the record again: a logout, which writes to it before it destroys the session, has the last word.
 */
export class LoginRefresher {
  readonly #options: LoginRefresherOptions
  readonly #records: LoginRecords
  /** By the login's ID. */
  readonly #underWay = new Map<string, Promise<Refreshed>>()

  constructor(options: LoginRefresherOptions) {
    this.#options = options
    this.#records = new LoginRecords(options)
  }

  /**
   * Refreshes a login, or joins the refresh that is under way in this process.
   *
   * Rejects as Twilio's refresh does, or with the error of the session store or of the records' store.
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
    return newer?.kind === 'login' ? newer.login : held
  }

  /**
   * Marks the access token of a login as expired, in its record and in the session. Leaves a newer one alone.
   *
   * Rejects with the error of either store.
   */
  async expire(request: RefreshRequest): Promise<void> {
    const { held } = request
    const lock = await this.#records.acquire(held, randomUUID())
    if (lock.kind !== 'lock') return
    const known = await this.#newestKnown(lock, request)
    const { clock } = this.#options
    const now = clock.now()
    const isLate = clock.elapsed() > lock.beginBefore
    // A token that has expired needs no mark. Without the records' store, another process may be refreshing it.
    if ('outcome' in known || known.generation > held.generation || !isAlive(held, now) || isLate) return this.#records.release(lock)
    const expired = { ...held, generation: held.generation + 1, tokens: { ...held.tokens, expiresAt: now } }
    await this.#keep(lock, expired, request)
  }

  /** Records that the person has logged out. Never rejects. */
  async logOut(login: KeptLogin, recordTTL: number): Promise<void> {
    await this.#records.logOut(login, recordTTL)
  }

  /** Resolves when no refresh is under way any more. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay.values())
    await this.#records.close()
  }

  async #refresh(request: RefreshRequest): Promise<Refreshed> {
    const owner = randomUUID()
    let { held } = request
    for (;;) {
      const turn = await this.#records.acquire(held, owner)
      if (turn.kind === 'ended') return { outcome: 'ended', reason: turn.reason }
      if (turn.kind === 'lock') {
        const refreshed = await this.#refreshUnderLock(turn, { ...request, held })
        if (refreshed) return refreshed
      } else {
        if (!this.#isStale(turn.login)) return { outcome: 'recorded', login: turn.login }
        held = turn.login
      }
    }
  }

  /** `undefined` when too much of the lock's time has passed to begin a refresh under it. */
  async #refreshUnderLock(lock: Lock, request: RefreshRequest): Promise<Refreshed | undefined> {
    const { clock } = this.#options
    const known = await this.#newestKnown(lock, request)
    if ('outcome' in known || !this.#isStale(known) || !isRefreshable(known)) {
      await this.#records.release(lock)
      return 'outcome' in known ? known : { outcome: 'recorded', login: known }
    }
    if (clock.elapsed() > lock.beginBefore) return undefined
    try {
      const tokens = await this.#options.refreshTokens(known.tokens.refreshToken)
      return await this.#keep(lock, this.#withTokens(known, tokens), request)
    } catch (error) {
      if (isPermanentError(error) && error.code === 'invalid_grant') return this.#endRefused(lock, known, request)
      await this.#records.release(lock, error)
      throw error
    }
  }

  async #newestKnown(lock: Lock, { held, session }: RefreshRequest): Promise<KeptLogin | (Refreshed & { outcome: 'ended' })> {
    try {
      const local = await this.#records.recordedLocally(lock)
      if (local?.kind === 'ended') return { outcome: 'ended', reason: local.reason }
      const stored = await session.load(held)
      if (!stored) return { outcome: 'ended', reason: 'session gone' }
      return newerOf(newerOf(held, stored), local?.login)
    } catch (error) {
      await this.#records.release(lock)
      throw error
    }
  }

  #withTokens(login: RefreshableLogin, tokens: TwilioTokens): KeptLogin {
    const refreshed = withTokens(login, tokens, this.#options.clock.now())
    if (this.#isStale(refreshed)) this.#options.warn('Twilio issued an access token that was stale on arrival, so each request refreshes it. Is leeway longer than its lifetime?')
    return refreshed
  }

  /** Keeps what a refresh brought, unless the person has logged out meanwhile. */
  async #keep(lock: Lock, login: KeptLogin, { session, recordTTL }: RefreshRequest): Promise<Refreshed> {
    const newer = await this.#records.save(lock, login, recordTTL)
    if (newer) return newer.kind === 'ended' ? { outcome: 'ended', reason: newer.reason } : { outcome: 'recorded', login: newer.login }
    const isLoggedOut = await this.#changeSession(login, session, () => session.replace(login))
    return isLoggedOut ? { outcome: 'ended', reason: 'logged out' } : { outcome: 'refreshed', login }
  }

  /** Twilio says that the refresh token is spent, expired or revoked. */
  async #endRefused(lock: Lock, login: KeptLogin, { session, recordTTL }: RefreshRequest): Promise<Refreshed> {
    // A process that refreshed without the records' store may have left newer tokens in the session.
    const stored = await session.load(login).catch(() => undefined)
    if (stored && stored.generation > login.generation && isAlive(stored, this.#options.clock.now())) {
      // An old copy may still be saved over the session, so the record has to know.
      await this.#records.save(lock, stored, recordTTL)
      return { outcome: 'recorded', login: stored }
    }
    await this.#records.refuse(lock, recordTTL)
    const isLoggedOut = await this.#changeSession(login, session, () => session.remove(login))
    return { outcome: 'ended', reason: isLoggedOut ? 'logged out' : 'refused' }
  }

  /** @returns whether the person has logged out meanwhile; the session is gone then */
  async #changeSession(login: KeptLogin, session: StoredLogin, change: () => Promise<void>): Promise<boolean> {
    await change().catch((error: unknown) =>
      this.#options.warn(`The session store failed while Twilio tokens were refreshed: ${String(error)}. The record of the login has the new tokens.`)
    )
    // The logout may have destroyed the session just before it was stored, and what failed may have been done all the same.
    return this.#records.undoIfLoggedOut(login, () => session.destroy(login))
  }

  #isStale(login: KeptLogin): boolean {
    return this.#options.freshness.isStale(login, this.#options.clock.now())
  }
}
