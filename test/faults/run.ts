import { readFileSync, writeFileSync } from 'node:fs'
import { AppHost } from './app-host'
import { CATALOGUE } from './catalogue'
import { limitConcurrency } from './limit-concurrency'
import { MAX_WAIT, RESULTS_PATH, TABLE_PATH, tableOf, type Result, type Results, type RowResult, type Total } from './results'
import { CONTENDERS, type ContenderName, type Row } from './row'
import { runRow, type Observed } from './run-row'
import { describeOutcome, problemsOf, problemsOfOurs } from './verdict'

/** Runs the catalogue with this package and its peers, prints the totals, and saves the results. */

/** Each row runs in its own process, since a fault may crash it. */
const MAX_CONCURRENT_ROWS = 4
const PACKAGES: Readonly<Record<ContenderName, string>> = { 'passport-twilio': 'package.json', 'passport-oauth2': 'node_modules/passport-oauth2/package.json', "openid-client's strategy": 'node_modules/openid-client/package.json' }

interface Verdict {
  readonly result: Result
  readonly isUnanswered: boolean
  readonly leaks: boolean
}

/** Retries a row without a response once, because the machine may just have been busy. */
async function judge(row: Row, contender: ContenderName, built: string): Promise<Verdict> {
  const judged = await judgeOnce(row, contender, built)
  return judged.isUnanswered ? judgeOnce(row, contender, built) : judged
}

async function judgeOnce(row: Row, contender: ContenderName, built: string): Promise<Verdict> {
  const notApplicable = contender === 'passport-twilio' ? undefined : row.notApplicable?.[contender]
  if (notApplicable !== undefined) return { result: { notApplicable }, isUnanswered: false, leaks: false }
  const host = AppHost.start(built)
  try {
    const observed = await runRow(row, host, contender, 'v2', MAX_WAIT)
    const [why] = contender === 'passport-twilio' ? problemsOfOurs(row, observed) : problemsOf(row, observed)
    return { result: why === undefined ? { held: true } : { held: false, why: shortened(why) }, isUnanswered: isUnanswered(observed), leaks: observed.leaks.length > 0 }
  } catch (error) {
    if (host.isAlive) throw error
    return { result: { held: false, why: 'the process died' }, isUnanswered: true, leaks: false }
  } finally {
    await host.stop()
  }
}

function isUnanswered({ response, isAlive }: Observed): boolean {
  return !isAlive || typeof response === 'string'
}

const MAX_REASON_LENGTH = 60

/** Removes what differs between runs, such as URLs and response bodies. */
function shortened(why: string): string {
  const [first = ''] = why.replace(/ ?\{.*/s, '').replace(/^Error: /, '').split('\n', 1)
  return first.slice(0, MAX_REASON_LENGTH)
}

function totalOf(judged: readonly Verdict[]): Total {
  const applicable = judged.filter(({ result }) => 'held' in result)
  return {
    held: applicable.filter(({ result }) => 'held' in result && result.held).length,
    applicable: applicable.length,
    lost: applicable.filter(({ isUnanswered: unanswered }) => unanswered).length,
    leaks: applicable.filter(({ leaks }) => leaks).length
  }
}

function byContender<Value>(valueOf: (contender: ContenderName) => Value): Record<ContenderName, Value> {
  return Object.fromEntries(CONTENDERS.map((contender) => [contender, valueOf(contender)])) as Record<ContenderName, Value>
}

function versionOf(contender: ContenderName): string {
  return (JSON.parse(readFileSync(PACKAGES[contender], 'utf8')) as { version: string }).version
}

async function main(): Promise<void> {
  const built = await AppHost.build()
  const run = limitConcurrency(MAX_CONCURRENT_ROWS)
  const all = byContender<Verdict[]>(() => [])
  const rows = await Promise.all(
    Object.entries(CATALOGUE).flatMap(([where, rowsThere]) =>
      rowsThere.map(async (row, index): Promise<RowResult> => {
        const judged = await Promise.all(CONTENDERS.map((contender) => run(() => judge(row, contender, built))))
        const results = byContender<Result>((contender) => judged[CONTENDERS.indexOf(contender)]?.result ?? { notApplicable: 'was not run' })
        for (const [at, contender] of CONTENDERS.entries()) all[contender].push(...judged.slice(at, at + 1))
        process.stdout.write(`${where} (${index + 1}): ${row.name}: ${CONTENDERS.map((contender) => inShort(results[contender])).join(' | ')}\n`)
        return { where, name: row.name, must: describeOutcome(row.outcome), results }
      })
    )
  )
  const results: Results = { node: process.versions.node, versions: byContender(versionOf), totals: byContender((contender) => totalOf(all[contender])), rows }
  writeFileSync(RESULTS_PATH, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(TABLE_PATH, tableOf(results))
  for (const [contender, { held, applicable, lost, leaks }] of Object.entries(results.totals)) {
    process.stdout.write(`${contender}: ${held} of ${applicable} rows held; ${lost} without a response or with a crashed process; ${leaks} with a leak\n`)
  }
  process.stdout.write(`Saved to ${RESULTS_PATH} and ${TABLE_PATH}\n`)
}

function inShort(result: Result): string {
  if ('notApplicable' in result) return '-'
  return result.held ? 'held' : result.why
}

void main()
