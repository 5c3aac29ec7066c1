import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GrowthFigures } from './growth.ts'
import type { GuardFigures } from './guards.ts'
import type { ImportFigures } from './imports.ts'
import type { LoginFigures, LoginSizes } from './logins.ts'
import type { RedisFigures } from './redis.ts'
import type { RefreshFigures } from './refresh.ts'
import { scaleOf } from './scale.ts'
import type { Spread } from './statistics.ts'
import type { StormFigures } from './storm.ts'

/** Generates the figures in the README and docs/figures.md from results.json. */

export interface Results {
  readonly machine: { readonly processor: string; readonly processors: number; readonly node: string; readonly versions: Readonly<Record<string, string>> }
  readonly sizes: { readonly logins: LoginSizes }
  readonly logins: Readonly<Record<string, LoginFigures>>
  readonly guards: Readonly<Record<string, GuardFigures>>
  readonly storm: StormFigures
  readonly refresh?: RefreshFigures
  readonly growth: GrowthFigures
  readonly redis: RedisFigures | string
  readonly imports: ImportFigures
}

const README = join(import.meta.dirname, '../README.md')
const ALL_FIGURES = join(import.meta.dirname, '../docs/figures.md')
const BEGINNING = '<!-- figures: written by npm run bench -->'
const END = '<!-- end of figures -->'

export function readResults(): Results {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'results.json'), 'utf8')) as Results
}

/** The figures that are currently in the README and docs/figures.md. */
export function writtenFigures(): { readme: string; all: string } {
  const [, rest = ''] = readFileSync(README, 'utf8').split(BEGINNING)
  return { readme: rest.split(END)[0] ?? '', all: readFileSync(ALL_FIGURES, 'utf8') }
}

export function figuresOf(results: Results): { readme: string; all: string } {
  return { readme: readmeFigures(results), all: allFigures(results) }
}

export function writeFigures(results: Results): void {
  const readme = readFileSync(README, 'utf8')
  const [before = ''] = readme.split(BEGINNING)
  const [, after = ''] = readme.split(END)
  const figures = figuresOf(results)
  writeFileSync(README, before + BEGINNING + figures.readme + END + after)
  writeFileSync(ALL_FIGURES, figures.all)
}

/** The most important figures. */
function readmeFigures({ logins, guards, storm, growth, imports }: Results): string {
  const login = (name: string) => shown(logins[name]?.cpuAgainstPassportOAuth2)
  const guard = (name: string) => shown(guards[name]?.cpuAgainstIsAuthenticated)
  const storms = Object.entries(storm.processes)
  return `

![Server CPU of a whole login, against the hand-written minimum](bench/logins.svg)

| what it costs | | for comparison |
| --- | --- | --- |
| a whole login, in server CPU | ${login('passport-twilio v1')} of passport-oauth2's (v1), ${login('passport-twilio v2, PKCE')} (v2) | grant ${login('grant')}, openid-client's strategy ${login("openid-client's strategy")}, express-openid-connect ${login('express-openid-connect')} |
| a guarded request with a live token | ${guard('requireLogin() and fresh()')} of the same behind \`isAuthenticated()\`; encrypted ${guard('requireLogin() and fresh(), encrypted')} | express-openid-connect's \`requiresAuth()\` ${guard("express-openid-connect's requiresAuth()")} |
| 1,000 requests at once on one expired session | ${storms.map(([name, { tokenRequests, p99 }]) => `${name}: ${list([...new Set(tokenRequests)].map(String))} token request, p99 ${milli(p99)}`).join('; ')} | the token endpoint takes ${storm.tokenEndpointLatency} ms of it; with a live token, p99 ${list(storms.map(([, { p99WithLiveToken }]) => milli(p99WithLiveToken)))} |
| a login with 100,000 sessions | ${shown(growth.cpuAgainstOneSession[100_000])} of one with a single session | a pending login: ${growth.bytesPerPendingLogin} bytes in the session |
| loading the package | ${shown(imports.require.against)} of passport-oauth2's time | |

[All figures, how they were measured, and how they scale](docs/figures.md).

`
}

