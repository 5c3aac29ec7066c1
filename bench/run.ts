import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { chartOf } from './chart.ts'
import { measureGrowth } from './growth.ts'
import { measureGuards } from './guards.ts'
import { measureImports } from './imports.ts'
import { measureLogins } from './logins.ts'
import { ProviderProcess } from './provider.ts'
import { writeFigures, type Results } from './readme.ts'
import type { Spread } from './statistics.ts'
import { measureRedis } from './redis.ts'
import { measureRefresh } from './refresh.ts'
import { measureStorm } from './storm.ts'
import { closeConnections } from './visitor.ts'

/** Measures all figures in the README. `--only=growth` measures a single workload; `--quick` measures less and saves nothing. */

const isQuick = process.argv.includes('--quick')
const only = process.argv.find((parameter) => parameter.startsWith('--only='))?.slice('--only='.length)
const sizes = isQuick
  ? { logins: { generations: 1, generationsFurtherOff: 1, warmUp: 2400, rounds: 5, logins: 100 }, guards: { rounds: 10, requests: 500 }, storm: { rounds: 3 }, refresh: { rounds: 8 }, growth: { rounds: 1 }, imports: { rounds: 5 } }
  : { logins: { generations: 6, generationsFurtherOff: 2, warmUp: 5000, rounds: 24, logins: 100 }, guards: { rounds: 300, requests: 200 }, storm: { rounds: 9 }, refresh: { rounds: 15 }, growth: { rounds: 6 }, imports: { rounds: 40 } }

const workloads = {
  logins: () => measureLogins(provider.provider, sizes.logins),
  guards: () => measureGuards(provider.provider, sizes.guards),
  storm: () => measureStorm(sizes.storm),
  refresh: () => measureRefresh(sizes.refresh),
  growth: () => measureGrowth(provider.provider, sizes.growth),
  redis: () => measureRedis(provider.provider),
  imports: () => Promise.resolve(measureImports(sizes.imports))
}
if (only !== undefined && !(only in workloads)) throw new Error(`Unknown workload in --only=${only}. Choose one of: ${Object.keys(workloads).join(', ')}.`)
const provider = await ProviderProcess.start()
const measuredSizes = Object.fromEntries(Object.entries(sizes).filter(([name]) => only === undefined || only === name))
const figures: Record<string, unknown> = { machine: machine() }
for (const [name, measure] of Object.entries(workloads)) {
  if (only !== undefined && only !== name) continue
  console.log(`\n${name}`)
  figures[name] = await measure()
  print(figures[name])
}
provider.stop()
closeConnections()

if (!isQuick) {
  const path = join(import.meta.dirname, 'results.json')
  const others = (only === undefined ? {} : JSON.parse(readFileSync(path, 'utf8'))) as Partial<Results>
  const results = { ...others, ...figures, sizes: { ...others.sizes, ...measuredSizes } } as unknown as Results
  writeFileSync(path, JSON.stringify(results, null, 2) + '\n')
  writeFileSync(join(import.meta.dirname, 'logins.svg'), chartOf(results.logins))
  writeFigures(results)
}

function machine(): Results['machine'] {
  const require = createRequire(import.meta.url)
  const packages = ['passport-twilio', 'passport', 'passport-oauth2', 'openid-client', 'grant', 'express-openid-connect', 'express', 'express-session']
  const versionOf = (name: string) => (JSON.parse(readFileSync(join(require.resolve.paths(name)?.[1] ?? '', name, 'package.json'), 'utf8')) as { version: string }).version
  const [{ model } = { model: 'unknown' }] = cpus()
  return { processor: model, processors: cpus().length, node: process.version, versions: Object.fromEntries(packages.map((name) => [name, versionOf(name)])) }
}

function print(measured: unknown, indent = '  '): void {
  for (const [name, value] of Object.entries(measured as Record<string, unknown>)) {
    if (isSpread(value)) console.log(`${indent}${name}: ${value.median.toFixed(3)} (${value.min.toFixed(3)} to ${value.max.toFixed(3)})`)
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      console.log(indent + name)
      print(value, `${indent}  `)
    } else console.log(`${indent}${name}: ${String(value)}`)
  }
}

function isSpread(value: unknown): value is Spread {
  return typeof value === 'object' && value !== null && 'median' in value && typeof value.median === 'number'
}
