import { systemClock, type Clock } from '../../util/clock'
import type { Acquired, AcquireRequest, Refreshes, RefreshRecord, ReleaseRequest, SaveRequest } from './refresh-store'

/** Maximum number of records. The oldest are removed first. */
const MAX_RECORDS = 50_000

interface Entry {
  record?: RefreshRecord | undefined
  /** When the record expires. */
  recordUntil: number
  lock?: Lock | undefined
}

interface Lock {
  /** `undefined` once it is released. */
  readonly owner: string | undefined
  readonly series: string
  readonly failure?: string | undefined
  readonly until: number
}

/** {@link Refreshes} in the memory of one process. */
export class MemoryRefreshes implements Refreshes {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Pick<Clock, 'elapsed'> = systemClock) {
    this.#clock = clock
  }

  read(name: string): Promise<RefreshRecord | undefined> {
    return Promise.resolve(this.#recordOf(this.#entries.get(name)))
  }

  acquire(name: string, { generation, owner, ttl }: AcquireRequest): Promise<Acquired> {
    const entry = this.#entryOf(name)
    const record = this.#recordOf(entry)
    if (record && record.generation > generation) return Promise.resolve({ outcome: 'recorded', ...record })
    const now = this.#clock.elapsed()
    const lock = entry.lock && entry.lock.until > now ? entry.lock : undefined
    if (lock?.failure !== undefined) return Promise.resolve({ outcome: 'failed', failure: lock.failure })
    if (lock?.owner !== undefined && lock.owner !== owner) return Promise.resolve({ outcome: 'busy', series: lock.series, expiresIn: lock.until - now })
    const series = lock?.series ?? owner
    entry.lock = { owner, series, until: now + ttl }
    return Promise.resolve({ outcome: 'locked', series })
  }

  save(name: string, { generation, value, owner, ttl }: SaveRequest): Promise<boolean> {
    const entry = this.#entryOf(name)
    const record = this.#recordOf(entry)
    if (entry.lock?.owner === owner) entry.lock = undefined
    if (record && record.generation >= generation) return Promise.resolve(record.generation === generation && record.value === value)
    entry.record = { generation, value }
    entry.recordUntil = this.#clock.elapsed() + ttl
    return Promise.resolve(true)
  }

  release(name: string, { owner, failure }: ReleaseRequest): Promise<void> {
    const entry = this.#entries.get(name)
    const now = this.#clock.elapsed()
    if (entry?.lock?.owner === owner && entry.lock.until > now) {
      const released = { ...entry.lock, owner: undefined }
      entry.lock = failure ? { ...released, failure: failure.note, until: now + failure.ttl } : released
    }
    return Promise.resolve()
  }

  #recordOf(entry: Entry | undefined): RefreshRecord | undefined {
    return entry && entry.recordUntil > this.#clock.elapsed() ? entry.record : undefined
  }

  /** The entry of a login, moved to the end of the map, so that the first ones are the oldest. */
  #entryOf(name: string): Entry {
    const entry = this.#entries.get(name) ?? { recordUntil: 0 }
    this.#entries.delete(name)
    this.#forgetOldest()
    this.#entries.set(name, entry)
    return entry
  }

  #forgetOldest(): void {
    for (const [name, entry] of this.#entries) {
      const isExpired = !this.#recordOf(entry) && !(entry.lock && entry.lock.until > this.#clock.elapsed())
      if (!isExpired && this.#entries.size < MAX_RECORDS) break
      this.#entries.delete(name)
    }
  }
}

/** Shared by all `SessionTokens` of a process without a `refreshes` option. */
export const memoryRefreshes = new MemoryRefreshes()
