import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine } from './machine.ts'
import { print } from './print.ts'
import { readResults, RESULTS, writeReports } from './report/write.ts'
import type { Results } from './results.ts'
import { FULL, QUICK } from './sizes.ts'
import { closeConnections } from './visitor.ts'
import { measureAgainst } from './workloads/against.ts'
import { measureGrowth } from './workloads/growth.ts'
import { measureGuards } from './workloads/guards.ts'
import { measureLatency } from './workloads/latency.ts'
import { measureLoad } from './workloads/load.ts'
import { measureLogins } from './workloads/logins.ts'
import { measureRefreshing } from './workloads/refreshing.ts'
import { measureRoundTrips } from './workloads/round-trips.ts'
import { measureStorm } from './workloads/storm.ts'

/**
 * Measures everything in docs/figures.md, and writes it with the other reports.
 *
 * `--only=growth` measures a single workload. `--quick` measures less, and writes nothing. `--against=REF` compares this checkout
 * with another commit instead, and writes nothing.
 */

const { quick = false, only, against } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' }, against: { type: 'string' } } }).values
const sizes = quick ? QUICK : FULL

const workloads = {
  logins: () => measureLogins(sizes.logins),
  roundTrips: () => measureRoundTrips(sizes.roundTrips),
  guards: () => measureGuards(sizes.guards),
  refreshing: () => measureRefreshing(sizes.refreshing),
  storm: () => measureStorm(sizes.storm),
  growth: () => measureGrowth(sizes.growth),
  load: () => measureLoad(sizes.load),
  latency: () => measureLatency(sizes.latency)
} satisfies Partial<Record<keyof Results, () => Promise<object>>>

if (only !== undefined && !(only in workloads)) throw new Error(`Unknown workload in --only=${only}. Choose one of: ${Object.keys(workloads).join(', ')}.`)

if (against === undefined) await measureWorkloads()
else print(await measureAgainst(against, sizes))
closeConnections()

async function measureWorkloads(): Promise<void> {
  const figures: Record<string, string | object> = { measured: new Date().toISOString().slice(0, 10), machine: machine() }
  for (const [name, measure] of Object.entries(workloads)) {
    if (only !== undefined && only !== name) continue
    const started = performance.now()
    const measured = await measure()
    figures[name] = measured
    console.log(`\n${name} (${((performance.now() - started) / 1000).toFixed(0)} s)`)
    print(measured)
  }
  if (quick) return
  const others = only === undefined ? {} : readResults()
  const results = { ...others, ...figures } as Results
  writeFileSync(RESULTS, JSON.stringify(results, null, 2) + '\n')
  writeReports(results)
}
