import { RedisServer } from '../test/support/redis.ts'
import { App } from './app.ts'
import { ProviderProcess } from './provider.ts'
import { percentile, spreadOf, type Spread } from './statistics.ts'
import type { Visitor } from './visitor.ts'

/** 1,000 simultaneous requests with one expired session, to a single process and to four that share a Redis. */

const REQUESTS = 1000
/** ms until the token endpoint responds. */
const LATENCY = 100

export interface StormFigures {
  readonly tokenEndpointLatency: number
  /** Four processes are only measured if redis-server is installed. */
  readonly processes: Readonly<Record<string, ProcessesFigures>>
}

interface ProcessesFigures {
  /** Token requests per storm. */
  readonly tokenRequests: readonly number[]
  /** ms until the response. */
  readonly p50: Spread
  readonly p99: Spread
  /** The same 1,000 requests with a valid token, in ms until the response. */
  readonly p99WithLiveToken: Spread
  /** p99 relative to a bound: 1.5 times the latency of the token endpoint, plus p99 with a valid token. */
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
    const withValidToken = await storm(visitor, pages)
    await visitor.get(`${first.url}/expire`, 'POST')
    const before = await provider.tokenRequests()
    const withRefresh = await storm(visitor, pages)
    tokenRequests.push((await provider.tokenRequests()) - before)
    p50.push(percentile(withRefresh, 0.5))
    p99.push(percentile(withRefresh, 0.99))
    live.push(percentile(withValidToken, 0.99))
    bound.push(percentile(withRefresh, 0.99) / (1.5 * LATENCY + percentile(withValidToken, 0.99)))
  }
  for (const app of apps) app.stop()
  return { tokenRequests, p50: spreadOf(p50), p99: spreadOf(p99), p99WithLiveToken: spreadOf(live), p99AgainstBound: spreadOf(bound) }
}

/** Sends all requests at once. Returns the ms until the response to each of them. */
function storm(visitor: Visitor, pages: readonly string[]): Promise<number[]> {
  return Promise.all(
    Array.from({ length: REQUESTS }, async (_, index) => {
      const started = performance.now()
      await visitor.visit(pages[index % pages.length])
      return performance.now() - started
    })
  )
}
