import type { Results } from '../results.ts'
import { OPERATIONS } from '../workloads/round-trips.ts'
import { code, list, microseconds, milliseconds, range, ratioText, table, whole } from './format.ts'
import { commandsText, roundTripsText } from './round-trips.ts'

/** docs/figures.md. Each section begins with its question. */
export function figuresPage(results: Results): string {
  return `# Figures

Written by \`npm run bench\` on ${results.measured}: ${machineText(results)}.

In each table, all contenders did the same work in the same run, in turn. A ratio is the median of the ratios of the individual rounds. The interval beside it is the 95 % confidence interval, by a bootstrap over processes and rounds ([statistics.ts](../bench/statistics.ts)). If it includes 1, the table says "no difference". CPU is that of the app's process, all threads included; the provider, the stores and the visitors have processes of their own. [All readings](../bench/results.json).

${[loginSection, roundTripsSection, guardsSection, refreshingSection, stormSection, latencySection, growthSection, memorySection].map((section) => section(results)).join('\n')}`
}

function machineText({ machine: { processor, processors, node, versions } }: Results): string {
  return `${processors} cores of ${processor}, Node ${node}, ${list(Object.entries(versions).map(([name, version]) => `${name} ${version}`))}`
}

function loginSection({ logins }: Results): string {
  return `## A login

How much server CPU does a login cost? Measured from the login route to the first guarded page, eight people at a time, with sessions in memory. All use state, and all but passport-twilio v1 use PKCE. The minimum is what a careful developer would write by hand.

![Server CPU of a whole login, relative to passport-oauth2](../bench/logins.svg)

${table(
  ['', 'CPU', 'redirect', 'callback', 'first page', 'relative to passport-oauth2'],
  Object.entries(logins).map(([name, { cpu, parts, againstPassportOAuth2 }]) => [name, microseconds(cpu), ...Object.values(parts).map(microseconds), ratioText(againstPassportOAuth2)])
)}

CPU profiles of 5,000 logins with each, taken on 2026-11-27, show why passport-twilio takes longer than passport-oauth2. Three fifths of the difference is in functions of this package, which check the signature of \`state\`, the callback, Twilio's response and two JWTs, and store the tokens. None of them takes more than 0.5 % of a login. A quarter is in Node, mostly HMACs, random numbers and headers; the rest is garbage collection.

\`npm run bench -- --only=logins\`. With \`BENCH_PROFILE=folder\`, each app writes a CPU profile to the folder.
`
}

function roundTripsSection({ roundTrips }: Results): string {
  const { login, 'guarded request': guarded, refresh, logout } = roundTrips['passport-twilio v2']
  const connecting = Object.entries(roundTrips).filter(([, operations]) => Object.values(operations).some((trips) => trips !== null && trips.newConnections > 0))
  return `## Round trips

How often does a request wait for the session store and for the provider? Sessions and records are in one Redis (connect-redis), which reports the commands that it gets; the provider counts its requests. "5 + 1" means five commands to Redis and one request to the provider, one after the other.

${table(['', ...OPERATIONS], Object.entries(roundTrips).map(([name, operations]) => [name, ...OPERATIONS.map((operation) => roundTripsText(operations[operation]))]))}

passport-oauth2 refreshes with passport-oauth2-refresh, openid-client's strategy with openid-client, and the minimum by hand; none of these prevents two requests from using the same refresh token. grant can't refresh. express-openid-connect keeps its session in a cookie. ${connecting.length === 0 ? 'After the first login, none of them opens another connection to the provider.' : `New connections to the provider after the first login: ${list(connecting.map(([name]) => name))}.`}

passport-twilio sends at a login ${commandsText(login ?? NONE)}; at a guarded request ${commandsText(guarded ?? NONE)}; at a refresh ${commandsText(refresh ?? NONE)}; and at a logout ${commandsText(logout ?? NONE)}. Each EVAL is one step of the login's record: taking the lock, saving the new tokens, and checking that nobody has logged out in the meantime.

\`npm run bench -- --only=roundTrips\`
`
}

const NONE = { store: {}, providerRequests: 0, newConnections: 0 }

