import { randomUUID } from 'node:crypto'

/** Waits for a lock, and then holds it. A store may grant the lock late, when it is no longer needed. */
export class LockOwner {
  readonly id = randomUUID()
  #isFinished = false
  #release: (() => void) | undefined

  /** Calls `release` once, as soon as the owner doesn't need the lock. */
  releaseWhenFinished(release: () => void): void {
    if (this.#isFinished) release()
    else this.#release ??= release
  }

  finish(): void {
    this.#isFinished = true
    const release = this.#release
    this.#release = undefined
    release?.()
  }
}
