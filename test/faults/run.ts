import { readFileSync, writeFileSync } from 'node:fs'
import { AppHost } from './app-host'
import { CATALOGUE } from './catalogue'
import { atOnce } from './pool'
import { PATIENCE, RESULTS_PATH, TABLE_PATH, tableOf, type Result, type Results, type RowResult, type Total } from './results'
import { CONTENDERS, type ContenderName, type Row } from './row'
import { runRow, type Observed } from './run-row'
import { inWords, whyNotHeld, whyNotHeldByUs } from './verdict'

/** Runs the catalogue against this package and its peers, prints the totals, and writes the results down. */

/** Each row has a process of its own: a fault may kill it. */
const AT_ONCE = 4
const PACKAGES: Readonly<Record<ContenderName, string>> = { 'passport-twilio': 'package.json', 'passport-oauth2': 'node_modules/passport-oauth2/package.json', "openid-client's strategy": 'node_modules/openid-client/package.json' }

interface Judged {
  readonly result: Result
  readonly isLost: boolean
  readonly leaks: boolean
}

/** A busy machine must not decide: whoever gave no answer is asked once more. */
async function judge(row: Row, contender: ContenderName, built: string): Promise<Judged> {
  const judged = await judgeOnce(row, contender, built)
  return judged.isLost ? judgeOnce(row, contender, built) : judged
}

async function judgeOnce(row: Row, contender: ContenderName, built: string): Promise<Judged> {
  const notApplicable = contender === 'passport-twilio' ? undefined : row.notApplicable?.[contender]
  if (notApplicable !== undefined) return { result: { notApplicable }, isLost: false, leaks: false }
  const host = AppHost.start(built)
  try {
    const observed = await runRow(row, host, contender, 'v2', PATIENCE)
    const [why] = contender === 'passport-twilio' ? whyNotHeldByUs(row, observed) : whyNotHeld(row, observed)
    return { result: why === undefined ? { held: true } : { held: false, why: shortened(why) }, isLost: isLost(observed), leaks: observed.leaks.length > 0 }
  } catch (error) {
    if (host.isAlive) throw error
    return { result: { held: false, why: 'the process died' }, isLost: true, leaks: false }
  } finally {
    await host.stop()
  }
}

function isLost({ answer, isAlive }: Observed): boolean {
  return !isAlive || typeof answer === 'string'
}

const LONGEST = 60

/** The same at each run: no address, and nothing of what happened to be answered. */
function shortened(why: string): string {
  const [first = ''] = why.replace(/ ?\{.*/s, '').replace(/^Error: /, '').split('\n', 1)
  return first.slice(0, LONGEST)
}

function totalOf(judged: readonly Judged[]): Total {
  const applicable = judged.filter(({ result }) => 'held' in result)
  return {
    held: applicable.filter(({ result }) => 'held' in result && result.held).length,
    applicable: applicable.length,
    lost: applicable.filter(({ isLost: lost }) => lost).length,
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
  const run = atOnce(AT_ONCE)
  const all = byContender<Judged[]>(() => [])
  const rows = await Promise.all(
    Object.entries(CATALOGUE).flatMap(([where, ofPlace]) =>
      ofPlace.map(async (row, index): Promise<RowResult> => {
        const judged = await Promise.all(CONTENDERS.map((contender) => run(() => judge(row, contender, built))))
        const results = byContender<Result>((contender) => judged[CONTENDERS.indexOf(contender)]?.result ?? { notApplicable: 'was not run' })
        for (const [at, contender] of CONTENDERS.entries()) all[contender].push(...judged.slice(at, at + 1))
        process.stdout.write(`${where} (${index + 1}): ${row.name}: ${CONTENDERS.map((contender) => inShort(results[contender])).join(' | ')}\n`)
        return { where, name: row.name, must: inWords(row.outcome), results }
      })
    )
  )
  const results: Results = { node: process.versions.node, versions: byContender(versionOf), totals: byContender((contender) => totalOf(all[contender])), rows }
  writeFileSync(RESULTS_PATH, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(TABLE_PATH, tableOf(results))
  for (const [contender, { held, applicable, lost, leaks }] of Object.entries(results.totals)) {
    process.stdout.write(`${contender}: ${held} of ${applicable} rows held; ${lost} without an answer or with the process dead; ${leaks} leak\n`)
  }
  process.stdout.write(`Written to ${RESULTS_PATH} and ${TABLE_PATH}\n`)
}

function inShort(result: Result): string {
  if ('notApplicable' in result) return '-'
  return result.held ? 'held' : result.why
}

void main()
