import { setTimeout as pause } from 'node:timers/promises'
import { App } from './app.ts'
import { ProviderProcess } from './provider.ts'
import { percentile, ratios, spreadOf, type Spread } from './statistics.ts'
import type { Visitor } from './visitor.ts'

/** Guarded requests of a session whose valid token is being refreshed by a slow token endpoint, against the same requests without a refresh. */

/** ms until the token endpoint responds. */
const LATENCY = 1500
/** ms of each measurement, which ends before the token endpoint responds. */
const WINDOW = 1200
const CONCURRENT_REQUESTS = 8

export interface RefreshFigures {
  readonly tokenEndpointLatency: number
  /** Token requests per refresh. */
  readonly tokenRequests: readonly number[]
  /** ms until the response. */
  readonly p99WithoutRefresh: Spread
  readonly p99DuringRefresh: Spread
  readonly p99AgainstWithoutRefresh: Spread
}

export async function measureRefresh({ rounds }: { rounds: number }): Promise<RefreshFigures> {
  const provider = await ProviderProcess.start(LATENCY)
  const app = await App.start('refreshing', provider.provider)
  const visitor = await app.logIn()
  await p99Of(visitor)
  const [without, during, tokenRequests]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    without.push(await p99Of(visitor))
    const before = await provider.tokenRequests()
    await visitor.get('/make-stale', 'POST')
    during.push(await p99Of(visitor))
    // The refresh ends, and with it the round.
    await pause(2 * (LATENCY - WINDOW))
    tokenRequests.push((await provider.tokenRequests()) - before)
  }
  app.stop()
  provider.stop()
  return { tokenEndpointLatency: LATENCY, tokenRequests, p99WithoutRefresh: spreadOf(without), p99DuringRefresh: spreadOf(during), p99AgainstWithoutRefresh: ratios(during, without) }
}

async function p99Of(visitor: Visitor): Promise<number> {
  const end = performance.now() + WINDOW
  const times: number[] = []
  const visitUntilTheEnd = async () => {
    while (performance.now() < end) {
      const started = performance.now()
      await visitor.visit()
      times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, visitUntilTheEnd))
  return percentile(times, 0.99)
}
