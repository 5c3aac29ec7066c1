import { randomUUID } from 'node:crypto'
import type { Clock } from '../../util/clock'
import { asSentence, messageOf } from '../../util/message-of'
import { isAlive } from '../freshness'
import type { KeptLogin } from '../kept-login'
import type { EndReason } from '../login-session'
import type { Warn } from '../warnings'
import { BackgroundRetries } from './background-retries'
import { LockOwner } from './lock-owner'
import { MemoryRefreshes } from './memory-refreshes'
import { Predecessor } from './predecessor'
import { LOGGED_OUT, REFUSED, type RecordCodec } from './record-codec'
import { RefreshStoreError, type Acquired, type Refreshes, type RefreshRecord } from './refresh-store'
import { SharedStore } from './shared-store'

export interface LoginRecordsOptions {
  readonly refreshes: Refreshes
  readonly codec: RecordCodec
  /** Time limit of a refresh, in ms. */
  readonly timeout: number
  readonly clock: Clock
  readonly warn: Warn
}

/** The right to refresh a login. */
export interface Lock {
  readonly outcome: 'locked'
  readonly loginID: string
  readonly owner: LockOwner
  /** The store that granted it. */
  readonly store: Refreshes
  /** The latest time at which a refresh may begin under this lock, in elapsed ms. */
  readonly beginBefore: number
}

/** The content of a login's record. */
export type RecordedLogin = { readonly outcome: 'recorded'; readonly login: KeptLogin } | { readonly outcome: 'ended'; readonly reason: EndReason }

/** ms by which a lock outlasts the longest refresh. */
const LOCK_MARGIN = 5000
/** ms for which a failed refresh is reported to other processes, whose own attempts would also fail. */
const FAILURE_TTL = 300
/** The shortest and longest interval at which another owner's lock is polled, in ms. */
const FIRST_POLL = 4
const LAST_POLL = 64

/**
 * The records of logins, one per login, in a store that may be slow, unreachable or lose a lock.
 *
 * While the store is unreachable, this process keeps records in memory, and saves them to the store once it is available again.
 */
export class LoginRecords {
  readonly #options: LoginRecordsOptions
  readonly #lockTTL: number
  readonly #shared: SharedStore
  readonly #local: MemoryRefreshes
  readonly #retries: BackgroundRetries

  constructor(options: LoginRecordsOptions) {
    const { refreshes, clock } = options
    this.#options = options
    this.#lockTTL = options.timeout + LOCK_MARGIN
    this.#shared = new SharedStore(refreshes, clock)
    this.#local = refreshes instanceof MemoryRefreshes ? refreshes : new MemoryRefreshes(clock)
    this.#retries = new BackgroundRetries(clock)
  }

  /**
   * Waits for the lock of a login, or for a record that is newer than the given login.
   *
   * Rejects with the error of another process's refresh, or with the store's error.
   */
  async acquire(held: KeptLogin): Promise<Lock | RecordedLogin> {
    const owner = new LockOwner()
    let isAcquired = false
    try {
      const acquired = await this.#waitForTurn(held, owner)
      isAcquired = acquired.outcome === 'locked'
      return acquired
    } finally {
      if (!isAcquired) owner.finish()
    }
  }

