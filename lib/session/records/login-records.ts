import { randomUUID } from 'node:crypto'
import type { Clock } from '../../util/clock'
import { patiently } from '../../util/patience'
import { isAlive } from '../freshness'
import type { KeptLogin } from '../kept-login'
import type { EndReason } from '../login-session'
import { MemoryRefreshes } from './memory-refreshes'
import { LOGGED_OUT, REFUSED, type RecordCodec } from './record-codec'
import { RefreshStoreError, type Acquired, type Refreshes, type RefreshRecord } from './refresh-store'

export interface LoginRecordsOptions {
  readonly refreshes: Refreshes
  readonly codec: RecordCodec
  /** ms that a refresh takes at most. */
  readonly timeout: number
  readonly clock: Clock
  readonly warn: (message: string) => void
}

/** The right to refresh a login. */
export interface Lock {
  readonly kind: 'lock'
  readonly loginID: string
  readonly owner: string
  /** The store that gave it. */
  readonly store: Refreshes
  /** Until when a refresh may begin under it, in elapsed ms. */
  readonly beginBefore: number
}

/** What the record of a login says. */
export type RecordedLogin = { readonly kind: 'login'; readonly login: KeptLogin } | { readonly kind: 'ended'; readonly reason: EndReason }

/** ms that a lock outlives the refresh that it guards. */
const LOCK_MARGIN = 5000
/** ms that the store may take to reply. */
const PATIENCE = 1000
/** ms without a question to the store, after which it isn't known whether it has been silent all along. */
const UNOBSERVED = 10_000
/** ms for which a failed refresh is reported to other processes, which would fail likewise. */
const FAILURE_TTL = 2000
/** ms between two looks at another owner's refresh, at first and at last. */
const FIRST_POLL = 4
const LAST_POLL = 64
/** ms between two attempts at what the store could not do, at first and at last. */
const FIRST_RETRY = 100
const LAST_RETRY = 5000
/** ms for which it is retried. */
const RETRY_FOR = 10 * 60 * 1000

/**
 * The records of logins, one each, in a store that may be slow, unreachable or lose a lock.
 *
 * While the store is unreachable, this process keeps records of its own, which go to the store when it is back.
 */
export class LoginRecords {
  readonly #options: LoginRecordsOptions
  readonly #lockTTL: number
  readonly #local: Refreshes
  /** Since when the store hasn't replied, not even late, in elapsed ms. */
  #silentSince: number | undefined
  /** When it last didn't, in elapsed ms. */
  #silentAt = -Infinity
  readonly #retries = new Set<Promise<void>>()
  /** When the retries end because the process does, in elapsed ms. */
  #closesAt = Infinity

  constructor(options: LoginRecordsOptions) {
    this.#options = options
    this.#lockTTL = options.timeout + LOCK_MARGIN
    this.#local = options.refreshes instanceof MemoryRefreshes ? options.refreshes : new MemoryRefreshes(options.clock)
  }

