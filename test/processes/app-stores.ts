import { setTimeout as pause } from 'node:timers/promises'
import pgSession from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import session, { type SessionData, type Store } from 'express-session'
import { Cluster, Redis } from 'ioredis'
import { Pool } from 'pg'
import { createClient, createCluster, createSentinel } from 'redis'
import { postgresRefreshes, redisRefreshes, type Refreshes } from '../../lib'
import type { AppSettings } from './app-process'

/** The stores of an app in these tests. */

type Done = (error?: unknown) => void
type Got = (error: unknown, session?: SessionData | null) => void

const ignore = () => undefined

/** A store that survives restarts of Redis: it retries loading a session, and ignores a failed touch. */
class PatientStore extends RedisStore {
  /** After a failed touch, express-session would destroy the connection on which the response has been sent. */
  override async touch(id: string, data: SessionData, touched?: () => void): Promise<void> {
    await super.touch(id, data).catch(ignore)
    touched?.()
  }

  override async get(id: string, got?: Got): Promise<SessionData | null> {
    for (let tries = 100; ; tries--) {
      try {
        const data = (await super.get(id)) as SessionData | null
        got?.(null, data)
        return data
      } catch (error) {
        if (tries === 0) throw error
        await pause(100)
      }
    }
  }
}

/** A store whose writes are slow, and which reports a missing session with ENOENT, as file stores do. */
class SlowStore extends session.MemoryStore {
  override get(id: string, got: Got): void {
    super.get(id, (error: unknown, data) => {
      if (error || data) got(error, data)
      else got(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
    })
  }

  override set(id: string, data: SessionData, done?: Done): void {
    setTimeout(() => super.set(id, data, done), 300)
  }
}

export async function sessionStoreOf({ sessions }: AppSettings): Promise<Store | undefined> {
  if (!sessions) return undefined
  if (sessions.kind === 'slow') return new SlowStore()
  if (sessions.kind === 'redis') return new PatientStore({ client: await createClient({ url: sessions.url, socket: { reconnectStrategy: 50 } }).on('error', ignore).connect() })
  const store = new (pgSession(session))({ pool: poolOf(sessions.url), createTableIfMissing: true, pruneSessionInterval: false })
  // The store creates its table on first use, which fails if another process is doing the same.
  await new Promise<void>((resolve) => store.get('nobody', () => resolve()))
  return store
}

export async function refreshesOf({ refreshes, stall }: AppSettings): Promise<Refreshes | undefined> {
  if (!refreshes) return undefined
  const store = await connect(refreshes)
  return stall ? stalling(store, stall) : store
}

async function connect({ kind, urls }: NonNullable<AppSettings['refreshes']>): Promise<Refreshes> {
  const [url = ''] = urls
  const hosts = urls.map((each) => new URL(each)).map(({ hostname, port }) => ({ host: hostname, port: Number(port) }))
  switch (kind) {
    case 'redis':
      return redisRefreshes(await createClient({ url, socket: { reconnectStrategy: 50 } }).on('error', ignore).connect())
    case 'ioredis':
      return redisRefreshes(new Redis(url).on('error', ignore))
    case 'redis cluster':
      return redisRefreshes(await createCluster({ rootNodes: urls.map((each) => ({ url: each })) }).on('error', ignore).connect())
    case 'ioredis cluster':
      return redisRefreshes(new Cluster(hosts).on('error', ignore))
    case 'redis sentinel':
      return redisRefreshes(await createSentinel({ name: 'main', sentinelRootNodes: hosts }).on('error', ignore).connect())
    case 'ioredis sentinel':
      return redisRefreshes(new Redis({ sentinels: hosts, name: 'main' }).on('error', ignore))
    case 'postgres':
      return postgresRefreshes(poolOf(url), { createTableIfMissing: true })
  }
}

function poolOf(url: string): Pool {
  return new Pool({ connectionString: url }).on('error', ignore)
}

function stalling(store: Refreshes, { ms, isSent }: NonNullable<AppSettings['stall']>): Refreshes {
  let stalls = 1
  return {
    read: (name) => store.read(name),
    save: (name, request) => store.save(name, request),
    release: (name, request) => store.release(name, request),
    acquire: (name, request) => {
      const acquired = store.acquire(name, request)
      if (stalls-- > 0) {
        if (isSent) setTimeout(standStill, 2, ms)
        else queueMicrotask(() => standStill(ms))
      }
      return acquired
    }
  }
}

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
