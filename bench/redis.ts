import { createClient } from 'redis'
import { RedisServer } from '../test/support/redis.ts'
import { App } from './app.ts'
import type { Provider } from './provider.ts'
import { Visitor } from './visitor.ts'

/** What logins, guarded requests and refreshes ask of a Redis that holds the sessions, tokens encrypted. */

const TIMES = 200

export interface RedisFigures {
  /** Commands for each, by name. */
  readonly commands: Readonly<Record<'abandoned login' | 'login' | 'guarded request' | 'refresh', Readonly<Record<string, number>>>>
  /** Bytes that Redis holds for each, by its own account. */
  readonly bytes: Readonly<Record<'pending login' | 'logged-in session' | 'refresh record', number>>
}

export async function measureRedis(provider: Provider): Promise<RedisFigures | 'not measured: there is no redis-server'> {
  const redis = await RedisServer.startIfThere()
  if (!redis) return 'not measured: there is no redis-server'
  const client = await createClient({ url: redis.url }).connect()
  const app = await App.start('with Redis', provider, redis.url)

  async function commandsOf(work: (index: number) => Promise<unknown>): Promise<Record<string, number>> {
    await client.configResetStat()
    await app.measure(TIMES, work)
    return countsIn(await client.info('commandstats'))
  }
  async function bytesOf(pattern: string): Promise<number> {
    const sizes: number[] = []
    for await (const keys of client.scanIterator({ MATCH: pattern })) {
      for (const key of keys) sizes.push((await client.memoryUsage(key)) ?? 0)
    }
    return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length)
  }

  const visitors: Visitor[] = []
  const abandoned = await commandsOf(() => new Visitor(app.url).get(app.loginPath))
  const pendingLogin = await bytesOf('sess:*')
  await client.flushAll()
  const login = await commandsOf(async () => visitors.push(await app.logIn()))
  const session = await bytesOf('sess:*')
  const guarded = await commandsOf(async (index) => visitors[index]?.visit())
  await app.measure(TIMES, async (index) => visitors[index]?.get('/expire', 'POST'))
  const refresh = await commandsOf(async (index) => visitors[index]?.visit())
  const record = await bytesOf('twilio:refresh:*')

  app.stop()
  client.destroy()
  await redis.remove()
  return {
    commands: { 'abandoned login': abandoned, login, 'guarded request': guarded, refresh },
    bytes: { 'pending login': pendingLogin, 'logged-in session': session, 'refresh record': record }
  }
}

/** `cmdstat_get:calls=12,…` */
function countsIn(commandstats: string): Record<string, number> {
  const lines = [...commandstats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
  return Object.fromEntries(lines.filter(([, name]) => name !== 'info' && name !== 'config|resetstat').map(([, name = '', calls]) => [name, Number(calls) / TIMES]))
}
