/** What {@link Refreshes.acquire} asks for. */
export interface AcquireRequest {
  /** The generation that the caller has. Only a newer record is of interest. */
  readonly generation: number
  /** Names the caller. The same caller may acquire its lock again, which extends it. */
  readonly owner: string
  /** ms after which the lock expires unless it is released. */
  readonly ttl: number
}

/**
 * What {@link Refreshes.acquire} found:
 * - `recorded`: a record newer than the caller's generation; nothing was locked.
 * - `locked`: the lock is the caller's. `isReleased` tells whether another owner has just released it, so that it would not have
 *   expired yet. A lock that was free without a trace of its last owner has expired, or was never taken, or was lost with a server.
 * - `busy`: another owner has the lock, for at most `expiresIn` ms.
 * - `failed`: the last owner's refresh has just failed, with the note it left.
 */
export type Acquired =
  | { readonly outcome: 'recorded'; readonly generation: number; readonly value: string }
  | { readonly outcome: 'locked'; readonly isReleased: boolean }
  | { readonly outcome: 'busy'; readonly expiresIn: number }
  | { readonly outcome: 'failed'; readonly failure: string }

/** A record of a login. */
export interface RefreshRecord {
  /** Grows with every record of the login. */
  readonly generation: number
  /** Encrypted. */
  readonly value: string
}

/** What {@link Refreshes.save} stores. */
export interface SaveRequest extends RefreshRecord {
  /** The caller, whose lock is released. */
  readonly owner: string
  /** ms after which the record expires. */
  readonly ttl: number
}

/** How {@link Refreshes.release} gives up a lock. */
export interface ReleaseRequest {
  /** The caller, whose lock is released. */
  readonly owner: string
  /** Why the refresh failed. Until it expires, `acquire` reports it instead of locking. */
  readonly failure?: { readonly note: string; readonly ttl: number } | undefined
}

/**
 * A store of records, one per login, shared by all processes of an app: `redisRefreshes(redis)`, `postgresRefreshes(pool)`,
 * or an implementation of your own. Each function is atomic. Names are up to 64 characters, `A`–`Z`, `a`–`z`, `0`–`9`, `-` and `_`.
 *
 * A function that could not do its work rejects. A {@link RefreshStoreError} says that the store can't be used at all; any other
 * error leaves open whether the work was done.
 */
export interface Refreshes {
  /** Reads the record of a login, if there is one. */
  read(name: string): Promise<RefreshRecord | undefined>
  /** Reads the record of a login if it is newer than the caller's generation, else locks it unless another owner has. */
  acquire(name: string, request: AcquireRequest): Promise<Acquired>
  /**
   * Stores a record unless the store has another one of the same generation or newer, and releases the owner's lock. Resolves to
   * whether the store has this record now. A client may send a command twice when it loses its connection: saving the same
   * record again resolves to `true`.
   */
  save(name: string, request: SaveRequest): Promise<boolean>
  /** Releases the owner's lock. Does nothing when the lock is another's. */
  release(name: string, request: ReleaseRequest): Promise<void>
}

/**
 * The store of the records can't be used, and nothing was done. `cause` is the store's own error.
 *
 * Thrown at once by a store that has never worked for this process: its client is not connected, the password is wrong,
 * permissions are missing. A process whose token has expired then refreshes on its own. So a store that other processes may
 * still be using, as in a failover or when a connection has just been lost, throws an ordinary error.
 */
export class RefreshStoreError extends Error {
  override readonly name = 'RefreshStoreError'
}

export function isRefreshes(value: unknown): value is Refreshes {
  return typeof value === 'object' && value !== null && ['read', 'acquire', 'save', 'release'].every((name) => name in value && typeof (value as Record<string, unknown>)[name] === 'function')
}