function allFigures({ machine, sizes, logins, guards, storm, refresh, growth, redis, imports }: Results): string {
  const { versions } = machine
  return `# Figures

Written by \`npm run bench\`. In each table, all contenders did the same work in turn, in one run: ${machine.processors} cores of ${machine.processor}, Node ${machine.node}, ${list(Object.entries(versions).filter(([name]) => name !== 'passport-twilio').map(([name, version]) => `${name} ${version}`))}. CPU is that of the app's process; the token endpoint and the visitors have processes of their own. Each figure is the median of all rounds, and each ratio is that of two medians. [All readings, and their spread](../bench/results.json).

## A whole login

The redirect, the callback with its token request, and the first guarded page; all with state, and all but the v1 dialect with PKCE.

![Server CPU of a whole login, against the hand-written minimum](../bench/logins.svg)

${table(
  ['', 'CPU', 'against the minimum', 'against passport-oauth2', 'redirect', 'callback', 'page', 'wall time'],
  Object.entries(logins).map(([name, { cpu, wall, cpuAgainstMinimum, cpuAgainstPassportOAuth2, parts }]) => [
    name,
    micro(cpu.median),
    ratio(cpuAgainstMinimum),
    ratio(cpuAgainstPassportOAuth2),
    ...Object.values(parts).map(({ median }) => micro(median)),
    micro(wall.median)
  ])
)}

"The minimum on Passport" is the hand-written minimum as a Passport strategy: nothing that uses Passport can be cheaper. Wall time was measured with eight visitors at once. The last three were measured only in the first ${sizes.logins.generationsFurtherOff} of ${sizes.logins.generations} generations of processes, and their ratios compare them with the others in those generations.

## A guarded request

With a live token, against the same page behind \`req.isAuthenticated()\`:

${table(
  ['', 'CPU', 'ratio'],
  Object.entries(guards).map(([name, { cpu, cpuAgainstIsAuthenticated }]) => [code(name), micro(cpu.median), ratio(cpuAgainstIsAuthenticated)])
)}

## A refresh storm

1,000 requests at once on one expired session. The token endpoint takes ${storm.tokenEndpointLatency} ms:

${table(
  ['', 'token requests', 'p50', 'p99', 'p99 with a live token', 'p99 against its bound'],
  Object.entries(storm.processes).map(([name, { tokenRequests, p50, p99, p99WithLiveToken, p99AgainstBound }]) => [
    name,
    list([...new Set(tokenRequests)].map(String)),
    milli(p50),
    milli(p99),
    milli(p99WithLiveToken),
    ratio(p99AgainstBound)
  ])
)}

The bound is 1.5 times the token endpoint's own time plus the p99 of the same requests with a live token.
${refresh ? refreshFigures(refresh) : ''}
## Growth

${table(
  ['existing sessions', 'CPU of a whole login', 'ratio'],
  Object.entries(growth.cpuPerLogin).map(([sessions, { median }]) => [thousands(Number(sessions)), micro(median), shown(growth.cpuAgainstOneSession[Number(sessions)])])
)}

Each further pending login takes ${growth.bytesPerPendingLogin} bytes in the session's JSON. An abandoned login, with its session in memory, takes ${thousands(growth.heapPerAbandonedLogin)} bytes of heap until the session ends.

## Loading

In a new process, with all dependencies:

${table(
  ['', 'passport-twilio', 'passport-oauth2', 'ratio'],
  Object.entries(imports).map(([how, { passportTwilio, passportOAuth2, against }]: [string, ImportFigures[keyof ImportFigures]]) => [`\`${how}\``, fine(passportTwilio), fine(passportOAuth2), ratio(against)])
)}
${typeof redis === 'string' ? '' : scaleOf(redis, machine.processors)}`
}

function refreshFigures({ tokenEndpointLatency, tokenRequests, p99WithoutRefresh, p99DuringRefresh, p99AgainstWithoutRefresh }: RefreshFigures): string {
  return `
## While a valid token is being refreshed

Guarded requests of one session, eight at a time, during a refresh that takes the token endpoint ${tokenEndpointLatency} ms:

${table(
    ['token requests', 'p99 without a refresh', 'p99 during the refresh', 'ratio'],
    [[list([...new Set(tokenRequests)].map(String)), fine(p99WithoutRefresh), fine(p99DuringRefresh), ratio(p99AgainstWithoutRefresh)]]
  )}
`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

function list(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`
}

function code(name: string): string {
  return name.replace(/[\w.]+\(\)/g, (call) => `\`${call}\``)
}

function micro(µs: number): string {
  return `${µs.toFixed(0)} µs`
}

function milli({ median }: Spread): string {
  return `${median.toFixed(0)} ms`
}

function fine({ median }: Spread): string {
  return `${median.toFixed(1)} ms`
}

function shown(figure: Spread | undefined): string {
  return figure === undefined ? 'not measured' : ratio(figure)
}

function ratio({ median }: Spread): string {
  return median.toFixed(2)
}

function thousands(count: number): string {
  return count.toLocaleString('en')
}
