import { setTimeout as pause } from 'node:timers/promises'
import { TwilioNetworkError, TwilioTokenError } from '../errors'
import { isPermanentError } from './permanent-error'

const MAX_RETRIES = 2
/** ms. Each pause is between half of its maximum and all of it; the maximum doubles with each retry. */
const FIRST_PAUSE = 200

/**
 * Calls `attempt`, and retries it after a temporary failure: a broken connection, throttling (at the time Twilio gives,
 * if that is before the deadline), or an error of Twilio's own (5xx). At most two retries.
 *
 * @param attempt called with 1 for the first attempt
 * @param deadline epoch ms
 */
export async function withRetries<Result>(attempt: (number: number) => Promise<Result>, deadline: number, signal?: AbortSignal): Promise<Result> {
  for (let retry = 0; ; retry++) {
    try {
      return await attempt(retry + 1)
    } catch (error) {
      const wait = retry < MAX_RETRIES ? pauseAfter(error, retry) : undefined
      if (wait === undefined || Date.now() + wait >= deadline) throw error
      await pause(wait, undefined, { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

/** ms until the next attempt, or `undefined` if another one is pointless. */
function pauseAfter(error: unknown, retry: number): number | undefined {
  if (isPermanentError(error)) return undefined
  if (error instanceof TwilioTokenError) {
    if (error.retryAt !== undefined) return Math.max(0, error.retryAt - Date.now())
  } else if (!(error instanceof TwilioNetworkError)) {
    return undefined
  }
  // Random, so that many processes don't retry at the same moment.
  return FIRST_PAUSE * 2 ** retry * (0.5 + Math.random() / 2)
}
