import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { CATALOGUE } from './catalogue'
import { readResults, rowsOfCatalogue, TABLE_PATH, tableOf } from './results'
import { CONTENDERS } from './row'

const RUN_AGAIN = 'Run npm run faults again.'

describe('the table of faults', () => {
  it('has the rows of the catalogue, and no others, each with a result for each library', () => {
    const { rows } = readResults()
    assert.deepEqual(rows.map(({ where, name, must }) => ({ where, name, must })), rowsOfCatalogue(), RUN_AGAIN)
    for (const { results } of rows) assert.deepEqual(Object.keys(results), CONTENDERS)
  })

  it('counts what it has', () => {
    const { rows, totals } = readResults()
    for (const contender of CONTENDERS) {
      const results = rows.map(({ results: all }) => all[contender])
      const applicable = results.filter((result) => 'held' in result)
      assert.deepEqual([totals[contender].held, totals[contender].applicable], [applicable.filter(({ held }) => held).length, applicable.length])
    }
  })

  it('leaves no row of this package out', () => {
    for (const { results } of readResults().rows) assert.ok('held' in results['passport-twilio'])
  })

  it('is the one that the documentation shows', () => {
    assert.equal(readFileSync(TABLE_PATH, 'utf8'), tableOf(readResults()), RUN_AGAIN)
  })

  it('tells its rows apart by name', () => {
    for (const rows of Object.values(CATALOGUE)) assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length)
  })
})
