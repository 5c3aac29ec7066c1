import { equal } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HERE } from './package.ts'
import { readResults, reportsOf } from './report/write.ts'

/** Fails if the figures in the README, docs/ or the chart differ from results.json. */
for (const [file, text] of reportsOf(readResults())) {
  equal(readFileSync(join(HERE, file), 'utf8'), text, `The figures in ${file} differ from bench/results.json. Run npm run bench instead of editing them.`)
}
