import { App } from './app.ts'
import { ProviderProcess } from './provider.ts'
import { percentile, spreadOf, type Spread } from './statistics.ts'
import type { Visitor } from './visitor.ts'

/** 1,000 requests at once on one expired session. */

const REQUESTS = 1000
/** ms that the token endpoint takes. */
const LATENCY = 100

export interface StormFigures {
  /** Token requests of each storm. */
  readonly tokenRequests: readonly number[]
  /** ms until a request was answered. */
  readonly p50: Spread
  readonly p99: Spread
  /** The same 1,000 requests with a live token, in ms until a request was answered. */
  readonly p99WithLiveToken: Spread
  readonly tokenEndpointLatency: number
  /** p99 against 1.5 times the token endpoint's own time and what the requests cost with a live token. */
  readonly p99AgainstBound: Spread
}

export async function measureStorm({ rounds }: { rounds: number }): Promise<StormFigures> {
  const provider = await ProviderProcess.start(LATENCY)
  const app = await App.start('requireLogin() and fresh()', provider.provider)
  const visitor = await app.logIn()
  await storm(visitor)
  const tokenRequests: number[] = []
  const [p50, p99, live, bound]: number[][] = [[], [], [], []]
  for (let round = 0; round < rounds; round++) {
    const alive = await storm(visitor)
    await visitor.get('/expire', 'POST')
    const before = await provider.tokenRequests()
    const waited = await storm(visitor)
    tokenRequests.push((await provider.tokenRequests()) - before)
    p50?.push(percentile(waited, 0.5))
    p99?.push(percentile(waited, 0.99))
    live?.push(percentile(alive, 0.99))
    bound?.push(percentile(waited, 0.99) / (1.5 * LATENCY + percentile(alive, 0.99)))
  }
  app.stop()
  provider.stop()
  return {
    tokenRequests,
    p50: spreadOf(p50 ?? []),
    p99: spreadOf(p99 ?? []),
    p99WithLiveToken: spreadOf(live ?? []),
    tokenEndpointLatency: LATENCY,
    p99AgainstBound: spreadOf(bound ?? [])
  }
}

/** How long each of the requests waited, in ms. */
function storm(visitor: Visitor): Promise<number[]> {
  return Promise.all(
    Array.from({ length: REQUESTS }, async () => {
      const began = performance.now()
      await visitor.visit()
      return performance.now() - began
    })
  )
}