  async #waitForTurn(held: KeptLogin, owner: LockOwner): Promise<Lock | RecordedLogin> {
    const { clock, codec, timeout } = this.#options
    const predecessor = new Predecessor()
    for (let pause = FIRST_POLL; ; pause = Math.min(pause * 2, LAST_POLL)) {
      const askedAt = clock.elapsed()
      const acquired = await this.#tryToAcquire(held, owner, predecessor)
      if (acquired?.outcome === 'recorded') return this.#readRecord(held.id, acquired)
      // Only those who have waited for a refresh share its failure. Others try again, as soon as it is no longer reported.
      if (acquired?.outcome === 'failed' && predecessor.wasSeen) throw codec.decodeFailure(held.id, acquired.failure)
      if (acquired?.outcome === 'busy' && acquired.store === this.#shared) predecessor.noteBusy(acquired.series, clock.elapsed() + acquired.expiresIn)
      if (acquired?.outcome === 'locked') {
        if (predecessor.hasFinished(acquired.series, clock.elapsed())) return { outcome: 'locked', loginID: held.id, owner, store: acquired.store, beginBefore: askedAt + this.#lockTTL - timeout }
        this.#releaseWhenFinished(held, owner)
      }
      await clock.sleep(pause)
    }
  }

  /** Resolves to `undefined` if the store fails while another process may still be refreshing. */
  async #tryToAcquire(held: KeptLogin, owner: LockOwner, predecessor: Predecessor): Promise<(Acquired & { readonly store: Refreshes }) | undefined> {
    const { clock, warn } = this.#options
    const name = this.#nameOf(held.id)
    const request = { generation: held.generation, owner: owner.id, ttl: this.#lockTTL }
    try {
      const acquired = await this.#shared.acquire(name, request, () => this.#releaseWhenFinished(held, owner))
      return { ...acquired, store: this.#shared }
    } catch (error) {
      if (!predecessor.hasExpired(clock.elapsed())) return undefined
      const problem = `The store of the refresh records can't be used: ${asSentence(messageOf(error))}`
      if (!this.#mayRefreshAlone(held, error)) {
        if (error instanceof RefreshStoreError) warn(`${problem} Until it can, Twilio tokens are refreshed only when they have expired.`, 'WARN_TWILIO_RECORDS_UNAVAILABLE')
        throw error
      }
      warn(`${problem} Until it can, each process refreshes Twilio tokens on its own, which may log out people who use several at once.`, 'WARN_TWILIO_REFRESHING_ALONE')
      return { ...(await this.#local.acquire(name, request)), store: this.#local }
    }
  }

  /**
   * Whether to refresh without the store: only if the token has expired, and no other process can be refreshing it. A store that
   * doesn't reply may have granted the lock to another process, so wait until that lock must have expired.
   */
  #mayRefreshAlone(held: KeptLogin, error: unknown): boolean {
    if (isAlive(held, this.#options.clock.now())) return false
    return error instanceof RefreshStoreError || this.#shared.hasBeenSilentFor(this.#lockTTL)
  }

  /** Releases a lock that its owner no longer waits for. */
  #releaseWhenFinished({ id }: KeptLogin, owner: LockOwner): void {
    owner.releaseWhenFinished(() => {
      this.#shared.release(this.#nameOf(id), { owner: owner.id }).catch(() => undefined)
    })
  }

  /** The record that this process has kept in memory while the store was unreachable. */
  async recordedLocally({ loginID }: Lock): Promise<RecordedLogin | undefined> {
    return this.#recordIn(this.#local, loginID)
  }

  /**
   * Saves a refreshed login and releases the lock.
   *
   * @returns the existing record, if it is newer
   */
  async save({ owner, store }: Lock, login: KeptLogin, ttl: number): Promise<RecordedLogin | undefined> {
    const name = this.#nameOf(login.id)
    const request = { generation: login.generation, value: this.#options.codec.encode(login), owner: owner.id, ttl: this.#ttlOf(login, ttl) }
    try {
      const isSaved = await store.save(name, request)
      owner.finish()
      if (!isSaved) return await this.#recordIn(store, login.id)
      if (store === this.#shared) return undefined
    } catch {
      await this.#local.save(name, request)
    }
    this.#retries.add(() => this.#shared.save(name, request))
    return undefined
  }

  /** Records that Twilio has permanently refused the refresh, and releases the lock. */
  async refuse(lock: Lock, ttl: number): Promise<void> {
    const { loginID, owner, store } = lock
    // Without the store, it isn't known whether another process has newer tokens.
    if (store !== this.#shared) return this.release(lock)
    const request = { generation: REFUSED, value: '', owner: owner.id, ttl }
    await store.save(this.#nameOf(loginID), request).then(() => owner.finish(), () => undefined)
  }

  /** Releases the lock. An error is reported to the processes that are waiting for it. */
  async release({ loginID, owner, store }: Lock, error?: unknown): Promise<void> {
    const failure = error === undefined ? undefined : { note: this.#options.codec.encodeFailure(loginID, error), ttl: FAILURE_TTL }
    await store.release(this.#nameOf(loginID), { owner: owner.id, failure }).catch(() => undefined)
    owner.finish()
  }

  /** The record, if it is newer than the given login. Without the store that granted the lock, it isn't known. Rejects with the store's error. */
  async newerUnder(lock: Lock, login: KeptLogin): Promise<RecordedLogin | undefined> {
    return lock.store === this.#shared ? this.newerThan(login) : undefined
  }

  /** The record, if it is newer than the given login. Rejects with the store's error. */
  async newerThan(held: KeptLogin): Promise<RecordedLogin | undefined> {
    const record = await this.#shared.read(this.#nameOf(held.id))
    return record && record.generation > held.generation ? this.#readRecord(held.id, record) : undefined
  }

  /**
   * Undoes what was written for a login if a logout has been recorded. If that fails, it is retried in the background.
   *
   * @returns whether a logout has been recorded; `false` if that is not known yet
   */
  async undoIfLoggedOut(login: KeptLogin, undo: () => Promise<void>): Promise<boolean> {
    const undoIfLoggedOut = async () => {
      const isLoggedOut = await this.#isLoggedOut(login)
      if (isLoggedOut) await undo()
      return isLoggedOut
    }
    try {
      return await undoIfLoggedOut()
    } catch {
      this.#retries.add(undoIfLoggedOut)
      return false
    }
  }

  async #isLoggedOut({ id }: KeptLogin): Promise<boolean> {
    const name = this.#nameOf(id)
    for (const store of [this.#local, this.#shared]) if ((await store.read(name))?.generation === LOGGED_OUT) return true
    return false
  }

  /** Records that the person has logged out. Never rejects: a logout also succeeds without the store. */
  async logOut(login: KeptLogin, ttl: number): Promise<void> {
    const name = this.#nameOf(login.id)
    const request = { generation: LOGGED_OUT, value: '', owner: randomUUID(), ttl: this.#ttlOf(login, ttl) }
    await this.#local.save(name, request)
    if (this.#options.refreshes === this.#local) return
    const save = () => this.#shared.save(name, request)
    try {
      await save()
    } catch (error) {
      this.#options.warn(`A logout could not be recorded: ${asSentence(messageOf(error))} Other processes may continue to use its tokens until the record can be saved.`, 'WARN_TWILIO_LOGOUT_NOT_RECORDED')
      this.#retries.add(save)
    }
  }

  /** Resolves when all retries have finished, or after the lifetime of a lock. */
  async close(): Promise<void> {
    await this.#retries.close(this.#lockTTL)
  }

  async #recordIn(store: Refreshes, loginID: string): Promise<RecordedLogin | undefined> {
    const record = await store.read(this.#nameOf(loginID))
    return record && this.#readRecord(loginID, record)
  }

  #readRecord(loginID: string, record: RefreshRecord): RecordedLogin {
    if (record.generation === LOGGED_OUT) return { outcome: 'ended', reason: 'logged out' }
    if (record.generation === REFUSED) return { outcome: 'ended', reason: 'refused' }
    const login = this.#options.codec.decode(loginID, record)
    if (login) return { outcome: 'recorded', login }
    // The record is newer in any case, so the session's refresh token has already been used.
    this.#options.warn('The record of a login could not be read, and the person has to log in again. Has the secret of SessionTokens changed? Keep the old one after the new one: secret: [new, old].', 'WARN_TWILIO_RECORD_UNREADABLE')
    return { outcome: 'ended', reason: 'refused' }
  }

  /** An old copy of the session is used, and its session renewed, until its tokens expire. */
  #ttlOf({ tokens: { expiresAt = 0 } }: KeptLogin, ttl: number): number {
    return ttl + Math.max(0, Math.ceil(expiresAt - this.#options.clock.now()))
  }

  #nameOf(loginID: string): string {
    return this.#options.codec.nameOf(loginID)
  }
}
