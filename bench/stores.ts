import type { Store } from 'express-session'
import session from 'express-session'
import type { Refreshes } from 'passport-twilio'
import type { Package } from './package.ts'

/** Where an app keeps its sessions and, with passport-twilio, the records of its logins. */
export interface StoreSettings {
  readonly kind: 'memory' | 'redis' | 'redis cluster' | 'postgres'
  /** One for each node. */
  readonly urls: readonly string[]
}

export interface Stores {
  readonly sessions: Store
  /** In memory if missing. */
  readonly refreshes?: Refreshes
}

export const IN_MEMORY: StoreSettings = { kind: 'memory', urls: [] }

export async function openStores({ kind, urls }: StoreSettings, { redisRefreshes, postgresRefreshes }: Package): Promise<Stores> {
  const [url = ''] = urls
  switch (kind) {
    case 'memory':
      return { sessions: new session.MemoryStore() }
    case 'redis': {
      const [{ RedisStore }, { createClient }] = await Promise.all([import('connect-redis'), import('redis')])
      const client = await createClient({ url }).connect()
      return { sessions: new RedisStore({ client }), refreshes: redisRefreshes(client) }
    }
    case 'redis cluster': {
      const [{ RedisStore }, { createCluster }] = await Promise.all([import('connect-redis'), import('redis')])
      const client = await createCluster({ rootNodes: urls.map((node) => ({ url: node })) }).connect()
      return { sessions: new RedisStore({ client }), refreshes: redisRefreshes(client) }
    }
    case 'postgres': {
      const [{ default: pgSession }, { Pool }] = await Promise.all([import('connect-pg-simple'), import('pg')])
      const pool = new Pool({ connectionString: url }).on('error', ignore)
      return { sessions: new (pgSession(session))({ pool, createTableIfMissing: true, pruneSessionInterval: false }), refreshes: postgresRefreshes(pool, { createTableIfMissing: true }) }
    }
  }
}

/** At the end, the server may stop before the last connection is closed. */
export function ignore(): void {
  // Nothing to do.
}
