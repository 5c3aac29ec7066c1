import { refreshStoreFailure } from '../../errors'
import { RefreshStoreError } from './refresh-store'

/** The explanation of a store's error. */
export interface StoreFailure {
  readonly message: string
  /** Whether nothing was changed, and the error persists until somebody fixes the cause. */
  readonly isLasting: boolean
}

/**
 * Calls a store, and decides which of its errors are {@link RefreshStoreError}s: the lasting errors of a store that has never worked.
 *
 * A store that has worked is expected to recover, and its errors don't show what other processes are doing in the meantime: one of
 * them may hold a lock, or may already have reached the new master. A read-only replica, a closed connection or a missing permission
 * may then be part of a failover. Such an error stays an ordinary one, which leaves the state of the lock open.
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
      throw isLasting && !this.#hasWorked ? new RefreshStoreError(message, { cause: error }) : refreshStoreFailure(message, { cause: error })
    }
  }
}
