import type { RedisFigures } from './redis.ts'

/** Estimates the load of many machines from the figures of one. */

/** Assumptions about the users. */
const DAY_S = 24 * 3600
const TOKEN_LIFE_S = 3600
const ACTIVE_SHARE = 0.1
const SECONDS_BETWEEN_REQUESTS = 30
/** How long a refresh record is kept, in s. */
const RECORD_LIFE_S = 600
/** The target CPU utilization of a machine. */
const LOAD = 0.5

const FLOOD_PER_S = 1000

type WorkName = keyof RedisFigures['work']

/** How often each happens, per second and session. */
const RATES: Readonly<Partial<Record<WorkName, number>>> = {
  login: 1 / DAY_S,
  'guarded request': ACTIVE_SHARE / SECONDS_BETWEEN_REQUESTS,
  refresh: ACTIVE_SHARE / TOKEN_LIFE_S
}

export function scaleOf({ work, bytes }: RedisFigures, processors: number): string {
  const perSession = (figure: (name: WorkName) => number) => Object.entries(RATES).reduce((sum, [name, rate]) => sum + rate * figure(name as WorkName), 0)
  const cpuPerSession = perSession((name) => work[name].cpu / 1e6)
  const commandsPerSession = perSession((name) => commandsOf(work[name]))
  const bytesPerSession = bytes['logged-in session'] + (RATES.refresh ?? 0) * RECORD_LIFE_S * bytes['refresh record']
  const sessionsPerMachine = (processors * LOAD) / cpuPerSession
  const flooded = (seconds: number) => gigabytes(FLOOD_PER_S * seconds * bytes['pending login'])

  const row = (machines: number, sessions: number) =>
    [
      machines.toLocaleString('en'),
      millions(sessions),
      Math.round((sessions * ACTIVE_SHARE) / SECONDS_BETWEEN_REQUESTS).toLocaleString('en'),
      Math.round(sessions * (RATES.refresh ?? 0)).toLocaleString('en'),
      Math.round(sessions * commandsPerSession).toLocaleString('en'),
      gigabytes(sessions * bytesPerSession)
    ].join(' | ')
  const machinesFor100Million = Math.ceil(1e8 / sessionsPerMachine)
  const rows = [1, 10, 1000].map((machines) => row(machines, machines * sessionsPerMachine))
  rows.splice(machinesFor100Million < 1000 ? 2 : 3, 0, row(machinesFor100Million, 1e8))

  return `
## Scale

How many sessions 1, 10 and 1,000 machines can serve, and how much memory Redis then needs. Sessions and refreshes are in one Redis, and the tokens are encrypted. Redis itself counted the commands:

| | Redis commands | CPU |
| --- | --- | ---: |
${Object.entries(work)
  .map(([name, one]) => `| ${name} | ${commandsOf(one)}: ${Object.entries(one.commands).map(([command, times]) => `${times === 1 ? '' : `${times} `}${command.toUpperCase()}`).join(', ')} | ${one.cpu.toFixed(0)} µs |`)
  .join('\n')}

A pending login takes ${bytes['pending login']} bytes in Redis, a session with its tokens ${bytes['logged-in session'].toLocaleString('en')}, and the record of a refresh ${bytes['refresh record'].toLocaleString('en')} for ${RECORD_LIFE_S / 60} minutes.

The estimate assumes that each person logs in once a day, and that ${ACTIVE_SHARE * 100} of 100 sessions are active at a time, each with a guarded request every ${SECONDS_BETWEEN_REQUESTS} s and a refresh every hour. Machines like this one (${processors} cores) are ${LOAD * 100} % busy. A session then needs ${(cpuPerSession * 1e6).toFixed(2)} µs of CPU per second:

| machines | sessions | guarded requests/s | refreshes/s | Redis commands/s | Redis memory |
| ---: | ---: | ---: | ---: | ---: | ---: |
${rows.map((cells) => `| ${cells} |`).join('\n')}

The CPU time of your pages is not included. The machines share nothing but Redis. The keys are independent (those of one refresh share a hash tag), so Redis Cluster can spread commands and memory over its nodes.

A flood of ${FLOOD_PER_S.toLocaleString('en')} unfinished logins per second needs ${(FLOOD_PER_S * work['abandoned login'].cpu / 1e6).toFixed(2)} cores. It also needs ${flooded(DAY_S)} of Redis if sessions live for a day (connect-redis's default), but only ${flooded(600)} if sessions of people who have not logged in live for ten minutes: \`new RedisStore({ client, ttl: ({ passport }) => (passport ? 86400 : 600) })\`. One session never holds more than \`maxPendingLogins\` pending logins. To limit the rest, put a rate limit in front of \`/auth/twilio\`.
`
}

function commandsOf({ commands }: RedisFigures['work'][WorkName]): number {
  return Object.values(commands).reduce((sum, times) => sum + times, 0)
}

function millions(count: number): string {
  return count >= 1e6 ? `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} million` : Math.round(count).toLocaleString('en')
}

function gigabytes(bytes: number): string {
  return bytes >= 1e12 ? `${(bytes / 1e12).toFixed(1)} TB` : bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(0)} MB`
}
