import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { CATALOGUE } from './catalogue'
import { readResults, rowsOfCatalogue, TABLE_PATH, tableOf } from './results'
import { CONTENDERS } from './row'

const RUN_AGAIN = 'Run npm run faults again.'

describe('the results of the fault tests', () => {
  it('contain exactly the rows of the catalogue, each with a result for every library', () => {
    const { rows } = readResults()
    assert.deepEqual(rows.map(({ where, name, must }) => ({ where, name, must })), rowsOfCatalogue(), RUN_AGAIN)
    for (const { results } of rows) assert.deepEqual(Object.keys(results), CONTENDERS)
  })

  it('have totals that match their rows', () => {
    const { rows, totals } = readResults()
    for (const contender of CONTENDERS) {
      const results = rows.map(({ results: all }) => all[contender])
      const applicable = results.filter((result) => 'held' in result)
      assert.deepEqual([totals[contender].held, totals[contender].applicable], [applicable.filter(({ held }) => held).length, applicable.length])
    }
  })

  it('apply every row to passport-twilio', () => {
    for (const { results } of readResults().rows) assert.ok('held' in results['passport-twilio'])
  })

  it('are the ones in docs/faults.md', () => {
    assert.equal(readFileSync(TABLE_PATH, 'utf8'), tableOf(readResults()), RUN_AGAIN)
  })

  it('have a unique name for each row of a section', () => {
    for (const rows of Object.values(CATALOGUE)) assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length)
  })
})
