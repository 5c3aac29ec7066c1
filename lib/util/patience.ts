import type { Clock } from './clock'

const STEPS = 10

/**
 * The result of a promise, or `undefined` if it takes longer than `ms`.
 *
 * The time is counted in short steps, between which the event loop runs. If the event loop is blocked, only one step
 * passes, so a reply that has already arrived is not treated as missing.
 */
export async function patiently<Result>(promise: Promise<Result>, ms: number, clock: Pick<Clock, 'sleep'>): Promise<{ readonly result: Result } | undefined> {
  const reply = promise.then((result) => ({ result }))
  // A rejection after the last step no longer matters.
  reply.catch(() => undefined)
  for (let step = 0; step < STEPS; step++) {
    const first = await Promise.race([reply, clock.sleep(ms / STEPS)])
    if (first) return first
  }
  return undefined
}
