import type { Acquired, Refreshes } from '../../lib'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import type { ManualClock } from './clock'

type Call = { readonly [Name in keyof Refreshes]: readonly [Name, ...Parameters<Refreshes[Name]>] }[keyof Refreshes]

/** A store of records that a test can break, and the calls that it got. */
export class BreakableStore implements Refreshes {
  readonly memory: MemoryRefreshes
  readonly calls: { readonly at: number; readonly call: Call }[] = []
  /** What calls reject with, if anything. */
  error: Error | undefined
  /** What `acquire` resolves to instead of the memory's result, one after the other. */
  readonly replies: (Acquired | Error)[] = []
  readonly #clock: ManualClock

  constructor(clock: ManualClock) {
    this.#clock = clock
    this.memory = new MemoryRefreshes(clock)
  }

  timesOf(name: Call[0]): number[] {
    return this.calls.filter(({ call }) => call[0] === name).map(({ at }) => at)
  }

  read(...call: Parameters<Refreshes['read']>): ReturnType<Refreshes['read']> {
    return this.#answer(['read', ...call], () => this.memory.read(...call))
  }

  acquire(...call: Parameters<Refreshes['acquire']>): ReturnType<Refreshes['acquire']> {
    const reply = this.replies.shift()
    return this.#answer(['acquire', ...call], () => (reply instanceof Error ? Promise.reject(reply) : reply ? Promise.resolve(reply) : this.memory.acquire(...call)))
  }

  save(...call: Parameters<Refreshes['save']>): ReturnType<Refreshes['save']> {
    return this.#answer(['save', ...call], () => this.memory.save(...call))
  }

  release(...call: Parameters<Refreshes['release']>): ReturnType<Refreshes['release']> {
    return this.#answer(['release', ...call], () => this.memory.release(...call))
  }

  #answer<Reply>(call: Call, reply: () => Promise<Reply>): Promise<Reply> {
    this.calls.push({ at: this.#clock.elapsed(), call })
    return this.error ? Promise.reject(this.error) : reply()
  }
}
