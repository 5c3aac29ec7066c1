import { readFileSync, writeFileSync } from 'node:fs'
import { SETUPS } from './setups'

const RESULTS = 'test/package/results.json'
const PAGE = 'docs/compatibility.md'

/** The last run in which a set-up passed, in all versions of Node. */
export interface Result {
  /** The day in UTC, such as `2026-11-27`. */
  readonly date: string
  /** The versions of Node, such as `20.19.5`; none for other runtimes. */
  readonly nodes: readonly string[]
  /** The installed packages, such as `express 5.3.0`. */
  readonly packages: readonly string[]
}

/** The results by the set-ups' names. */
export type Results = Readonly<Record<string, Result>>

export function readResults(): Results {
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as Results
}

/** Adds the results of a run, and writes the page anew. A set-up that did not pass keeps its last result. */
export function recordResults(passed: Results): void {
  const results = { ...readResults(), ...passed }
  const current = SETUPS.flatMap(({ name }) => (results[name] ? [[name, results[name]] as const] : []))
  writeFileSync(RESULTS, `${JSON.stringify(Object.fromEntries(current), null, 2)}\n`)
  writeFileSync(PAGE, compatibilityPage(readResults()))
}

/** The text of docs/compatibility.md. */
export function compatibilityPage(results: Results): string {
  return `# Where the package is tried

<!-- Written by SETUPS_TABLE=1 npm run test:setups -->

\`npm run test:setups\` installs the packed package in [projects of their own](../test/package/projects). Nearly every one starts an app, logs in through the [sandbox](sandbox.md), and has an expiring token refreshed. The table has the versions that were installed, and the last day on which each set-up passed.

| set-up | Node | packages | last passed |
| --- | --- | --- | --- |
${SETUPS.map(({ name }) => row(name, results[name])).join('\n')}
`
}

function row(name: string, result: Result | undefined): string {
  if (!result) return `| ${name} | | | never |`
  return `| ${name} | ${result.nodes.join(', ')} | ${result.packages.join(', ')} | ${result.date} |`
}
