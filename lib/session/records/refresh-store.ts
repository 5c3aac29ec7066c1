import { helpFor } from '../../errors'

/** The parameters of {@link Refreshes.acquire}. */
export interface AcquireRequest {
  /** The generation of the caller's login. Only a newer record is returned. */
  readonly generation: number
  /** Identifies the caller. If the caller already holds the lock, acquiring it again extends it. */
  readonly owner: string
  /** ms after which the lock expires unless it is released. */
  readonly ttl: number
}

/**
 * The result of {@link Refreshes.acquire}:
 * - `recorded`: a record newer than the caller's generation; nothing was locked.
 * - `locked`: the caller holds the lock.
 * - `busy`: another owner holds the lock, for at most `expiresIn` ms.
 * - `failed`: the previous owner's refresh has just failed; `failure` is the note that it left.
 *
 * `series` names an unbroken series of locks, each of which was released before the next was acquired. It is the owner of the first
 * one. A lock without a predecessor begins a new series, and so does a lock whose predecessor has expired or was lost with a server.
 */
export type Acquired =
  | { readonly outcome: 'recorded'; readonly generation: number; readonly value: string }
  | { readonly outcome: 'locked'; readonly series: string }
  | { readonly outcome: 'busy'; readonly series: string; readonly expiresIn: number }
  | { readonly outcome: 'failed'; readonly failure: string }

/** A record of a login. */
export interface RefreshRecord {
  /** Grows with every record of the login. */
  readonly generation: number
  /** Encrypted. */
  readonly value: string
}

/** The parameters of {@link Refreshes.save}. */
export interface SaveRequest extends RefreshRecord {
  /** The caller, whose lock is released. */
  readonly owner: string
  /** ms after which the record expires. */
  readonly ttl: number
}

/** The parameters of {@link Refreshes.release}. */
export interface ReleaseRequest {
  /** The caller, whose lock is released. */
  readonly owner: string
  /** Why the refresh failed, if it did. For `ttl` ms, `acquire` returns the note instead of locking. */
  readonly failure?: { readonly note: string; readonly ttl: number } | undefined
}

/**
 * A store of records, one per login, shared by all processes of an app: `redisRefreshes(redis)`, `postgresRefreshes(pool)`,
 * or an implementation of your own. Each function is atomic. Names are up to 64 characters, `A`–`Z`, `a`–`z`, `0`–`9`, `-` and `_`.
 *
 * A function that fails rejects. A {@link RefreshStoreError} means that the store can't be used at all, and nothing was changed.
 * Any other error leaves open whether the change was made.
 */
export interface Refreshes {
  /** Reads the record of a login, if there is one. */
  read(name: string): Promise<RefreshRecord | undefined>
  /** Returns the record of a login if it is newer than the caller's generation. Otherwise, locks it, unless another owner holds the lock. */
  acquire(name: string, request: AcquireRequest): Promise<Acquired>
  /**
   * Stores a record, unless there is already another one of the same or a newer generation, and releases the owner's lock. Resolves
   * to whether the store now contains this record. Saving the same record again resolves to `true`, since a client may send a
   * command twice after losing its connection.
   */
  save(name: string, request: SaveRequest): Promise<boolean>
  /** Releases the owner's lock. Its series is remembered until it would have expired. Does nothing if another owner holds the lock. */
  release(name: string, request: ReleaseRequest): Promise<void>
}

/**
 * The store of the refresh records can't be used, and nothing was changed. `cause` is the store's own error.
 *
 * Thrown by a store that has never worked in this process: its client is not connected, the password is wrong, or permissions are
 * missing. A process whose token has expired then refreshes on its own. A store that other processes may still be using, as during
 * a failover or after a lost connection, must therefore throw an ordinary error.
 */
export class RefreshStoreError extends Error {
  override readonly name = 'RefreshStoreError'
  readonly code = 'ERR_TWILIO_REFRESH_STORE'
  /** Where this error is explained. */
  readonly help = helpFor('RefreshStoreError')
}

export function isRefreshes(value: unknown): value is Refreshes {
  return typeof value === 'object' && value !== null && ['read', 'acquire', 'save', 'release'].every((name) => name in value && typeof (value as Record<string, unknown>)[name] === 'function')
}
