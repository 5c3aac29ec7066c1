import { isObject } from '../../util/is-object'
import { optionError, refreshStoreFailure } from '../../errors'
import { explainPostgresError } from './postgres-errors'
import { createTable, parseTableName, statementsFor, type Statements } from './postgres-statements'
import type { Acquired, AcquireRequest, Refreshes, RefreshRecord, ReleaseRequest, SaveRequest } from './refresh-store'
import { StoreCalls } from './store-calls'

/** The part of a `Pool` of `pg` that is used. */
export interface PostgresPool {
  /** Runs a statement with parameters, and resolves to its rows. */
  query(text: string, values?: unknown[]): Promise<PostgresResult>
}

/** The part of a result of `pg` that is used. */
export interface PostgresResult {
  /** One per row. */
  readonly rows: readonly unknown[]
}

/** Options for {@link postgresRefreshes}. */
export interface PostgresRefreshesOptions {
  /** Creates the table on first use if it doesn't exist. Default: `false`. */
  readonly createTableIfMissing?: boolean | undefined
  /** The name of the table, optionally with a schema, such as `auth.twilio_logins`. Case-sensitive. Default: `twilio_logins`. */
  readonly tableName?: string | undefined
}

/** Interval at which expired rows are removed, in ms. */
const CLEAN_UP_INTERVAL = 15 * 60_000

/**
 * Keeps the refresh records in PostgreSQL 9.5 or later, through a `Pool` of `pg`. All times are measured by the database's clock.
 *
 * @throws {TypeError} if `pool` is not such a pool, or `tableName` is not a valid table name
 */
export function postgresRefreshes(pool: PostgresPool, options: PostgresRefreshesOptions = {}): Refreshes {
  if (!isObject(pool) || typeof pool.query !== 'function') throw optionError("postgresRefreshes needs a Pool of pg: postgresRefreshes(new Pool({ connectionString })).")
  return new PostgresRefreshes(pool, options)
}

class PostgresRefreshes implements Refreshes {
  readonly #pool: PostgresPool
  readonly #table: string
  readonly #statements: Statements
  readonly #createTableIfMissing: boolean
  readonly #calls: StoreCalls
  #prepared: Promise<void> | undefined
  #cleanedUpAt = 0

  constructor(pool: PostgresPool, { createTableIfMissing = false, tableName = 'twilio_logins' }: PostgresRefreshesOptions) {
    this.#pool = pool
    this.#table = parseTableName(tableName)
    this.#statements = statementsFor(this.#table)
    this.#createTableIfMissing = createTableIfMissing
    this.#calls = new StoreCalls((error) => explainPostgresError(error, this.#table))
  }

  read(name: string): Promise<RefreshRecord | undefined> {
    return this.#run(async () => {
      const { record } = parseState(await this.#query(this.#statements.read, [name]))
      return record
    })
  }

  acquire(name: string, { generation, owner, ttl }: AcquireRequest): Promise<Acquired> {
    return this.#run(async () => {
      for (;;) {
        const locked = await this.#query(this.#statements.acquire, [name, generation, owner, ttl])
        if (locked) return { outcome: 'locked', series: String(locked.lock_series) }
        const { record, failure, series, busyFor } = parseState(await this.#query(this.#statements.read, [name]))
        if (record && record.generation > generation) return { outcome: 'recorded', ...record }
        if (failure !== undefined) return { outcome: 'failed', failure }
        if (busyFor !== undefined) return { outcome: 'busy', series, expiresIn: busyFor }
        // The newer record or the other lock has expired or been released between the two statements, so try again.
      }
    })
  }

  save(name: string, { generation, value, owner, ttl }: SaveRequest): Promise<boolean> {
    return this.#run(async () => {
      const row = await this.#query(this.#statements.save, [name, generation, value, owner, ttl])
      if (typeof row?.is_saved !== 'boolean') throw unexpected('is_saved')
      return row.is_saved
    })
  }

  async release(name: string, { owner, failure }: ReleaseRequest): Promise<void> {
    await this.#run(() => this.#query(this.#statements.release, [name, owner, failure?.note, failure?.ttl]))
  }

  async #run<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = await this.#calls.run(async () => {
      await this.#prepare()
      return call()
    })
    this.#cleanUpSometimes()
    return result
  }

  /** On first use, creates the table if configured, and removes expired rows, which reveals a missing permission early. */
  async #prepare(): Promise<void> {
    this.#prepared ??= this.#prepareTable()
    try {
      await this.#prepared
    } catch (error) {
      this.#prepared = undefined
      throw error
    }
  }

  async #prepareTable(): Promise<void> {
    if (this.#createTableIfMissing) {
      const row = await this.#query('SELECT to_regclass($1) IS NULL AS is_missing', [this.#table])
      if (row?.is_missing === true) await this.#pool.query(createTable(this.#table))
    }
    await this.#cleanUp()
  }

  async #cleanUp(): Promise<void> {
    this.#cleanedUpAt = performance.now()
    await this.#query(this.#statements.removeExpired, [])
  }

  #cleanUpSometimes(): void {
    if (performance.now() - this.#cleanedUpAt < CLEAN_UP_INTERVAL) return
    // Expired rows are ignored until a later clean-up succeeds.
    this.#cleanUp().catch(() => undefined)
  }

  /** Runs a statement and returns the first row. */
  async #query(statement: string, values: unknown[]): Promise<Record<string, unknown> | undefined> {
    const [row] = (await this.#pool.query(statement, values)).rows
    if (row !== undefined && !isObject(row)) throw unexpected('rows')
    return row
  }
}

interface State {
  readonly record?: RefreshRecord | undefined
  readonly failure?: string | undefined
  readonly series: string
  /** ms for which another owner still holds the lock. */
  readonly busyFor?: number | undefined
}

/** By default, `pg` returns a bigint as a string, but an app can configure its own type parser. */
function parseState(row: Record<string, unknown> | undefined): State {
  if (!row) return { series: '' }
  const { has_record: hasRecord, generation, value, failure, lock_series: series, busy_for: busyFor } = row
  if (hasRecord === true && (!Number.isSafeInteger(Number(generation)) || typeof value !== 'string')) throw unexpected('generation and value')
  return {
    record: hasRecord === true ? { generation: Number(generation), value: String(value) } : undefined,
    failure: typeof failure === 'string' ? failure : undefined,
    series: String(series),
    busyFor: busyFor === null || busyFor === undefined ? undefined : Math.max(1, Number(busyFor))
  }
}

function unexpected(columns: string): Error {
  return refreshStoreFailure(`PostgreSQL replied without ${columns} of a login's record. Is the pool one of pg?`)
}
