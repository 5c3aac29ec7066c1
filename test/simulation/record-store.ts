import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { RefreshStoreError, type Acquired, type AcquireRequest, type Refreshes, type RefreshRecord, type ReleaseRequest, type SaveRequest } from '../../lib/session/records/refresh-store'
import { NO_FAULTS, type Faults } from './faults'
import { call, disturb, type Fate } from './network'
import type { SimulatedProcess, World } from './world'

/** A lock that a process got, for the referee. */
export interface LockSeen {
  /** When the process asked for it. */
  readonly acquiredAt: number
  /** When the process saw, on its way to this lock, that another owner had it. */
  readonly busyAt: readonly number[]
}

/** ms for which a record may be on its way. */
const SAVED_WITHIN = 1000

interface Operation {
  readonly at: number
  readonly isLock: boolean
  readonly run: (store: Refreshes) => Promise<unknown>
}

/** The store of the records, which all processes share over the network. */
export class RecordStore {
  faults: Faults = NO_FAULTS
  /** When the last failover was, and from when on locks were lost. */
  failover: { readonly at: number; readonly since: number } | undefined
  readonly #world: World
  readonly #failedSaves = new Set<string>()
  readonly #outages = new Map<SimulatedProcess, { readonly until: number; readonly isSilent: boolean }>()
  #store: Refreshes
  #journal: Operation[] = []
  #now: () => number

  constructor(world: World) {
    this.#world = world
    this.#now = () => world.now
    this.#store = this.#emptyStore()
  }

  connect(process: SimulatedProcess): RecordStoreConnection {
    return new RecordStoreConnection(this, this.#world, process)
  }

  /** For some time, a process can't reach the store: its calls are refused, or never answered. */
  interrupt(process: SimulatedProcess, ms: number, isSilent: boolean): void {
    this.#outages.set(process, { until: this.#world.now + ms, isSilent })
    this.#world.note(() => `the record store ${isSilent ? 'does not reply to' : 'refuses'} ${process.name} for ${ms.toFixed(0)} ms`)
  }

  /** A replica takes over that has not heard of the locks of the last `lag` ms. */
  async failOver(lag: number): Promise<void> {
    const at = this.#world.now
    const since = at - lag
    this.#journal = this.#journal.filter((operation) => !(operation.isLock && operation.at > since))
    this.#store = this.#emptyStore()
    for (const operation of this.#journal) {
      this.#now = () => operation.at
      await operation.run(this.#store)
    }
    this.#now = () => this.#world.now
    this.failover = { at, since }
    this.#world.note(() => `the record store fails over, and loses the locks of the last ${lag.toFixed(0)} ms`)
  }

  /** Whether a process has ever tried in vain to save the record of a login at once. */
  hasFailedToSave(process: SimulatedProcess, name: string): boolean {
    return this.#failedSaves.has(`${process.name} ${name}`)
  }

  saveFails(process: SimulatedProcess, name: string): void {
    this.#failedSaves.add(`${process.name} ${name}`)
  }

  /** What is stored, without a way over the network. */
  peek(name: string): Promise<RefreshRecord | undefined> {
    return this.#store.read(name)
  }

  perform<Reply>(isLock: boolean, run: (store: Refreshes) => Promise<Reply>): Promise<Reply> {
    this.#journal.push({ at: this.#world.now, isLock, run })
    return run(this.#store)
  }

  fateOf(process: SimulatedProcess): Fate {
    const { random, now } = this.#world
    const outage = this.#outages.get(process)
    if (outage && outage.until > now) return outage.isSilent ? {} : { error: { after: random.between(0, 5), reason: () => new RefreshStoreError('The record store refuses.') } }
    const quick = () => random.between(0.1, 3)
    if (random.chance(this.faults.refused)) return { error: { after: quick(), reason: () => new RefreshStoreError('The record store refuses.') } }
    if (random.chance(this.faults.failed)) {
      const error = { after: random.between(0, 500), reason: () => new Error('The connection to the record store broke.') }
      return random.pick([{ error }, { error, there: random.between(0, error.after) }, { error, there: random.between(0, 5000) }])
    }
    if (random.chance(this.faults.silent)) return random.pick([{}, { there: quick() }])
    if (random.chance(this.faults.late)) return { there: random.pick([quick(), random.between(500, 15_000)]), back: random.between(500, 15_000) }
    if (random.chance(this.faults.slow)) return { there: random.between(0, 450), back: random.between(0, 450) }
    return { there: quick(), back: quick() }
  }

  #emptyStore(): Refreshes {
    return new MemoryRefreshes({ elapsed: () => this.#now() })
  }
}

/** How one process reaches the store. */
export class RecordStoreConnection implements Refreshes {
  /** When the store last replied, in ms since the beginning. */
  lastReplyAt: number
  /** Whether the store refused the last call to acquire a lock. */
  isRefused = false
  /** The last lock of each login. */
  readonly #locks = new Map<string, LockSeen>()
  /** When this process saw another owner's lock, since its own last lock of each login. */
  readonly #busyAt = new Map<string, number[]>()
  readonly #store: RecordStore
  readonly #world: World
  readonly #process: SimulatedProcess

  constructor(store: RecordStore, world: World, process: SimulatedProcess) {
    this.#store = store
    this.#world = world
    this.#process = process
    this.lastReplyAt = world.now
  }

  lockSeen(name: string): LockSeen | undefined {
    return this.#locks.get(name)
  }

  async read(name: string): Promise<RefreshRecord | undefined> {
    return this.#call('read', name, (store) => store.read(name))
  }

  async acquire(name: string, request: AcquireRequest): Promise<Acquired> {
    const askedAt = this.#world.now
    try {
      const acquired = await this.#call('acquire', name, (store) => store.acquire(name, request))
      this.isRefused = false
      const busyAt = this.#busyAt.get(name) ?? []
      if (acquired.outcome === 'busy') this.#busyAt.set(name, [...busyAt, this.#world.now])
      else this.#busyAt.delete(name)
      if (acquired.outcome === 'locked') this.#locks.set(name, { acquiredAt: askedAt, busyAt })
      return acquired
    } catch (error) {
      this.isRefused = error instanceof RefreshStoreError
      throw error
    }
  }

  async save(name: string, request: SaveRequest): Promise<boolean> {
    return this.#call(`save ${request.generation} in`, name, (store) => store.save(name, request))
  }

  async release(name: string, request: ReleaseRequest): Promise<void> {
    return this.#call('release', name, (store) => store.release(name, request))
  }

  async #call<Reply>(what: string, name: string, run: (store: Refreshes) => Promise<Reply>): Promise<Reply> {
    const world = this.#world
    const fate = this.#store.fateOf(this.#process)
    const isInTime = fate.there !== undefined && fate.there < SAVED_WITHIN && fate.error === undefined
    if (what.startsWith('save') && !isInTime) this.#store.saveFails(this.#process, name)
    const perform = async () => {
      const reply = await this.#store.perform(what === 'acquire', run)
      world.note(() => `record store: ${what} ${name} for ${this.#process.name}: ${JSON.stringify(reply, (key, value: unknown) => (key === 'series' ? undefined : value))}`)
      return reply
    }
    const calling = call(world, this.#process, fate, perform)
    disturb(world, this.#process, this.#store.faults)
    const reply = await calling.catch((error: unknown) => {
      world.note(() => `${this.#process.name} can't ${what} ${name}: ${String(error)}`)
      throw error
    })
    this.lastReplyAt = world.now
    return reply
  }
}
