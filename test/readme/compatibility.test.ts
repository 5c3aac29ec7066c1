import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { compatibilityPage, readResults } from '../package/compatibility'
import { SETUPS } from '../package/setups'

describe('docs/compatibility.md', () => {
  it('has exactly the results of the last runs in test/package/results.json', () => {
    assert.equal(readFileSync('docs/compatibility.md', 'utf8'), compatibilityPage(readResults()))
  })

  it('has the day on which each set-up passed (SETUPS_TABLE=1 npm run test:setups writes it)', () => {
    const results = readResults()
    assert.deepEqual(SETUPS.map(({ name }) => name).filter((name) => !results[name]), [])
  })
})
