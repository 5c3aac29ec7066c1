import { mock } from 'node:test'

/** Runs a test whose time stands still, unless it moves it itself (`mock.timers.tick`). */
export async function withClock(apis: readonly ('Date' | 'setTimeout')[], test: () => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: [...apis], now: Date.now() })
  try {
    await test()
  } finally {
    mock.timers.reset()
  }
}
