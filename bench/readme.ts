import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GrowthFigures } from './growth.ts'
import type { GuardFigures } from './guards.ts'
import type { ImportFigures } from './imports.ts'
import type { LoginFigures } from './logins.ts'
import type { RedisFigures } from './redis.ts'
import { scaleOf } from './scale.ts'
import type { Spread } from './statistics.ts'
import type { StormFigures } from './storm.ts'

/** The README's figures, written from results.json and never by hand. */

export interface Results {
  readonly machine: { readonly processor: string; readonly processors: number; readonly node: string; readonly versions: Readonly<Record<string, string>> }
  readonly logins: Readonly<Record<string, LoginFigures>>
  readonly guards: Readonly<Record<string, GuardFigures>>
  readonly storm: StormFigures
  readonly growth: GrowthFigures
  readonly redis: RedisFigures | string
  readonly imports: ImportFigures
}

const README = join(import.meta.dirname, '../README.md')
const BEGINNING = '<!-- figures: written by npm run bench -->'
const END = '<!-- end of figures -->'

export function readResults(): Results {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'results.json'), 'utf8')) as Results
}

/** What stands in the README now. */
export function writtenFigures(): string {
  const [, rest = ''] = readFileSync(README, 'utf8').split(BEGINNING)
  return rest.split(END)[0] ?? ''
}

export function writeFigures(results: Results): void {
  const readme = readFileSync(README, 'utf8')
  writeFileSync(README, readme.replace(BEGINNING + writtenFigures() + END, () => BEGINNING + figuresOf(results) + END))
}

export function figuresOf({ machine, logins, guards, storm, growth, redis, imports }: Results): string {
  const { versions } = machine
  return `

Everybody did the same work in turn, in one run of \`npm run bench\`: ${machine.processors} cores of ${machine.processor}, Node ${machine.node}, ${list(Object.entries(versions).filter(([name]) => name !== 'passport-twilio').map(([name, version]) => `${name} ${version}`))}. A ratio is the median of those of the single rounds. [All readings](bench/results.json).

**A whole login**: server CPU of the redirect, the callback with its token request, and the first guarded page; everybody with state, and all but the v1 dialect with PKCE.

![Server CPU of a whole login, against the hand-written minimum](bench/logins.svg)

${table(
  ['', 'CPU', 'against passport-oauth2', 'redirect / callback / page'],
  Object.entries(logins).map(([name, { cpu, cpuAgainstPassportOAuth2, parts }]) => [
    name,
    micro(cpu.median),
    ratio(cpuAgainstPassportOAuth2),
    `${Object.values(parts).map(({ median }) => median.toFixed(0)).join(' / ')} µs`
  ])
)}

"The minimum on Passport" is the hand-written minimum as a Passport strategy: what nothing on Passport can be cheaper than.

**A guarded request** with a live token, against the same page behind \`req.isAuthenticated()\`:

${table(
  ['', 'CPU', 'ratio'],
  Object.entries(guards).map(([name, { cpu, cpuAgainstIsAuthenticated }]) => [code(name), micro(cpu.median), ratio(cpuAgainstIsAuthenticated)])
)}

**A refresh storm**: 1,000 requests at once on one expired session, the token endpoint taking ${storm.tokenEndpointLatency} ms:

${table(
  ['', 'token requests', 'p50', 'p99', 'p99 with a live token'],
  Object.entries(storm.processes).map(([name, { tokenRequests, p50, p99, p99WithLiveToken }]) => [
    name,
    list([...new Set(tokenRequests)].map(String)),
    milli(p50),
    milli(p99),
    milli(p99WithLiveToken)
  ])
)}

**Growth**: a login costs ${list(Object.entries(growth.cpuPerLogin).map(([sessions, { median }]) => `${micro(median)} with ${thousands(Number(sessions))} ${Number(sessions) === 1 ? 'session' : 'sessions'}`))}. One more login that waits takes ${growth.bytesPerPendingLogin} bytes in the session. Loading the package in a new process takes ${ratio(imports.require.against)} times as long as loading passport-oauth2 with \`require\`, ${ratio(imports.import.against)} times with \`import\`.
${typeof redis === 'string' ? '' : scaleOf(redis, machine.processors)}
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

function ratio({ median }: Spread): string {
  return median.toFixed(2)
}

function thousands(count: number): string {
  return count.toLocaleString('en')
}
