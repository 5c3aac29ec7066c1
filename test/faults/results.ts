import { readFileSync } from 'node:fs'
import { CATALOGUE } from './catalogue'
import { CONTENDERS, type ContenderName } from './row'
import { inWords } from './verdict'

/** What `npm run faults` writes down, and what is made of it. */

export const RESULTS_PATH = 'test/faults/results.json'
export const TABLE_PATH = 'docs/faults.md'

/** What came of a row with one library. */
export type Result = { readonly held: true } | { readonly held: false; readonly why: string } | { readonly notApplicable: string }

export interface RowResult {
  readonly where: string
  readonly name: string
  readonly must: string
  readonly results: Readonly<Record<ContenderName, Result>>
}

export interface Total {
  readonly held: number
  readonly applicable: number
  /** Rows in which the library's process died, or nobody was answered. */
  readonly lost: number
  /** Rows in which a secret, a code or a token was in the log, in an error or in an answer. */
  readonly leaks: number
}

export interface Results {
  readonly node: string
  readonly versions: Readonly<Record<string, string>>
  readonly totals: Readonly<Record<ContenderName, Total>>
  readonly rows: readonly RowResult[]
}

export function readResults(): Results {
  return JSON.parse(readFileSync(RESULTS_PATH, 'utf8')) as Results
}

/** The rows as they must be in the results: what has changed in the catalogue has to be run again. */
export function rowsOfCatalogue(): Pick<RowResult, 'where' | 'name' | 'must'>[] {
  return Object.entries(CATALOGUE).flatMap(([where, rows]) => rows.map(({ name, outcome }) => ({ where, name, must: inWords(outcome) })))
}

export function tableOf({ node, versions, totals, rows }: Results): string {
  const heads = CONTENDERS.map((contender) => `${contender} ${versions[contender] ?? ''}`.trim())
  const lines = [
    '# What holds when Twilio or a visitor misbehaves',
    '',
    `Each row is a fault that a real app meets over real HTTP, once with each library, in a process of its own. A row is held (✓) if the visitor is answered within ${PATIENCE / 1000} s, the process lives, the outcome is the right one, and the next login works. An empty field: the row says nothing about that library. passport-twilio's rows also demand the right kind of error, and that no secret, code or token is in the log, the error (inspected to its depths) or the answer; for the peers that is counted by itself.`,
    '',
    'The peers are set up as their own documentation has it: passport-oauth2 with `state` and `pkce`, and an app that looks at audience and expiry of the ID token by itself; openid-client with its Passport strategy and the same deadline as passport-twilio.',
    '',
    `Written by \`npm run faults\`, on Node ${node}. The rows, and why each matters: [test/faults/catalogue](../test/faults/catalogue).`,
    '',
    ...table(['', ...heads], [
      ['rows held', ...CONTENDERS.map((contender) => share(totals[contender].held, totals[contender].applicable))],
      ['of these, by what is at fault:', ...CONTENDERS.map(() => '')],
      ...Object.keys(CATALOGUE).map((where) => [where.toLowerCase(), ...CONTENDERS.map((contender) => shareOf(rows.filter((row) => row.where === where), contender))]),
      ['rows without an answer, or with the process dead', ...CONTENDERS.map((contender) => String(totals[contender].lost))],
      ['rows that leak a secret, a code or a token', ...CONTENDERS.map((contender) => String(totals[contender].leaks))]
    ])
  ]
  for (const where of Object.keys(CATALOGUE)) {
    const cells = rows.filter((row) => row.where === where).map(({ name, must, results }) => [name, must, ...CONTENDERS.map((contender) => mark(results[contender]))])
    lines.push('', `## ${where}`, '', ...table(['fault', 'must be', ...heads], cells))
  }
  return `${lines.join('\n')}\n`
}

/** How long a visitor waits for an answer, in ms. */
export const PATIENCE = 5000

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`)
}

function shareOf(rows: readonly RowResult[], contender: ContenderName): string {
  const applicable = rows.map(({ results }) => results[contender]).filter((result) => 'held' in result)
  return applicable.length === 0 ? '' : share(applicable.filter(({ held }) => held).length, applicable.length)
}

function share(held: number, applicable: number): string {
  return `${held} of ${applicable}`
}

function mark(result: Result): string {
  if ('notApplicable' in result) return ''
  return result.held ? '✓' : `✗ ${result.why}`
}
