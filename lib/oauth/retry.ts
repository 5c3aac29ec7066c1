import { setTimeout as pause } from 'node:timers/promises'
import { TwilioNetworkError, TwilioTokenError } from '../errors'
import { isRefusal } from './refusal'

const RETRIES = 2
/** ms; the pause is between half of this and all of it, and doubles. */
const FIRST_PAUSE = 200

/**
 * Does something that may be done twice again after a passing trouble: a broken connection, too many requests
 * (when Twilio says, if that is before the deadline), or Twilio's own (5xx). At most twice.
 *
 * @param deadline epoch ms
 */
export async function retrying<Result>(attempt: () => Promise<Result>, deadline: number, signal?: AbortSignal): Promise<Result> {
  for (let retry = 0; ; retry++) {
    try {
      return await attempt()
    } catch (error) {
      const wait = retry < RETRIES ? waitAfter(error, retry) : undefined
      if (wait === undefined || Date.now() + wait >= deadline) throw error
      await pause(wait, undefined, { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

/** ms to wait, or `undefined` for what will not pass. */
function waitAfter(error: unknown, retry: number): number | undefined {
  if (isRefusal(error)) return undefined
  if (error instanceof TwilioTokenError) {
    if (error.retryAt !== undefined) return Math.max(0, error.retryAt - Date.now())
  } else if (!(error instanceof TwilioNetworkError)) {
    return undefined
  }
  // Chance keeps many processes from coming back at the same moment.
  return FIRST_PAUSE * 2 ** retry * (0.5 + Math.random() / 2)
}
