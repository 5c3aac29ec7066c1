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
<details>
<summary>Scale: what 1, 10 and 1,000 machines carry, and what Redis then needs</summary>

### Scale

With sessions and refreshes in one Redis, tokens encrypted, counted by Redis itself:

| | Redis commands | CPU |
| --- | --- | ---: |
${Object.entries(work)
  .map(([name, one]) => `| ${name} | ${commandsOf(one)}: ${Object.entries(one.commands).map(([command, times]) => `${times === 1 ? '' : `${times} `}${command.toUpperCase()}`).join(', ')} | ${one.cpu.toFixed(0)} µs |`)
  .join('\n')}

A login that waits is ${bytes['pending login']} bytes in Redis, a session with its tokens ${bytes['logged-in session'].toLocaleString('en')}, and what is remembered of a refresh ${bytes['refresh record'].toLocaleString('en')}, for ${RECORD_LIFE_S / 60} minutes.

Suppose that everybody logs in once a day, that ${ACTIVE_SHARE * 100} in 100 sessions are in use at a time, each with a guarded request every ${SECONDS_BETWEEN_REQUESTS} s and a refresh an hour, and that machines like this one (${processors} cores) are kept ${LOAD * 100} % busy. A session then costs ${(cpuPerSession * 1e6).toFixed(2)} µs of CPU a second, and:

| machines | sessions | guarded requests/s | refreshes/s | Redis commands/s | Redis memory |
| ---: | ---: | ---: | ---: | ---: | ---: |
${rows.map((cells) => `| ${cells} |`).join('\n')}

The pages themselves are not in it. Nothing is shared between machines but Redis, and every key stands for itself (those of one refresh share a hash tag), so Redis Cluster divides commands and memory by its nodes.

A flood of ${FLOOD_PER_S.toLocaleString('en')} logins a second that nobody finishes takes ${(FLOOD_PER_S * work['abandoned login'].cpu / 1e6).toFixed(2)} cores, and ${flooded(DAY_S)} of Redis where sessions live a day (connect-redis's default), but ${flooded(600)} where those of people who have not logged in live ten minutes: \`new RedisStore({ client, ttl: ({ passport }) => (passport ? 86400 : 600) })\`. One session never holds more than \`maxPendingLogins\`; a rate limit in front of \`/auth/twilio\` bounds the rest.

</details>`
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
