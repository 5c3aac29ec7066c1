import { setTimeout as pause } from 'node:timers/promises'

/** Time, so that a test can bring its own. */
export interface Clock {
  /** Epoch ms. Jumps when the machine's clock is set. */
  now(): number
  /** ms since some moment in the past. Never jumps. */
  elapsed(): number
  /** Waits for this many ms. In the background, that doesn't keep the process alive. */
  sleep(ms: number, options?: { readonly inBackground?: boolean }): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, { inBackground = false } = {}) => pause(ms, undefined, { ref: !inBackground })
}
