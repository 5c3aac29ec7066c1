import type { Machine } from './machine.ts'
import type { PeerName } from './contenders/index.ts'
import type { GrowthFigures } from './workloads/growth.ts'
import type { GuardFigures, GuardName } from './workloads/guards.ts'
import type { LatencyFigures } from './workloads/latency.ts'
import type { LoadFigures } from './workloads/load.ts'
import type { LoginFigures } from './workloads/logins.ts'
import type { RefreshingFigures } from './workloads/refreshing.ts'
import type { RoundTripFigures } from './workloads/round-trips.ts'
import type { StormFigures } from './workloads/storm.ts'

/** What results.json holds. */
export interface Results {
  /** The date of the last measurement, such as `2026-11-27`. */
  readonly measured: string
  readonly machine: Machine
  readonly logins: Readonly<Record<PeerName, LoginFigures>>
  readonly roundTrips: Readonly<Record<PeerName, RoundTripFigures>>
  readonly guards: Readonly<Record<GuardName, GuardFigures>>
  readonly refreshing: RefreshingFigures
  readonly storm: StormFigures
  readonly growth: GrowthFigures
  readonly load: LoadFigures
  readonly latency: LatencyFigures
}
