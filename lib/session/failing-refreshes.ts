import type { Clock } from '../util/clock'
import { asSentence, messageOf } from '../util/message-of'
import type { Warn } from './warnings'

/** ms without a successful refresh after which failures are reported. Shorter outages pass unnoticed, since tokens are refreshed before they expire. */
const TOLERATED = 30_000

/** Reports refreshes that keep failing. While tokens are still valid, nobody would notice otherwise. */
export class FailingRefreshes {
  readonly #warn: Warn
  readonly #clock: Pick<Clock, 'elapsed'>
  /** The time of the first failure since the last success, in elapsed ms. */
  #since: number | undefined

  constructor(warn: Warn, clock: Pick<Clock, 'elapsed'>) {
    this.#warn = warn
    this.#clock = clock
  }

  succeeded(): void {
    this.#since = undefined
  }

  failed(error: unknown): void {
    const now = this.#clock.elapsed()
    this.#since ??= now
    const duration = now - this.#since
    if (duration < TOLERATED) return
    this.#warn(
      `Every refresh of Twilio tokens has failed for ${Math.round(duration / 1000)} s: ${asSentence(messageOf(error))} Requests continue with tokens that are still valid, and get 503 once they have expired.`,
      'WARN_TWILIO_REFRESHES_FAILING'
    )
  }
}
