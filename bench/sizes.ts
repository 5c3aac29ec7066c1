import type { GrowthSizes } from './workloads/growth.ts'
import type { GuardSizes } from './workloads/guards.ts'
import type { LatencySizes } from './workloads/latency.ts'
import type { LoadSizes } from './workloads/load.ts'
import type { LoginSizes } from './workloads/logins.ts'
import type { RefreshingSizes } from './workloads/refreshing.ts'
import type { RoundTripSizes } from './workloads/round-trips.ts'
import type { StormSizes } from './workloads/storm.ts'

/** How much is measured. */
export interface Sizes {
  readonly logins: LoginSizes
  readonly roundTrips: RoundTripSizes
  readonly guards: GuardSizes
  readonly refreshing: RefreshingSizes
  readonly storm: StormSizes
  readonly growth: GrowthSizes
  readonly load: LoadSizes
  readonly latency: LatencySizes
}

/** At most a quarter of an hour on 2 cores. */
export const FULL: Sizes = {
  logins: { generations: 4, warmUp: 3000, rounds: 14, logins: 100 },
  roundTrips: { times: 20 },
  guards: { generations: 3, warmUp: 4000, rounds: 120, requests: 100 },
  refreshing: { generations: 3, rounds: 6, duration: 1500 },
  storm: { rounds: 5 },
  growth: { generations: 2, sessions: 100_000, warmUpLogins: 1000, rounds: 60, logins: 25 },
  load: { warmUp: 2000, times: 500 },
  latency: { rounds: 15 }
}

/** Enough to see that everything runs. */
export const QUICK: Sizes = {
  logins: { generations: 2, warmUp: 200, rounds: 4, logins: 50 },
  roundTrips: { times: 5 },
  guards: { generations: 2, warmUp: 400, rounds: 10, requests: 100 },
  refreshing: { generations: 1, rounds: 3, duration: 700 },
  storm: { rounds: 2 },
  growth: { generations: 1, sessions: 10_000, warmUpLogins: 400, rounds: 3, logins: 100 },
  load: { warmUp: 300, times: 100 },
  latency: { rounds: 3 }
}
