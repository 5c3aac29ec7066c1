import type { Clock } from '../../util/clock'

/** The shortest and longest interval between two attempts, in ms. */
const FIRST_RETRY = 100
const LAST_RETRY = 5000
/** ms after which work is no longer retried. */
const RETRY_FOR = 10 * 60 * 1000

/** Retries work that has failed, without keeping the process alive. */
export class BackgroundRetries {
  readonly #clock: Clock
  readonly #inProgress = new Set<Promise<void>>()
  /** When {@link close} ends the retries, in elapsed ms. */
  #closesAt = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(work: () => Promise<unknown>): void {
    const retrying: Promise<void> = this.#retry(work).finally(() => this.#inProgress.delete(retrying))
    this.#inProgress.add(retrying)
  }

  /** Resolves when all retries have finished, or after this many ms. */
  async close(ms: number): Promise<void> {
    this.#closesAt = this.#clock.elapsed() + ms
    const keepAlive = setInterval(() => undefined, LAST_RETRY)
    await Promise.all(this.#inProgress)
    clearInterval(keepAlive)
  }

  async #retry(work: () => Promise<unknown>): Promise<void> {
    const until = this.#clock.elapsed() + RETRY_FOR
    for (let pause = FIRST_RETRY; this.#clock.elapsed() + pause < Math.min(until, this.#closesAt); pause = Math.min(pause * 1.5, LAST_RETRY)) {
      await this.#clock.sleep(pause, { inBackground: true })
      if (await work().then(() => true, () => false)) return
    }
  }
}
