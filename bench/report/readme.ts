import type { Results } from '../results.ts'
import { isDifference, type Ratio } from '../statistics.ts'
import { milliseconds, range, ratioText } from './format.ts'
import { storeRoundTrips } from './round-trips.ts'

/** The README's five figures. Each links to the section that shows its command. */
export function readmeFigures(results: Results): string {
  return `![Server CPU of a whole login, relative to passport-oauth2](bench/logins.svg)

| | passport-twilio | for comparison |
| --- | --- | --- |
${[loginRow, roundTripsRow, guardRow, stormRow, latencyRow].map((row) => `| ${row(results).join(' | ')} |`).join('\n')}

[All figures](docs/figures.md) say how they were measured and how to repeat them. [Scale](docs/scale.md) says what they mean for many machines.`
}

type Row = (results: Results) => readonly [question: string, answer: string, comparison: string]

const loginRow: Row = ({ logins }) => {
  const ratio = (name: keyof Results['logins']) => logins[name].againstPassportOAuth2
  return [
    '[Server CPU of a login](docs/figures.md#a-login)',
    `v1: ${comparedWith("passport-oauth2's", ratio('passport-twilio v1'))}; v2: ${comparedWith("passport-oauth2's", ratio('passport-twilio v2'))}`,
    `openid-client's strategy: ${ratioText(ratio("openid-client's strategy"))}; grant: ${ratioText(ratio('grant'))}; express-openid-connect: ${ratioText(ratio('express-openid-connect'))}`
  ]
}

const roundTripsRow: Row = ({ roundTrips }) => {
  const text = (name: keyof Results['roundTrips']) => {
    const { login, 'guarded request': guarded } = roundTrips[name]
    return login && guarded ? `${storeRoundTrips(login)} at a login, ${storeRoundTrips(guarded)} at a guarded request` : '—'
  }
  return ['[Commands to the session store](docs/figures.md#round-trips)', text('passport-twilio v2'), `passport-oauth2: ${text('passport-oauth2')}`]
}

const guardRow: Row = ({ guards }) => {
  const text = (name: keyof Results['guards']) => comparedWith("`isAuthenticated()`'s", guards[name].againstIsAuthenticated)
  return ['[Server CPU of a guarded request](docs/figures.md#a-guarded-request) with a valid token', text('requireLogin() and fresh()'), `with encrypted tokens: ${text('requireLogin() and fresh(), encrypted')}`]
}

const stormRow: Row = ({ storm }) => {
  const setUps = Object.values(storm.setUps)
  const failures = Math.max(...setUps.flatMap((setUp) => setUp.failures))
  const redis = storm.setUps['Redis, 4 processes']
  return [
    '[1,000 requests at once with one expired token](docs/figures.md#a-refresh-storm)',
    `${range(setUps.flatMap(({ tokenRequests }) => tokenRequests))} token request, ${failures === 0 ? 'no failed response' : `at most ${failures} failed responses`}, in 1 and 4 processes, with Redis, Redis Cluster and PostgreSQL`,
    redis ? `p99 with Redis and 4 processes: ${milliseconds(redis.p99)}; with a valid token: ${milliseconds(redis.p99WithLiveToken)}` : '—'
  ]
}

const latencyRow: Row = ({ latency }) => {
  const text = (name: keyof Results['latency']['contenders']) => {
    const { warm, cold } = latency.contenders[name]
    return `${milliseconds(warm.time)}, or ${milliseconds(cold.time)} on a new connection`
  }
  return [`[Wait at the callback](docs/figures.md#the-wait-at-the-callback), ${latency.roundTrip} ms from the provider`, text('passport-twilio v2'), `passport-oauth2: ${text('passport-oauth2')}`]
}

/** @param baseline in the genitive */
function comparedWith(baseline: string, ratio: Ratio): string {
  const interval = `(${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`
  return isDifference(ratio) ? `${ratio.median.toFixed(2)} times ${baseline} ${interval}` : `no difference from ${baseline} ${interval}`
}
