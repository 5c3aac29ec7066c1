import { RedisServer } from '../../test/support/redis.ts'
import { App } from '../app.ts'
import { PEERS, type PeerName } from '../contenders/index.ts'
import { CommandLog } from '../command-log.ts'
import { logInWithExpiredTokens } from '../expired-tokens.ts'
import { Provider } from '../provider.ts'
import type { Visitor } from '../visitor.ts'

/** How many times an app waits for the session store and for the provider. */

export interface RoundTripSizes {
  /** How often each operation is repeated. */
  readonly times: number
}

export const OPERATIONS = ['login', 'guarded request', 'refresh', 'logout'] as const
export type Operation = (typeof OPERATIONS)[number]

export interface RoundTrips {
  /** Commands that the app sends to Redis, one after the other, by name. */
  readonly store: Readonly<Record<string, number>>
  readonly providerRequests: number
  readonly newConnections: number
}

/** `null` where a contender has no such operation. */
export type RoundTripFigures = Readonly<Record<Operation, RoundTrips | null>>

export async function measureRoundTrips({ times }: RoundTripSizes): Promise<Record<PeerName, RoundTripFigures>> {
  const [provider, redis] = [await Provider.start(), await RedisServer.start()]
  const figures = new Map<PeerName, RoundTripFigures>()
  for (const name of PEERS) figures.set(name, await measureContender(name, { provider, redis, times }))
  await provider.stop()
  await redis.remove()
  return Object.fromEntries(figures) as Record<PeerName, RoundTripFigures>
}

async function measureContender(name: PeerName, { provider, redis, times }: { provider: Provider; redis: RedisServer; times: number }): Promise<RoundTripFigures> {
  const app = await App.start(name, { issuer: provider.issuer, stores: { kind: 'redis', urls: [redis.url] } })
  const log = await CommandLog.open(redis.url)
  const visitors: Visitor[] = []
  const each = (people: readonly Visitor[], visit: (visitor: Visitor) => Promise<unknown>) => async () => {
    for (const visitor of people) await visit(visitor)
  }
  const count = async (work: () => Promise<void>): Promise<RoundTrips> => {
    const before = await provider.counts()
    const commands = await log.during(work)
    const after = await provider.counts()
    return {
      store: Object.fromEntries([...commands].map(([command, sent]) => [command, sent / times])),
      providerRequests: (after.requests - before.requests) / times,
      newConnections: (after.connections - before.connections) / times
    }
  }

  // The first login also loads the provider's metadata and keys.
  await app.logIn()
  const login = await count(async () => {
    while (visitors.length < times) visitors.push(await app.logIn())
  })
  const guarded = await count(each(visitors, (visitor) => visitor.visit()))
  const logout = await count(each(visitors, (visitor) => visitor.logOut()))
  const expired = await logInWithExpiredTokens(app, provider, times)
  const refresh = await count(each(expired, (visitor) => visitor.visit()))

  log.close()
  await app.stop()
  if (app.contender.refreshes && refresh.providerRequests < 1) throw new Error(`${name} has not refreshed its tokens.`)
  return { login, 'guarded request': guarded, refresh: app.contender.refreshes ? refresh : null, logout }
}
