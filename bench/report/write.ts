import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HERE } from '../package.ts'
import type { Results } from '../results.ts'
import { chartOf } from './chart.ts'
import { figuresPage } from './figures.ts'
import { readmeFigures } from './readme.ts'
import { scaleFigures } from './scale.ts'

export const RESULTS = join(HERE, 'bench/results.json')

export function readResults(): Results {
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as Results
}

export function writeReports(results: Results): void {
  for (const [file, text] of reportsOf(results)) writeFileSync(join(HERE, file), text)
}

/** The text of each file that contains figures. Of the README and docs/scale.md, only the part between two comments is written. */
export function reportsOf(results: Results): Map<string, string> {
  return new Map([
    ['bench/logins.svg', chartOf(results.logins)],
    ['docs/figures.md', figuresPage(results)],
    ['docs/scale.md', withSection('docs/scale.md', scaleFigures(results))],
    ['README.md', withSection('README.md', readmeFigures(results))]
  ])
}

const BEGINNING = '<!-- figures: written by npm run bench -->'
const END = '<!-- end of figures -->'

function withSection(file: string, figures: string): string {
  const text = readFileSync(join(HERE, file), 'utf8')
  const [beginning, end] = [text.indexOf(BEGINNING), text.indexOf(END)]
  if (beginning < 0 || end < beginning) throw new Error(`${file} has no "${BEGINNING}" before "${END}".`)
  return `${text.slice(0, beginning)}${BEGINNING}\n\n${figures}\n\n${text.slice(end)}`
}
