import { setTimeout as pause } from 'node:timers/promises'

/** What work gives, or `undefined` when it takes longer than so many ms. It goes on all the same. */
export async function within<Result>(ms: number, work: Promise<Result>): Promise<Result | undefined> {
  const done = new AbortController()
  try {
    return await Promise.race([work, pause(Math.max(0, ms), undefined, { signal: done.signal })])
  } finally {
    done.abort()
  }
}