function guardsSection({ guards }: Results): string {
  return `## A guarded request

What do \`requireLogin()\` and \`fresh()\` add to a request with a valid token? The same page behind each guard, in one process, eight requests at a time.

${table(
  ['', 'CPU', 'relative to `isAuthenticated()`'],
  Object.entries(guards).map(([name, { cpu, againstIsAuthenticated }]) => [code(name), microseconds(cpu), ratioText(againstIsAuthenticated)])
)}

According to CPU profiles of 96,000 requests, taken on 2026-11-27, the functions behind \`requireLogin()\` and \`fresh()\` take 2.5 % of a request: they read the tokens of the session, and set \`req.twilioTokens\`. The rest is Express's handling of one more middleware, which costs 1 %, and garbage collection. Each process keeps the last 1,000 logins that it has decrypted; decrypting another one costs 45 µs more.

\`npm run bench -- --only=guards\`
`
}

function refreshingSection({ refreshing: { tokenEndpointLatency, refreshesPerSecond, p50, p99 } }: Results): string {
  return `## While a token is being refreshed

Does a request take longer while its token, which is still valid, is being refreshed? Four requests at a time of one session, whose token is refreshed again and again (${refreshesPerSecond.toFixed(1)} times per second) at a token endpoint that takes ${tokenEndpointLatency} ms, against the same requests without a refresh.

${table(
  ['', 'without a refresh', 'during a refresh', 'ratio'],
  Object.entries({ p50, p99 }).map(([name, { withoutRefresh, duringRefresh, ratio }]) => [name, milliseconds(withoutRefresh, 1), milliseconds(duringRefresh, 1), ratioText(ratio)])
)}

\`npm run bench -- --only=refreshing\`
`
}

function stormSection({ storm: { tokenEndpointLatency, setUps } }: Results): string {
  return `## A refresh storm

What happens if 1,000 requests arrive at once with one session whose token has expired? The token endpoint takes ${tokenEndpointLatency} ms. Sessions and records are in the named store, and the tokens are encrypted. The delay is the difference between the two p99 of the same round: the median, and the smallest and the largest.

${table(
  ['', 'token requests', 'responses other than 200', 'p50', 'p99', 'p99 with a valid token', 'delay'],
  Object.entries(setUps).map(([name, { tokenRequests, failures, p50, p99, p99WithLiveToken, delay }]) => [
    name,
    range(tokenRequests),
    range(failures),
    milliseconds(p50),
    milliseconds(p99),
    milliseconds(p99WithLiveToken),
    `${milliseconds(delay)} (${delay.min.toFixed(0)} to ${delay.max.toFixed(0)})`
  ])
)}

\`npm run bench -- --only=storm\`
`
}

function latencySection({ latency: { roundTrip, contenders } }: Results): string {
  return `## The wait at the callback

How long does a person wait at the callback if the provider is ${roundTrip} ms away? Between the app and the provider is a proxy with TLS that delays each direction by ${roundTrip / 2} ms, and TCP's handshake as well. Measured from the callback's request to its last redirect, one login at a time; "warm" is the second of two logins, which can reuse a connection.

${table(
  ['', 'warm', 'relative to passport-oauth2', 'cold', 'relative to passport-oauth2'],
  Object.entries(contenders).map(([name, { warm, cold }]) => [name, milliseconds(warm.time), ratioText(warm.againstPassportOAuth2), milliseconds(cold.time), ratioText(cold.againstPassportOAuth2)])
)}

\`npm run bench -- --only=latency\`
`
}

function growthSection({ growth: { sessions, login, guardedRequest } }: Results): string {
  return `## Growth

Do logins and guarded requests become slower as sessions accumulate? A process whose sessions are in memory is measured with at most 25 of them, and again with ${whole(sessions)} more, each with a pending login. It takes turns with a second process that never has more than 25; the ratio is corrected by what changes there. Both processes have begun 20,000 logins before, so that Node has optimized their code.

${table(
  ['', 'at most 25 sessions', `${whole(sessions)} more`, 'ratio'],
  Object.entries({ login, 'guarded request': guardedRequest }).map(([name, { before, after, ratio }]) => [name, microseconds(before), microseconds(after), ratioText(ratio)])
)}

\`npm run bench -- --only=growth\`
`
}

function memorySection({ load: { bytes }, growth: { heapPerPendingLogin } }: Results): string {
  return `## Memory

How many bytes do a session, a pending login and the record of a login take in their store? Tokens are encrypted. In Redis, measured with MEMORY USAGE; in PostgreSQL, the size of the row without indexes. A login has a record from its first refresh on.

${table(
  ['', 'pending login, with its session', 'session', 'record'],
  Object.entries(bytes).map(([store, { pendingLogin, session, record }]) => [store, ...[pendingLogin, session, record].map(whole)])
)}

In express-session's memory store, a pending login with its session takes ${whole(heapPerPendingLogin)} bytes of heap. What this means for many machines is in [Scale](scale.md).

\`npm run bench -- --only=load\`
`
}
