import pg from 'pg'
import { APP_SLUG } from './brand.ts'
import { ConfigError } from './config.ts'
import { log } from './log.ts'
import { inTime, type Redis } from './redis.ts'

export interface User {
  /**
   * The person's SID, if Twilio's tokens name the person. Otherwise the SID of their organization or account: then all of its
   * people are one user here.
   */
  id: string
  /** `undefined` if Twilio only returns SIDs. */
  displayName: string | undefined
  email: string | undefined
  accountSid: string | undefined
  organizationSid: string | undefined
}

/** The users could not be read or saved, so the app cannot tell who the visitor is. */
export class UserStoreError extends Error {
  readonly status = 503

  constructor(cause: unknown) {
    super('The users could not be read or saved. Check that PostgreSQL is running and can be reached at DATABASE_URL, or Redis at REDIS_URL.', { cause })
    this.name = 'UserStoreError'
  }
}

/** Where the users are kept. To use another database, write these three functions for it. */
export interface Users {
  find(id: string): Promise<User | undefined>
  /** Called at each login: adds the user, or updates what Twilio says about them. */
  save(user: User): Promise<void>
  close(): Promise<void>
}

/** Keeps the users in PostgreSQL. Without it, they are kept where the sessions are: in Redis, or in this process's memory. */
export function openUsers({ databaseURL, redis }: { databaseURL: string | undefined; redis: Redis | undefined }): Promise<Users> {
  if (databaseURL !== undefined) return postgresUsers(databaseURL)
  return Promise.resolve(redis ? redisUsers(redis) : memoryUsers())
}

// Quoted, since the name of your app may contain a hyphen.
const TABLE = pg.escapeIdentifier(`${APP_SLUG}_users`)
const CREATE = `
  CREATE TABLE IF NOT EXISTS ${TABLE} (
    id text PRIMARY KEY,
    display_name text,
    email text,
    account_sid text,
    organization_sid text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz NOT NULL DEFAULT now()
  )`
const FIND = `SELECT id, display_name, email, account_sid, organization_sid FROM ${TABLE} WHERE id = $1`
const SAVE = `
  INSERT INTO ${TABLE} (id, display_name, email, account_sid, organization_sid) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (id) DO UPDATE SET
    display_name = excluded.display_name, email = excluded.email, account_sid = excluded.account_sid,
    organization_sid = excluded.organization_sid, last_login_at = now()`

interface Row {
  id: string
  display_name: string | null
  email: string | null
  account_sid: string | null
  organization_sid: string | null
}

/** How long PostgreSQL may take to connect, or to reply to a query, in ms. */
const POSTGRES_TIMEOUT = 3000

async function postgresUsers(url: string): Promise<Users> {
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: POSTGRES_TIMEOUT, query_timeout: POSTGRES_TIMEOUT })
  pool.on('error', (error) => log.error({ err: error }, 'A connection to PostgreSQL was lost'))
  await pool.query(CREATE).catch((error: unknown) => {
    throw new ConfigError([`DATABASE_URL cannot be used (${reasonOf(error)}). Check that PostgreSQL is running and DATABASE_URL is right, or leave it out to keep users where the sessions are.`])
  })
  return {
    async find(id) {
      const { rows } = await pool.query<Row>(FIND, [id])
      return rows[0] && userOf(rows[0])
    },
    async save({ id, displayName, email, accountSid, organizationSid }) {
      await pool.query(SAVE, [id, displayName, email, accountSid, organizationSid])
    },
    close: () => pool.end()
  }
}

function userOf({ id, display_name, email, account_sid, organization_sid }: Row): User {
  return { id, displayName: display_name ?? undefined, email: email ?? undefined, accountSid: account_sid ?? undefined, organizationSid: organization_sid ?? undefined }
}

function redisUsers(redis: Redis): Users {
  const keyOf = (id: string) => `${APP_SLUG}:user:${id}`
  return {
    async find(id) {
      const json = await inTime(redis.get(keyOf(id)))
      return json === null ? undefined : (JSON.parse(json) as User)
    },
    async save(user) {
      await inTime(redis.set(keyOf(user.id), JSON.stringify(user)))
    },
    close: () => Promise.resolve()
  }
}

function memoryUsers(): Users {
  const users = new Map<string, User>()
  return {
    find: (id) => Promise.resolve(users.get(id)),
    save(user) {
      users.set(user.id, user)
      return Promise.resolve()
    },
    close: () => Promise.resolve()
  }
}

/** PostgreSQL's message, or Node's error code, such as ECONNREFUSED. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof pg.DatabaseError) return error.message
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
