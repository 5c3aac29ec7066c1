import { optionError } from '../../errors'
/** A row contains the record of a login, a lock, or both. Each has its own expiry, and the row can be removed after the later one. */
const COLUMNS = `
  name text PRIMARY KEY,
  generation bigint,
  value text,
  record_until timestamptz,
  lock_owner text,
  failure text,
  lock_until timestamptz,
  lock_series text`

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$]{0,62}$/

/**
 * The name of a table as a quoted SQL identifier.
 *
 * @throws {TypeError} if it is not a valid name
 */
export function parseTableName(tableName: unknown): string {
  const parts = typeof tableName === 'string' ? tableName.split('.') : []
  if (parts.length < 1 || parts.length > 2 || !parts.every((part) => IDENTIFIER.test(part))) {
    throw optionError("tableName must be the name of a table, such as 'twilio_logins' or 'auth.twilio_logins', of letters, digits, _ and $.")
  }
  return parts.map((part) => `"${part}"`).join('.')
}

/** The SQL that an administrator runs if the app may not create tables. */
export function tableDefinition(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (${COLUMNS}\n);`
}

/** The key of the advisory lock: an arbitrary number, the same in all processes. */
const CREATION_LOCK = 8_945_466_547

/**
 * Creates the table even if other processes are doing the same, in which case `IF NOT EXISTS` alone can fail. The statements are
 * sent together, so they form one transaction, and the lock is released when it ends.
 */
export function createTable(table: string): string {
  return `SELECT pg_advisory_xact_lock(${CREATION_LOCK}); ${tableDefinition(table)}`
}

export interface Statements {
  readonly read: string
  readonly acquire: string
  readonly save: string
  readonly release: string
  readonly removeExpired: string
}

/**
 * Each statement is atomic and sees the newest row: `ON CONFLICT` and `UPDATE` wait for a concurrent change to it. Unlike `now()`,
 * `clock_timestamp()` advances during this wait.
 *
 * A lock that is held has a `lock_owner`, and a failed refresh has a `failure`. A released lock has neither, and remains until it
 * would have expired.
 */
export function statementsFor(table: string): Statements {
  return {
    read: `
SELECT record_until > clock_timestamp() AS has_record, generation, value,
  CASE WHEN lock_until > clock_timestamp() THEN failure END AS failure, lock_series,
  CASE WHEN lock_until > clock_timestamp() AND lock_owner IS NOT NULL THEN (extract(epoch FROM lock_until - clock_timestamp()) * 1000)::float8 END AS busy_for
FROM ${table} WHERE name = $1`,

    // $1 name, $2 generation, $3 owner, $4 ttl
    acquire: `
INSERT INTO ${table} AS kept (name, lock_owner, lock_until, lock_series) VALUES ($1, $3::text, ${after('$4')}, $3)
ON CONFLICT (name) DO UPDATE SET
  lock_owner = excluded.lock_owner, failure = NULL, lock_until = ${after('$4')},
  lock_series = CASE WHEN kept.lock_until > clock_timestamp() THEN kept.lock_series ELSE excluded.lock_series END
WHERE NOT coalesce(kept.record_until > clock_timestamp() AND kept.generation > $2::bigint, false)
  AND NOT coalesce(kept.lock_until > clock_timestamp() AND (kept.failure IS NOT NULL OR kept.lock_owner <> $3), false)
RETURNING lock_series`,

    // $1 name, $2 generation, $3 value, $4 owner, $5 ttl
    save: `
INSERT INTO ${table} AS kept (name, generation, value, record_until) VALUES ($1, $2::bigint, $3::text, ${after('$5')})
ON CONFLICT (name) DO UPDATE SET
  generation = CASE WHEN ${isNewer('$2')} THEN excluded.generation ELSE kept.generation END,
  value = CASE WHEN ${isNewer('$2')} THEN excluded.value ELSE kept.value END,
  record_until = CASE WHEN ${isNewer('$2')} THEN ${after('$5')} ELSE kept.record_until END,
  lock_until = CASE WHEN kept.lock_owner = $4::text THEN NULL ELSE kept.lock_until END,
  lock_owner = CASE WHEN kept.lock_owner = $4 THEN NULL ELSE kept.lock_owner END
RETURNING generation = $2 AND value = $3 AS is_saved`,

    // $1 name, $2 owner, $3 note of a failure or null, $4 its ttl or null
    release: `
UPDATE ${table} SET lock_owner = NULL, failure = $3::text, lock_until = CASE WHEN $3 IS NULL THEN lock_until ELSE ${after('$4')} END
WHERE name = $1 AND lock_owner = $2::text AND lock_until > clock_timestamp()`,

    removeExpired: `
DELETE FROM ${table}
WHERE coalesce(record_until, '-infinity') < clock_timestamp() AND coalesce(lock_until, '-infinity') < clock_timestamp()`
  }
}

function after(ms: string): string {
  return `clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`
}

function isNewer(generation: string): string {
  return `kept.record_until IS NULL OR kept.record_until <= clock_timestamp() OR kept.generation < ${generation}`
}
