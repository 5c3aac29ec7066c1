import { createClient } from 'redis'
import { RedisServer } from '../test/support/redis.ts'
import { App } from './app.ts'
import type { Provider } from './provider.ts'
import { Visitor } from './visitor.ts'

/** The load on Redis of logins, guarded requests and refreshes, with encrypted tokens. */

const TIMES = 1000
const WARM_UP = 3000

interface Work {
  /** How often each command is sent per task, by name. */
  readonly commands: Readonly<Record<string, number>>
  /** µs of CPU in the app's process. */
  readonly cpu: number
}

export interface RedisFigures {
  readonly work: Readonly<Record<'abandoned login' | 'login' | 'guarded request' | 'refresh', Work>>
  /** Bytes of memory for each, as reported by Redis. */
  readonly bytes: Readonly<Record<'pending login' | 'logged-in session' | 'refresh record', number>>
}

export async function measureRedis(provider: Provider): Promise<RedisFigures | 'not measured: there is no redis-server'> {
  const redis = await RedisServer.startIfThere()
  if (!redis) return 'not measured: there is no redis-server'
  const client = await createClient({ url: redis.url }).connect()
  const app = await App.start('with Redis', provider, redis.url)

  async function workOf(work: (index: number) => Promise<unknown>): Promise<Work> {
    await client.configResetStat()
    const { cpu } = await app.measure(TIMES, work)
    return { commands: countsIn(await client.info('commandstats')), cpu }
  }
  async function bytesOf(pattern: string): Promise<number> {
    const sizes: number[] = []
    for await (const keys of client.scanIterator({ MATCH: pattern })) {
      for (const key of keys) sizes.push((await client.memoryUsage(key)) ?? 0)
    }
    return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length)
  }

  for (let login = 0; login < WARM_UP; login++) await (await app.logIn()).visit()
  await client.flushAll()
  const visitors: Visitor[] = []
  const abandoned = await workOf(() => new Visitor(app.url).get(app.loginPath))
  const pendingLogin = await bytesOf('sess:*')
  await client.flushAll()
  const login = await workOf(async () => visitors.push(await app.logIn()))
  const session = await bytesOf('sess:*')
  const guarded = await workOf(async (index) => visitors[index]?.visit())
  await app.measure(TIMES, async (index) => visitors[index]?.get('/expire', 'POST'))
  const refresh = await workOf(async (index) => visitors[index]?.visit())
  const record = await bytesOf('twilio:refresh:*')

  app.stop()
  client.destroy()
  await redis.remove()
  return {
    work: { 'abandoned login': abandoned, login, 'guarded request': guarded, refresh },
    bytes: { 'pending login': pendingLogin, 'logged-in session': session, 'refresh record': record }
  }
}

/** Parses lines such as `cmdstat_get:calls=12,…`. */
function countsIn(commandstats: string): Record<string, number> {
  const lines = [...commandstats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
  return Object.fromEntries(lines.filter(([, name]) => name !== 'info' && name !== 'config|resetstat').map(([, name = '', calls]) => [name, Number(calls) / TIMES]))
}
