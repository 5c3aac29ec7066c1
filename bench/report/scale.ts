import type { Results } from '../results.ts'
import type { Bytes } from '../workloads/load.ts'
import type { Operation } from '../workloads/round-trips.ts'
import { table, whole } from './format.ts'
import { storeRoundTrips } from './round-trips.ts'

/** The figures in docs/scale.md: what many machines carry, computed from the measurements of one. */

const DAY = 24 * 3600
const SECONDS_BETWEEN_REQUESTS = 30
const TOKEN_LIFETIME = 3600
const ACTIVE_SHARE = 0.1
const BUSY_SHARE = 0.5
/** What one server of a store is assumed to do, with room for peaks. */
const REDIS = { commands: 50_000, bytes: 25e9 }

const MACHINES = [1, 10, 1000]

const FLOOD = 1000
const SHORT_TTL = 600

/** How often each happens, per second and session. */
const RATES = { login: 1 / DAY, 'guarded request': ACTIVE_SHARE / SECONDS_BETWEEN_REQUESTS, refresh: ACTIVE_SHARE / TOKEN_LIFETIME } satisfies Partial<Record<Operation, number>>
type Rated = keyof typeof RATES
const RATED = Object.keys(RATES) as Rated[]

export function scaleFigures({ machine: { processors }, roundTrips, load }: Results): string {
  const perSession = (figure: (operation: Rated) => number) => RATED.reduce((sum, operation) => sum + RATES[operation] * figure(operation), 0)
  const cpuPerSession = perSession((operation) => load.cpu[operation] / 1e6)
  const commandsPerSession = perSession((operation) => {
    const trips = roundTrips['passport-twilio v2'][operation]
    return trips ? storeRoundTrips(trips) : 0
  })
  const sessionsPerMachine = (processors * BUSY_SHARE) / cpuPerSession

  return `A machine is like the one of the [measurements](figures.md): ${processors} cores, ${BUSY_SHARE * 100} % busy. A person logs in once a day. Of 100 sessions, ${ACTIVE_SHARE * 100} are active at a time: each sends a guarded request every ${SECONDS_BETWEEN_REQUESTS} s and refreshes its token every ${TOKEN_LIFETIME / 60} minutes. With encrypted tokens, and sessions and records in Redis, that takes ${(cpuPerSession * 1e6).toFixed(1)} µs of CPU and ${(commandsPerSession * 1000).toFixed(1)} thousandths of a command per second and session.

${table(
  ['machines', 'sessions', 'guarded requests/s', 'logins/s', 'refreshes/s'],
  MACHINES.map((machines) => {
    const sessions = machines * sessionsPerMachine
    return [whole(machines), rounded(sessions), ...[RATES['guarded request'], RATES.login, RATES.refresh].map((rate) => rounded(sessions * rate))]
  })
)}

The CPU time of your own pages comes on top, and usually is most of it: if a page takes 5 ms of CPU, a machine carries ${rounded((BUSY_SHARE * processors) / (RATES['guarded request'] * 0.005 + cpuPerSession))} sessions instead of ${rounded(sessionsPerMachine)}.

## What the store needs

A session takes ${whole(load.bytes.Redis.session)} bytes in Redis and its record ${whole(load.bytes.Redis.record)}; in PostgreSQL, ${whole(load.bytes.PostgreSQL.session)} and ${whole(load.bytes.PostgreSQL.record)} without indexes. A Redis node is assumed to answer ${whole(REDIS.commands)} commands per second and to hold ${REDIS.bytes / 1e9} GB.

${table(
  ['machines', 'commands/s', 'in Redis', 'Redis nodes', 'in PostgreSQL'],
  MACHINES.map((machines) => {
    const sessions = machines * sessionsPerMachine
    const [commands, bytes] = [sessions * commandsPerSession, sessions * bytesOfSession(load.bytes.Redis)]
    return [whole(machines), rounded(commands), memory(bytes), whole(Math.ceil(Math.max(commands / REDIS.commands, bytes / REDIS.bytes))), memory(sessions * bytesOfSession(load.bytes.PostgreSQL))]
  })
)}

${flood(load)}`
}

function flood({ cpu, bytes }: Results['load']): string {
  const pending = (seconds: number, { pendingLogin }: Bytes) => memory(FLOOD * seconds * pendingLogin)
  return `## A flood of abandoned logins

Somebody who begins ${whole(FLOOD)} logins per second and finishes none costs ${((FLOOD * cpu['login redirect']) / 1e6).toFixed(2)} cores, ${whole(FLOOD)} commands per second, and the memory of the sessions until they expire:

${table(
  ['sessions expire after', 'Redis', 'PostgreSQL'],
  [
    ['a day', pending(DAY, bytes.Redis), pending(DAY, bytes.PostgreSQL)],
    ['10 minutes', pending(SHORT_TTL, bytes.Redis), pending(SHORT_TTL, bytes.PostgreSQL)]
  ]
)}`
}

function bytesOfSession({ session, record }: Bytes): number {
  return session + record
}

/** To two digits, since these are estimates. */
function rounded(count: number): string {
  const value = Number(count.toPrecision(2))
  return value >= 1e6 ? `${(value / 1e6).toLocaleString('en')} million` : value.toLocaleString('en')
}

function memory(bytes: number): string {
  if (bytes < 1e9) return `${Number((bytes / 1e6).toPrecision(2))} MB`
  return bytes < 1e12 ? `${Number((bytes / 1e9).toPrecision(2))} GB` : `${Number((bytes / 1e12).toPrecision(2))} TB`
}
