import { RefreshStoreError } from './refresh-store'

/** What can be said of an error of a store. */
export interface StoreFailure {
  readonly message: string
  /** Whether nothing was done, nor will be until somebody changes something. */
  readonly isLasting: boolean
}

/**
 * Calls a store, and decides which of its errors are {@link RefreshStoreError}s: those of a store that has never worked.
 *
 * Once a store has worked, it is expected back, and no error tells what other processes are doing meanwhile: one of them may
 * hold a lock, or reach the new master already. A read-only replica, a closed connection or a missing permission may then be
 * a step of a failover. Such an error is an ordinary one, which leaves the state of the lock open.
 */
export class StoreCalls {
  readonly #explain: (error: unknown) => StoreFailure
  #hasWorked = false

  constructor(explain: (error: unknown) => StoreFailure) {
    this.#explain = explain
  }

  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      const result = await call()
      this.#hasWorked = true
      return result
    } catch (error) {
      const { message, isLasting } = this.#explain(error)
      throw isLasting && !this.#hasWorked ? new RefreshStoreError(message, { cause: error }) : new Error(message, { cause: error })
    }
  }
}

/** The message of a store's error. Node's errors for several addresses have none of their own. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
