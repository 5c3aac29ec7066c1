import { RedisServer } from '../test/support/redis.ts'
import { App } from './app.ts'
import { ProviderProcess } from './provider.ts'
import { percentile, spreadOf, type Spread } from './statistics.ts'
import type { Visitor } from './visitor.ts'

/** 1,000 requests at once on one expired session: to one process, and to four that share a Redis. */

const REQUESTS = 1000
/** ms that the token endpoint takes. */
const LATENCY = 100

export interface StormFigures {
  readonly tokenEndpointLatency: number
  /** Four processes only where there is a redis-server. */
  readonly processes: Readonly<Record<string, ProcessesFigures>>
}

interface ProcessesFigures {
  /** Token requests of each storm. */
  readonly tokenRequests: readonly number[]
  /** ms until a request was answered. */
  readonly p50: Spread
  readonly p99: Spread
  /** The same 1,000 requests with a live token, in ms until a request was answered. */
  readonly p99WithLiveToken: Spread
  /** p99 against 1.5 times the token endpoint's own time and what the requests cost with a live token. */
  readonly p99AgainstBound: Spread
}

export async function measureStorm({ rounds }: { rounds: number }): Promise<StormFigures> {
  const provider = await ProviderProcess.start(LATENCY)
  const redis = await RedisServer.startIfThere()
  const processes: Record<string, ProcessesFigures> = {
    'one process': await measureProcesses(provider, [await App.start('refreshing', provider.provider)], rounds)
  }
  if (redis) processes['four processes with Redis'] = await measureProcesses(provider, await startFour(provider, redis), rounds)
  provider.stop()
  await redis?.remove()
  return { tokenEndpointLatency: LATENCY, processes }
}

function startFour(provider: ProviderProcess, redis: RedisServer): Promise<App[]> {
  return Promise.all(Array.from({ length: 4 }, () => App.start('with Redis', provider.provider, redis.url)))
}

async function measureProcesses(provider: ProviderProcess, apps: readonly App[], rounds: number): Promise<ProcessesFigures> {
  const [first] = apps
  if (!first) throw new Error('There is no app to measure.')
  const visitor = await first.logIn()
  const pages = apps.map(({ url }) => `${url}/account`)
  for (let round = 0; round < 3; round++) await storm(visitor, pages)
  const tokenRequests: number[] = []
  const [p50, p99, live, bound]: [number[], number[], number[], number[]] = [[], [], [], []]
  for (let round = 0; round < rounds; round++) {
    const alive = await storm(visitor, pages)
    await visitor.get(`${first.url}/expire`, 'POST')
    const before = await provider.tokenRequests()
    const waited = await storm(visitor, pages)
    tokenRequests.push((await provider.tokenRequests()) - before)
    p50.push(percentile(waited, 0.5))
    p99.push(percentile(waited, 0.99))
    live.push(percentile(alive, 0.99))
    bound.push(percentile(waited, 0.99) / (1.5 * LATENCY + percentile(alive, 0.99)))
  }
  for (const app of apps) app.stop()
  return { tokenRequests, p50: spreadOf(p50), p99: spreadOf(p99), p99WithLiveToken: spreadOf(live), p99AgainstBound: spreadOf(bound) }
}

/** How long each of the requests waited, in ms. */
function storm(visitor: Visitor, pages: readonly string[]): Promise<number[]> {
  return Promise.all(
    Array.from({ length: REQUESTS }, async (_, index) => {
      const began = performance.now()
      await visitor.visit(pages[index % pages.length])
      return performance.now() - began
    })
  )
}
