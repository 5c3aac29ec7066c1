import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applyMutation, MUTATIONS, ROOT } from './mutations'
import { runSchedule } from './schedule'

/** Raise it to explore more, or use `npm run simulate`. */
const SCHEDULES = Number(process.env.SIMULATE_SCHEDULES ?? 1500)

describe('Logins, refreshes and logouts, in any order of events', () => {
  const randomSeed = Number(process.env.SIMULATE_SEED ?? Math.floor(Math.random() * 1e9))

  for (const [name, seed] of [
    ['from a fixed seed', 1],
    [`from the random seed ${randomSeed}`, randomSeed]
  ] as const) {
    it(`keep what is promised in ${SCHEDULES} schedules ${name}`, async function () {
      this.timeout(120_000)
      for (let one = seed; one < seed + SCHEDULES; one++) {
        const { violations } = await runSchedule(one)
        if (violations.length === 0) continue
        const { trace } = await runSchedule(one, { isTraced: true })
        assert.fail(`Seed ${one} breaks a promise. See it again: SIMULATE_SEED=${one} SIMULATE_SCHEDULES=1 npm run simulate\n${trace.join('\n')}`)
      }
    })
  }

  it('are the same each time that a seed is run', async () => {
    const [first, second] = [await runSchedule(7, { isTraced: true }), await runSchedule(7, { isTraced: true })]

    assert.ok(first.trace.length > 10)
    assert.deepEqual(first.trace, second.trace)
  })

  for (const mutation of MUTATIONS) {
    it(`can be given the fault again: ${mutation.fault}`, async () => {
      for (const change of mutation.changes) {
        const source = await readFile(join(ROOT, change.file), 'utf8')
        assert.notEqual(applyMutation(source, change), source)
      }
    })
  }
})
