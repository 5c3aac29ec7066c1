import { PostgresServer } from '../../test/support/postgres.ts'
import { RedisCluster } from '../../test/support/redis-cluster.ts'
import { RedisServer } from '../../test/support/redis.ts'
import { App } from '../app.ts'
import { logInWithExpiredTokens } from '../expired-tokens.ts'
import { Provider } from '../provider.ts'
import { percentile, spreadOf, type Spread } from '../statistics.ts'
import { IN_MEMORY, type StoreSettings } from '../stores.ts'
import type { Visitor } from '../visitor.ts'

/** What happens if 1,000 requests arrive at once with one session whose access token has expired. */

export interface StormSizes {
  readonly rounds: number
}

export interface StormFigures {
  /** ms until the token endpoint responds. */
  readonly tokenEndpointLatency: number
  readonly setUps: Readonly<Record<string, SetUpFigures>>
}

export interface SetUpFigures {
  /** Token requests of each storm. */
  readonly tokenRequests: readonly number[]
  /** Requests of each storm whose response was not 200. */
  readonly failures: readonly number[]
  /** ms until the response. */
  readonly p50: Spread
  readonly p99: Spread
  /** The same 1,000 requests with a live token, in ms until the response. */
  readonly p99WithLiveToken: Spread
  /** How much later the last responses come because of the refresh, in ms. */
  readonly delay: Spread
}

const REQUESTS = 1000
const LATENCY = 100
/** Storms before the first measurement. */
const WARM_UP = 3

export async function measureStorm({ rounds }: StormSizes): Promise<StormFigures> {
  const provider = await Provider.start({ latency: LATENCY })
  const [redis, cluster, postgres] = [await RedisServer.start(), await RedisCluster.start(), await PostgresServer.startIfThere()]
  if (!postgres) throw new Error('There is no PostgreSQL server on this machine (Debian: apt-get install postgresql).')
  const stores: readonly (readonly [name: string, settings: StoreSettings, processes: readonly number[]])[] = [
    ['memory', IN_MEMORY, [1]],
    ['Redis', { kind: 'redis', urls: [redis.url] }, [1, 4]],
    ['Redis Cluster', { kind: 'redis cluster', urls: cluster.urls }, [1, 4]],
    ['PostgreSQL', { kind: 'postgres', urls: [postgres.url] }, [1, 4]]
  ]
  const setUps: Record<string, SetUpFigures> = {}
  for (const [name, settings, counts] of stores) {
    for (const count of counts) setUps[`${name}, ${count === 1 ? '1 process' : `${count} processes`}`] = await measureSetUp(provider, settings, count, rounds)
  }
  await provider.stop()
  await Promise.all([redis.remove(), cluster.remove(), postgres.remove()])
  return { tokenEndpointLatency: LATENCY, setUps }
}

async function measureSetUp(provider: Provider, stores: StoreSettings, processes: number, rounds: number): Promise<SetUpFigures> {
  const apps: App[] = []
  while (apps.length < processes) apps.push(await App.start('encrypted', { issuer: provider.issuer, stores }))
  await warmUp(apps)
  const measured: Round[] = []
  while (measured.length < rounds) measured.push(await oneRound(provider, apps))
  await Promise.all(apps.map((app) => app.stop()))
  const spread = (figure: (round: Round) => number) => spreadOf(measured.map(figure))
  return {
    tokenRequests: measured.map(({ tokenRequests }) => tokenRequests),
    failures: measured.map(({ expired, live }) => expired.failures + live.failures),
    p50: spread(({ expired }) => percentile(expired.times, 0.5)),
    p99: spread(({ expired }) => percentile(expired.times, 0.99)),
    p99WithLiveToken: spread(({ live }) => percentile(live.times, 0.99)),
    delay: spread(({ expired, live }) => percentile(expired.times, 0.99) - percentile(live.times, 0.99))
  }
}

/** Storms with a live token. */
async function warmUp(apps: readonly App[]): Promise<void> {
  const [first] = apps
  const visitor = await first?.logIn()
  for (let times = 0; visitor && times < WARM_UP; times++) await storm(visitor, pagesOf(apps))
}

interface Round {
  readonly tokenRequests: number
  readonly expired: Storm
  /** The same with a live token. */
  readonly live: Storm
}

interface Storm {
  /** ms until each response. */
  readonly times: readonly number[]
  readonly failures: number
}

async function oneRound(provider: Provider, apps: readonly App[]): Promise<Round> {
  const [first] = apps
  const [visitor] = first ? await logInWithExpiredTokens(first, provider, 1) : []
  if (!visitor) throw new Error('There is no app to measure.')
  const pages = pagesOf(apps)
  const before = await provider.counts()
  const expired = await storm(visitor, pages)
  const after = await provider.counts()
  const live = await storm(visitor, pages)
  return { tokenRequests: after.tokenRequests - before.tokenRequests, expired, live }
}

function pagesOf(apps: readonly App[]): string[] {
  return apps.map(({ url }) => `${url}/account`)
}

/** Sends all requests at once. */
async function storm(visitor: Visitor, pages: readonly string[]): Promise<Storm> {
  const responses = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, index) => {
      const started = performance.now()
      const { status } = await visitor.get(pages[index % pages.length] ?? '')
      return { status, time: performance.now() - started }
    })
  )
  return { times: responses.map(({ time }) => time), failures: responses.filter(({ status }) => status !== 200).length }
}
