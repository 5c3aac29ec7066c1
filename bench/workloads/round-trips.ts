import { setTimeout as pause } from 'node:timers/promises'
import { RedisServer } from '../../test/support/redis.ts'
import { App } from '../app.ts'
import { PEERS, type PeerName } from '../contenders/index.ts'
import { Provider } from '../provider.ts'
import { CommandLog } from '../command-log.ts'
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

/** s, for tokens that are to expire. */
const SHORT_LIFETIME = 1
const LONG_LIFETIME = 3600
/** A peer counts in whole seconds. */
const UNTIL_EXPIRED = 2100

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
  const each = (visit: (visitor: Visitor) => Promise<unknown>) => async () => {
    for (const visitor of visitors) await visit(visitor)
  }
  const logInAll = async () => {
    visitors.length = 0
    while (visitors.length < times) visitors.push(await app.logIn())
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
  await logInAll()
  const login = await count(logInAll)
  const guarded = await count(each((visitor) => visitor.visit()))
  const logout = await count(each((visitor) => visitor.logOut()))
  await provider.set({ lifetime: SHORT_LIFETIME })
  await logInAll()
  await provider.set({ lifetime: LONG_LIFETIME })
  await pause(UNTIL_EXPIRED)
  const refresh = await count(each((visitor) => visitor.visit()))

  log.close()
  await app.stop()
  if (app.contender.refreshes && refresh.providerRequests < 1) throw new Error(`${name} has not refreshed its tokens.`)
  return { login, 'guarded request': guarded, refresh: app.contender.refreshes ? refresh : null, logout }
}
