import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

describe('the figures', () => {
  it('in the README, docs/figures.md, docs/scale.md and the chart are exactly those of bench/results.json', async () => {
    await promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/check-reports.ts'])
  })

  it('in the README are five, each with a link to how it was measured', () => {
    const [, figures = ''] = readFileSync('README.md', 'utf8').split('<!-- figures: written by npm run bench -->')
    const rows = figures.split('<!-- end of figures -->')[0]?.split('\n').filter((line) => line.startsWith('| ['))
    assert.equal(rows?.length, 5)
    for (const row of rows) assert.match(row, /\]\(docs\/figures\.md#[\w-]+\)/)
  })

  it('in docs/figures.md begin with the question that they answer, and end with the command that repeats the measurement', () => {
    const sections = readFileSync('docs/figures.md', 'utf8').split(/^## /m).slice(1)
    assert.ok(sections.length > 0)
    for (const section of sections) assert.match(section, /^[^\n]+\n\n[^.\n]+\?[\s\S]+`npm run bench -- --only=\w+`/)
  })
})