  /**
   * Waits for the lock of a login, or for a record that is newer than the login at hand.
   *
   * Rejects with the error of another process's refresh, or with the store's error.
   */
  async acquire(held: KeptLogin, owner: string): Promise<Lock | RecordedLogin> {
    const { clock, codec, refreshes } = this.#options
    /** Until when another owner may be refreshing, as last seen. A lock that disappears before that may have been lost. */
    let otherUntil = 0
    for (let pause = FIRST_POLL; ; pause = Math.min(pause * 2, LAST_POLL)) {
      const askedAt = clock.elapsed()
      const { acquired, store } = await this.#tryToAcquire(held, owner, otherUntil)
      if (acquired.outcome === 'recorded') return this.#readRecord(held.id, acquired)
      if (acquired.outcome === 'failed') throw codec.decodeFailure(held.id, acquired.failure)
      if (acquired.outcome === 'locked' && (acquired.isReleased || clock.elapsed() >= otherUntil)) {
        return { kind: 'lock', loginID: held.id, owner, store, beginBefore: askedAt + this.#lockTTL - this.#options.timeout }
      }
      if (acquired.outcome === 'busy' && store === refreshes) otherUntil = Math.max(otherUntil, clock.elapsed() + acquired.expiresIn)
      await clock.sleep(pause)
    }
  }

  /** What this process has recorded by itself while the store was unreachable. */
  async recordedLocally({ loginID, store }: Lock): Promise<RecordedLogin | undefined> {
    if (store === this.#local) return undefined
    const record = await this.#local.read(this.#nameOf(loginID))
    return record && this.#readRecord(loginID, record)
  }

  /**
   * Saves the login that a refresh brought, and releases the lock.
   *
   * @returns what the record says instead, where that is newer
   */
  async save({ owner, store }: Lock, login: KeptLogin, ttl: number): Promise<RecordedLogin | undefined> {
    const name = this.#nameOf(login.id)
    const request = { generation: login.generation, value: this.#options.codec.encode(login), owner, ttl }
    try {
      const isSaved = await this.#ask(() => store.save(name, request))
      if (isSaved && store !== this.#options.refreshes) this.#retryInBackground(() => this.#ask(() => this.#options.refreshes.save(name, request)))
      if (isSaved) return undefined
      const record = await this.#ask(() => store.read(name))
      return record && this.#readRecord(login.id, record)
    } catch {
      await this.#local.save(name, request)
      this.#retryInBackground(() => this.#ask(() => this.#options.refreshes.save(name, request)))
      return undefined
    }
  }

  /** Records that Twilio refused the refresh for good. */
  async refuse({ loginID, owner, store }: Lock, ttl: number): Promise<void> {
    await this.#ask(() => store.save(this.#nameOf(loginID), { generation: REFUSED, value: '', owner, ttl })).catch(() => undefined)
  }

  /** Gives the lock up. A failure is reported to those who wait for it. */
  async release({ loginID, owner, store }: Lock, error?: unknown): Promise<void> {
    const failure = error === undefined ? undefined : { note: this.#options.codec.encodeFailure(loginID, error), ttl: FAILURE_TTL }
    await this.#ask(() => store.release(this.#nameOf(loginID), { owner, failure })).catch(() => undefined)
  }

  /** What the record says, if it is newer than the login at hand. Rejects with the store's error. */
  async newerThan(held: KeptLogin): Promise<RecordedLogin | undefined> {
    const record = await this.#ask(() => this.#options.refreshes.read(this.#nameOf(held.id)))
    return record && record.generation > held.generation ? this.#readRecord(held.id, record) : undefined
  }

  /**
   * Undoes what was written for a login, if a logout has been recorded. Where that can't be known or done now, it is tried again
   * in the background.
   *
   * @returns whether a logout has been recorded, as far as can be known now
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
      this.#retryInBackground(undoIfLoggedOut)
      return false
    }
  }

  /** Records that the person has logged out. Never rejects: a logout goes on without the store. */
  async logOut({ id }: KeptLogin, ttl: number): Promise<void> {
    const name = this.#nameOf(id)
    const request = { generation: LOGGED_OUT, value: '', owner: randomUUID(), ttl }
    await this.#local.save(name, request)
    if (this.#options.refreshes === this.#local) return
    const save = () => this.#ask(() => this.#options.refreshes.save(name, request))
    try {
      await save()
    } catch (error) {
      this.#options.warn(`A logout could not be recorded: ${messageOf(error)} Other processes may go on with its tokens until the record can be saved.`)
      this.#retryInBackground(save)
    }
  }

  /** Resolves when nothing is being retried any more, or has been for as long as a lock lives. */
  async close(): Promise<void> {
    this.#closesAt = this.#options.clock.elapsed() + this.#lockTTL
    // The retries don't keep the process alive by themselves.
    const keepAlive = setInterval(() => undefined, LAST_RETRY)
    await Promise.all(this.#retries)
    clearInterval(keepAlive)
  }

  async #isLoggedOut({ id }: KeptLogin): Promise<boolean> {
    const name = this.#nameOf(id)
    const local = await this.#local.read(name)
    if (local?.generation === LOGGED_OUT) return true
    const record = await this.#ask(() => this.#options.refreshes.read(name))
    return record?.generation === LOGGED_OUT
  }

  async #tryToAcquire(held: KeptLogin, owner: string, otherUntil: number): Promise<{ readonly acquired: Acquired; readonly store: Refreshes }> {
    const { clock, refreshes, warn } = this.#options
    const name = this.#nameOf(held.id)
    const request = { generation: held.generation, owner, ttl: this.#lockTTL }
    try {
      const acquired = await this.#ask(() => refreshes.acquire(name, request), ({ outcome }) => this.#releaseLate(outcome, name, owner))
      checkAcquired(acquired)
      return { acquired, store: refreshes }
    } catch (error) {
      if (clock.elapsed() < otherUntil) return { acquired: { outcome: 'busy', expiresIn: 0 }, store: refreshes }
      const trouble = `The store of the refresh records can't be used: ${messageOf(error)}`
      if (!this.#mayRefreshAlone(held, error)) {
        if (error instanceof RefreshStoreError) warn(`${trouble} Until it can, Twilio tokens are refreshed only when they have expired.`)
        throw error
      }
      warn(`${trouble} Until it can, each process refreshes Twilio tokens on its own, which may log out people who use several at once.`)
      return { acquired: await this.#local.acquire(name, request), store: this.#local }
    }
  }

  /**
   * Whether to refresh without the store: only a token that has expired, and only if no other process can be at it.
   * A store that doesn't reply may have given the lock to another process, until that lock would have expired.
   */
  #mayRefreshAlone(held: KeptLogin, error: unknown): boolean {
    const { clock } = this.#options
    if (isAlive(held, clock.now())) return false
    return error instanceof RefreshStoreError || (this.#silentSince !== undefined && clock.elapsed() - this.#silentSince >= this.#lockTTL)
  }

  /** Nobody waits for this lock any more. */
  #releaseLate(outcome: Acquired['outcome'], name: string, owner: string): void {
    if (outcome === 'locked') this.#ask(() => this.#options.refreshes.release(name, { owner })).catch(() => undefined)
  }

  #noteSilence(): void {
    const now = this.#options.clock.elapsed()
    // In between, the store may have given locks to other processes.
    if (now - this.#silentAt > UNOBSERVED) this.#silentSince = undefined
    this.#silentSince ??= now
    this.#silentAt = now
  }

  #readRecord(loginID: string, record: RefreshRecord): RecordedLogin {
    if (record.generation === LOGGED_OUT) return { kind: 'ended', reason: 'logged out' }
    if (record.generation === REFUSED) return { kind: 'ended', reason: 'refused' }
    const login = this.#options.codec.decode(loginID, record)
    if (login) return { kind: 'login', login }
    // Whatever it says, it is newer, so the refresh token at hand is spent.
    this.#options.warn('The record of a login could not be read, and the person has to log in again. Has SessionTokens been given another secret? Keep the old one behind the new one: secret: [new, old].')
    return { kind: 'ended', reason: 'refused' }
  }

  #nameOf(loginID: string): string {
    return this.#options.codec.nameOf(loginID)
  }

  /** Asks a store, and doesn't wait long. `onLate` is called with a reply that comes after that. */
  async #ask<Reply>(call: () => Promise<Reply>, onLate?: (reply: Reply) => void): Promise<Reply> {
    const { clock } = this.#options
    const reply = call()
    reply.then(() => (this.#silentSince = undefined), () => undefined)
    try {
      const inTime = await patiently(reply, PATIENCE, clock)
      if (!inTime) throw new Error(`It didn't reply within ${PATIENCE} ms.`)
      return inTime.result
    } catch (error) {
      if (!(error instanceof RefreshStoreError)) this.#noteSilence()
      reply.then(onLate, () => undefined)
      throw error
    }
  }

  #retryInBackground(work: () => Promise<unknown>): void {
    const { clock } = this.#options
    const until = clock.elapsed() + RETRY_FOR
    const retry = async () => {
      for (let pause = FIRST_RETRY; clock.elapsed() + pause < Math.min(until, this.#closesAt); pause = Math.min(pause * 1.5, LAST_RETRY)) {
        await clock.sleep(pause, { inBackground: true })
        if (await work().then(() => true, () => false)) return
      }
    }
    const retrying: Promise<void> = retry().finally(() => this.#retries.delete(retrying))
    this.#retries.add(retrying)
  }
}

/** A store of the app's own may not do what the interface says. Without an outcome, one would ask it for ever. */
function checkAcquired({ outcome }: Acquired): void {
  if (!['recorded', 'locked', 'busy', 'failed'].includes(outcome)) throw new Error('refreshes.acquire() resolved to a value without a valid outcome.')
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.endsWith('.') ? message : `${message}.`
}
