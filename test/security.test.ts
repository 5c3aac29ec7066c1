import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ID = /SEC-\d{2}/g

/** The IDs in the last column of SECURITY.md's table, row by row. */
function idsInTable(): string[] {
  const rows = readFileSync('SECURITY.md', 'utf8').split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:threat|---)/.test(line))
  return rows.map((row) => {
    const [, id] = /\| `(SEC-\d{2})` \|$/.exec(row) ?? []
    assert.ok(id, `SECURITY.md has a row without a test: ${row}`)
    return id
  })
}

/** The IDs in the names of tests and of the rows of faults, as they stand in the sources. */
function idsInTests(): string[] {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
  return files.flatMap((file) => readFileSync(join('test', file), 'utf8').match(ID) ?? [])
}

describe('SECURITY.md', () => {
  it('has a test for each threat, by an ID of its own', () => {
    const ids = idsInTable()
    assert.ok(ids.length > 30)
    assert.deepEqual(ids, [...new Set(ids)])
  })

  it('refers to every test that has such an ID, and each ID stands in the tests once', () => {
    assert.deepEqual(idsInTests().sort(), idsInTable().sort())
  })
})
