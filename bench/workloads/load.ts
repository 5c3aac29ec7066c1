import { createClient } from 'redis'
import { Pool } from 'pg'
import { PostgresServer } from '../../test/support/postgres.ts'
import { RedisServer } from '../../test/support/redis.ts'
import { App } from '../app.ts'
import { logInWithExpiredTokens } from '../expired-tokens.ts'
import { Provider } from '../provider.ts'
import { ignore } from '../stores.ts'
import { Visitor } from '../visitor.ts'

/** What an app in production needs, with encrypted tokens and its sessions and records in a store: CPU, and bytes in the store. */

export interface LoadSizes {
  readonly warmUp: number
  /** How often each operation but the login is repeated; less than {@link LOGINS}. */
  readonly times: number
}

export interface LoadFigures {
  /** µs of CPU in the app's process, with Redis. */
  readonly cpu: Readonly<Record<'login redirect' | 'login' | 'guarded request' | 'refresh', number>>
  readonly bytes: Readonly<Record<'Redis' | 'PostgreSQL', Bytes>>
}

/** Bytes in the store. */
export interface Bytes {
  /** The session of somebody who has begun a login. */
  readonly pendingLogin: number
  readonly session: number
  readonly record: number
}

/** More than SessionTokens keeps decrypted in memory, so that each guarded request decrypts its tokens, as with many people. */
const LOGINS = 1_100

export async function measureLoad({ warmUp, times }: LoadSizes): Promise<LoadFigures> {
  const provider = await Provider.start()
  const redis = await measureRedis(provider, warmUp, times)
  const postgres = await measurePostgres(provider)
  await provider.stop()
  return { cpu: redis.cpu, bytes: { Redis: redis.bytes, PostgreSQL: postgres } }
}

async function measureRedis(provider: Provider, warmUp: number, times: number): Promise<{ cpu: LoadFigures['cpu']; bytes: Bytes }> {
  const redis = await RedisServer.start()
  const client = await createClient({ url: redis.url }).connect()
  const bytesOf = async (pattern: string) => {
    const sizes: number[] = []
    for await (const keys of client.scanIterator({ MATCH: pattern })) {
      for (const key of keys) sizes.push((await client.memoryUsage(key)) ?? 0)
    }
    return average(sizes)
  }
  const app = await App.start('encrypted', { issuer: provider.issuer, stores: { kind: 'redis', urls: [redis.url] } })
  await app.cpuOf(warmUp, async () => (await app.logIn()).visit())
  await client.flushAll()
  const redirect = await app.cpuOf(times, () => app.beginLogin(new Visitor(app.url)))
  const pendingLogin = await bytesOf('sess:*')
  await client.flushAll()

  const visitors: Visitor[] = []
  const login = await app.cpuOf(LOGINS, async () => visitors.push(await app.logIn()))
  const session = await bytesOf('sess:*')
  const guarded = await app.cpuOf(times, async (index) => visitors[index]?.visit())
  const expired = await logInWithExpiredTokens(app, provider, times)
  const refresh = await app.cpuOf(times, async (index) => expired[index]?.visit())
  const record = await bytesOf('twilio:login:*:record')

  await app.stop()
  client.destroy()
  await redis.remove()
  return { cpu: { 'login redirect': redirect, login, 'guarded request': guarded, refresh }, bytes: { pendingLogin, session, record } }
}

async function measurePostgres(provider: Provider): Promise<Bytes> {
  const postgres = await PostgresServer.startIfThere()
  if (!postgres) throw new Error('There is no PostgreSQL server on this machine (Debian: apt-get install postgresql).')
  const pool = new Pool({ connectionString: postgres.url }).on('error', ignore)
  const bytesOf = async (table: string) => {
    const { rows } = await pool.query<{ bytes: string }>(`SELECT avg(pg_column_size(t.*)) AS bytes FROM ${table} t`)
    return Math.round(Number(rows[0]?.bytes))
  }
  const app = await App.start('encrypted', { issuer: provider.issuer, stores: { kind: 'postgres', urls: [postgres.url] } })
  for (let login = 0; login < 20; login++) await app.beginLogin(new Visitor(app.url))
  const pendingLogin = await bytesOf('session')
  await pool.query('DELETE FROM session')
  for (const visitor of await logInWithExpiredTokens(app, provider, 20)) await visitor.visit()
  const [session, record] = [await bytesOf('session'), await bytesOf('twilio_logins')]
  await app.stop()
  await pool.end()
  await postgres.remove()
  return { pendingLogin, session, record }
}

function average(sizes: readonly number[]): number {
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length)
}
