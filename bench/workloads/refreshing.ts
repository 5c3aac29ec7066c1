import { App } from '../app.ts'
import { Provider } from '../provider.ts'
import { inGenerations, inRounds } from '../rounds.ts'
import { percentile, ratioOf, spreadOf, type Ratio, type Spread } from '../statistics.ts'
import type { Visitor } from '../visitor.ts'

/** Whether a guarded request takes longer while its access token, which is still valid, is being refreshed. */

export interface RefreshingSizes {
  readonly generations: number
  readonly rounds: number
  /** ms of each measurement. */
  readonly duration: number
}

export interface RefreshingFigures {
  /** ms until the token endpoint responds. */
  readonly tokenEndpointLatency: number
  /** Refreshes per second during the measurement. */
  readonly refreshesPerSecond: number
  readonly p50: Comparison
  readonly p99: Comparison
}

/** ms until the response. */
interface Comparison {
  readonly withoutRefresh: Spread
  readonly duringRefresh: Spread
  readonly ratio: Ratio
}

const LATENCY = 300
/** Rounds. */
const WARM_UP = 2
/** Requests at a time. */
const CONCURRENT = 4
const PAGES = { without: '/guarded/fresh', during: '/guarded/refreshing' } as const
type Name = keyof typeof PAGES

export async function measureRefreshing({ generations, rounds, duration }: RefreshingSizes): Promise<RefreshingFigures> {
  const provider = await Provider.start({ latency: LATENCY })
  const times = await inGenerations(generations, async () => {
    const app = await App.start('guards', provider)
    const visitors = new Map<Name, Visitor>([
      ['without', await app.logIn('/fresh')],
      ['during', await app.logIn('/refreshing')]
    ])
    const measure = (visitor: Visitor, name: Name) => timesOf(visitor, PAGES[name], duration)
    await inRounds(WARM_UP, visitors, measure)
    const measured = await inRounds(rounds, visitors, measure)
    await app.stop()
    return measured
  })
  const { tokenRequests } = await provider.counts()
  await provider.stop()

  const compare = (share: number): Comparison => {
    const [without = [], during = []] = (['without', 'during'] as const).map((name) => (times.get(name) ?? []).map((measured) => measured.map((times) => percentile(times, share))))
    return { withoutRefresh: spreadOf(without.flat()), duringRefresh: spreadOf(during.flat()), ratio: ratioOf(during, without) }
  }
  const logins = generations * Object.keys(PAGES).length
  const seconds = (generations * (rounds + WARM_UP) * duration) / 1000
  return { tokenEndpointLatency: LATENCY, refreshesPerSecond: (tokenRequests - logins) / seconds, p50: compare(0.5), p99: compare(0.99) }
}

/** ms until the response to each request. */
async function timesOf(visitor: Visitor, page: string, duration: number): Promise<number[]> {
  const end = performance.now() + duration
  const times: number[] = []
  const visitUntilTheEnd = async () => {
    while (performance.now() < end) {
      const started = performance.now()
      await visitor.visit(page)
      times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, visitUntilTheEnd))
  return times
}
