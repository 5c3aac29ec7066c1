import { refreshStoreFailure } from '../../errors'
import type { Clock } from '../../util/clock'
import { isObject } from '../../util/is-object'
import { patiently } from '../../util/patience'
import { RefreshStoreError, type Acquired, type AcquireRequest, type Refreshes, type RefreshRecord, type ReleaseRequest, type SaveRequest } from './refresh-store'

/** Time limit for a reply of the store, in ms. */
const PATIENCE = 1000
/** If two failed calls are further apart than this (in ms), the store may have worked in between. */
const UNOBSERVED = 10_000

const OUTCOMES: readonly unknown[] = ['recorded', 'locked', 'busy', 'failed'] satisfies Acquired['outcome'][]

/** The app's store of records, which may be slow or unreachable: calls it with a time limit, and notes for how long it has been silent. */
export class SharedStore implements Refreshes {
  readonly #store: Refreshes
  readonly #clock: Clock
  /** The start of the current series of failed calls without any reply, even a late one, in elapsed ms. */
  #silentSince: number | undefined
  /** The time of the last failed call, in elapsed ms. */
  #silentAt = -Infinity

  constructor(store: Refreshes, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  read(name: string): Promise<RefreshRecord | undefined> {
    return this.#call(() => this.#store.read(name))
  }

  /** @param onLateLock called if the store grants the lock after the time limit */
  async acquire(name: string, request: AcquireRequest, onLateLock?: () => void): Promise<Acquired> {
    const acquired: unknown = await this.#call(
      () => this.#store.acquire(name, request),
      (late: unknown) => isAcquired(late) && late.outcome === 'locked' && onLateLock?.()
    )
    // Without a valid outcome, the store would be polled forever.
    if (!isAcquired(acquired)) throw refreshStoreFailure('refreshes.acquire() resolved to a value without a valid outcome.')
    return acquired
  }

  save(name: string, request: SaveRequest): Promise<boolean> {
    return this.#call(() => this.#store.save(name, request))
  }

  release(name: string, request: ReleaseRequest): Promise<void> {
    return this.#call(() => this.#store.release(name, request))
  }

  /** Whether all calls have failed for at least this many ms. */
  hasBeenSilentFor(ms: number): boolean {
    return this.#silentSince !== undefined && this.#clock.elapsed() - this.#silentSince >= ms
  }

  /** A reply that arrives after the time limit is passed to `onLate`. */
  async #call<Reply>(call: () => Promise<Reply>, onLate?: (reply: Reply) => void): Promise<Reply> {
    // An app's own store may throw instead of rejecting.
    const reply = Promise.resolve().then(call)
    reply.then(() => (this.#silentSince = undefined), () => undefined)
    try {
      const inTime = await patiently(reply, PATIENCE, this.#clock)
      if (!inTime) throw refreshStoreFailure(`It didn't respond within ${PATIENCE} ms.`)
      return inTime.result
    } catch (error) {
      if (!(error instanceof RefreshStoreError)) this.#noteSilence()
      reply.then(onLate, () => undefined)
      throw error
    }
  }

  #noteSilence(): void {
    const now = this.#clock.elapsed()
    // In between, the store may have granted locks to other processes.
    if (now - this.#silentAt > UNOBSERVED) this.#silentSince = undefined
    this.#silentSince ??= now
    this.#silentAt = now
  }
}

/** An app's own store may not follow the interface. */
function isAcquired(value: unknown): value is Acquired {
  return isObject(value) && OUTCOMES.includes(value.outcome)
}
