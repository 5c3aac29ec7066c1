import { mock } from 'node:test'
import type { Clock } from '../../lib/util/clock'

/**
 * Runs a test whose time stands still, unless the test moves it (`mock.timers.tick`). With `Date`, `performance.now()` stands
 * still too, and moves with it.
 */
export async function withClock(apis: readonly ('Date' | 'setTimeout')[], test: () => Promise<void>): Promise<void> {
  const [startedAt, elapsed] = [Date.now(), performance.now()]
  mock.timers.enable({ apis: [...apis], now: startedAt })
  const now = apis.includes('Date') ? mock.method(performance, 'now', () => elapsed + Date.now() - startedAt) : undefined
  try {
    await test()
  } finally {
    now?.mock.restore()
    mock.timers.reset()
  }
}

/** Lets what is under way go on, as far as it waits for nothing from outside. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Moves the mocked time in small steps, and lets what is under way go on after each. */
export async function passTime(ms: number, step = 50): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    mock.timers.tick(Math.min(step, left))
    await settled()
  }
}

/** A clock that stands still until a test lets time pass. */
export class ManualClock implements Clock {
  readonly #waiting = new Set<{ readonly at: number; readonly wake: () => void }>()
  #time = 1_800_000_000_000

  now(): number {
    return this.#time
  }

  elapsed(): number {
    return this.#time
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.#waiting.add({ at: this.#time + ms, wake }))
  }

  async pass(ms: number): Promise<void> {
    const end = this.#time + ms
    await settled()
    for (;;) {
      const [next] = [...this.#waiting].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)
      if (!next) break
      this.#waiting.delete(next)
      this.#time = Math.max(this.#time, next.at)
      next.wake()
      await settled()
    }
    this.#time = end
  }
}
