import { isObject } from '../../util/is-object'
import { tableDefinition } from './postgres-statements'
import { asSentence, messageOf } from '../../util/message-of'
import type { StoreFailure } from './store-calls'

/** Node's error codes for a connection that could not be established. */
const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT', 'EACCES']

/**
 * Advice about PostgreSQL errors that persist until somebody fixes the cause, by the prefix of their SQLSTATE.
 *
 * Each statement is its own transaction, so any of these errors means that nothing was changed.
 */
const ADVICE: readonly (readonly [code: string, advice: (table: string) => string])[] = [
  ['42P01', missingTable],
  ['3F000', missingTable],
  ['42501', (table) => `Grant the pool's user SELECT, INSERT, UPDATE and DELETE on ${table}, and USAGE on its schema; with createTableIfMissing, CREATE as well.`],
  ['25006', () => 'This server is a read-only replica, or the session is read-only. Connect to the primary.'],
  ['28', () => "Check the pool's user name and password."],
  ['3D000', () => "Check the pool's database."],
  ['08004', () => "Check the server's pg_hba.conf."],
  // Syntax errors and missing columns.
  ['42', (table) => `Does ${table} belong to something else? Choose another name: postgresRefreshes(pool, { tableName }).`]
]

/**
 * Explains an error of a pool.
 *
 * Errors without advice are not lasting. They occur during a failover or restart, while another process may hold the lock (57P01 to
 * 57P03, 53300), or leave open whether the statement was committed (a lost connection, 08006, 08007, 40003, a timeout).
 */
export function explainPostgresError(error: unknown, table: string): StoreFailure {
  const code = isObject(error) && typeof error.code === 'string' ? error.code : ''
  const message = `PostgreSQL failed: ${asSentence(messageOf(error))}`
  const [, advise] = ADVICE.find(([start]) => code.startsWith(start)) ?? []
  if (advise) return { message: `${message} ${advise(table)}`, isLasting: true }
  if (UNREACHABLE.includes(code)) return { message: `${message} Check the pool's host and port.`, isLasting: true }
  if (message.includes('after calling end on the pool')) return { message: `${message} End the pool after the last request.`, isLasting: true }
  return { message, isLasting: false }
}

function missingTable(table: string): string {
  return `Create the table, with postgresRefreshes(pool, { createTableIfMissing: true }) or this SQL: ${tableDefinition(table)}`
}
