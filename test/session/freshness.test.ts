import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { Freshness, isAlive } from '../../lib/session/freshness'
import { tokensOf } from '../support/session-app'

const NOW = 1_800_000_000_000

/** Whether tokens are stale so many ms before their end. */
function staleBefore(freshness: Freshness, ms: number, life?: { iat?: unknown; exp?: unknown }): boolean {
  return freshness.isStale(tokensOf({ expiresAt: NOW + ms, claims: { ...life } }))
}

describe('a token', () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: NOW }))
  after(() => mock.timers.reset())

  it('is stale a minute before its end, unless the application says otherwise', () => {
    assert.deepEqual([staleBefore(new Freshness(), 60_001), staleBefore(new Freshness(), 60_000)], [false, true])
    assert.deepEqual([staleBefore(new Freshness(5000), 5001), staleBefore(new Freshness(5000), 5000)], [false, true])
    assert.deepEqual([staleBefore(new Freshness(0), 1), staleBefore(new Freshness(0), 0)], [false, true])
  })

  it('that lives shorter than two minutes is stale in the second half of its life', () => {
    const seconds = (life: number) => ({ iat: 100, exp: 100 + life })
    assert.deepEqual([staleBefore(new Freshness(), 30_001, seconds(60)), staleBefore(new Freshness(), 30_000, seconds(60))], [false, true])
    assert.deepEqual([staleBefore(new Freshness(), 60_001, seconds(3600)), staleBefore(new Freshness(), 60_000, seconds(3600))], [false, true])
    assert.equal(staleBefore(new Freshness(60_000), 30_001, seconds(60)), true, 'but not if the application chose a leeway')
  })

  it('whose claims make no sense is taken to live for long', () => {
    for (const claims of [{ iat: 200, exp: 100 }, { iat: 100, exp: 100 }, { iat: '100', exp: 160 }, { iat: 100, exp: '160' }, { iat: 100 }]) {
      assert.equal(staleBefore(new Freshness(), 60_000, claims), true)
      assert.equal(staleBefore(new Freshness(), 60_001, claims), false)
    }
  })

  it('that does not say when it ends is never stale, and alive', () => {
    const tokens = tokensOf({ expiresAt: undefined })
    assert.equal(new Freshness().isStale(tokens), false)
    assert.equal(isAlive(tokens), true)
  })

  it('is alive to its end', () => {
    assert.deepEqual([isAlive(tokensOf({ expiresAt: NOW + 1 })), isAlive(tokensOf({ expiresAt: NOW }))], [true, false])
  })

  describe('that came of a refresh is used', () => {
    const freshness = new Freshness()
    const usable = (expiresAt: number | undefined, at: number) => freshness.isUsable({ tokens: tokensOf({ expiresAt }), at }, NOW)

    it('whatever it is, if the refresh was done for this request', () => {
      assert.equal(usable(NOW - 1, NOW), true)
      assert.equal(usable(NOW - 1, NOW + 1), true)
    })

    it('if it is not about to end, when it was done for an earlier one', () => {
      assert.deepEqual([usable(NOW + 60_001, NOW - 600_000), usable(NOW + 60_000, NOW - 600_000)], [true, false])
      assert.deepEqual([usable(NOW + 10_001, NOW - 10_000), usable(NOW + 10_000, NOW - 10_000)], [true, false], 'in the first half of its life')
      assert.equal(usable(undefined, NOW - 600_000), true)
    })
  })
})
