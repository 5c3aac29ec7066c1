import assert from 'node:assert/strict'
import { Freshness, isAlive, isUsable, type Lifetime } from '../../lib/session/freshness'

const NOW = 1_800_000_000_000

/** A token that expires in some ms, of a lifetime of an hour unless a test says otherwise. */
function expiresIn(ms: number, lifetime = 3_600_000): Lifetime {
  return { receivedAt: NOW + ms - lifetime, tokens: { expiresAt: NOW + ms } }
}

function isStale(freshness: Freshness, ms: number, lifetime?: number): boolean {
  return freshness.isStale(expiresIn(ms, lifetime), NOW)
}

describe('a token', () => {
  it('is stale a minute before its expiry, or at the leeway of the app', () => {
    assert.deepEqual([isStale(new Freshness(), 60_001), isStale(new Freshness(), 60_000)], [false, true])
    assert.deepEqual([isStale(new Freshness(5000), 5001), isStale(new Freshness(5000), 5000)], [false, true])
    assert.deepEqual([isStale(new Freshness(0), 1), isStale(new Freshness(0), 0)], [false, true])
  })

  it('that lives for less than two minutes is stale in the second half of its life, unless the app has set a leeway', () => {
    const minute = 60_000
    assert.deepEqual([isStale(new Freshness(), 30_001, minute), isStale(new Freshness(), 30_000, minute)], [false, true])
    assert.deepEqual([isStale(new Freshness(), 60_001, 2 * minute), isStale(new Freshness(), 60_000, 2 * minute)], [false, true])
    assert.equal(isStale(new Freshness(60_000), 60_000, minute), true)
    assert.equal(isStale(new Freshness(60_000), 30_001, minute), true)
  })

  it('of which it is not known when it was received is stale a minute before its expiry', () => {
    const unknown = (ms: number): Lifetime => ({ receivedAt: 0, tokens: { expiresAt: NOW + ms } })
    assert.deepEqual([new Freshness().isStale(unknown(60_001), NOW), new Freshness().isStale(unknown(60_000), NOW)], [false, true])
  })

  it('that was received with no life left is stale and dead, wherever the clocks stand', () => {
    const dead: Lifetime = { receivedAt: NOW, tokens: { expiresAt: NOW - 3_600_000 } }
    assert.deepEqual([new Freshness().isStale(dead, NOW), isAlive(dead, NOW), isUsable(dead, NOW)], [true, false, false])
  })

  it('that is marked as expired by a machine whose clock is behind is stale', () => {
    const marked: Lifetime = { receivedAt: NOW + 3000, tokens: { expiresAt: NOW } }
    assert.deepEqual([new Freshness().isStale(marked, NOW), new Freshness().isStale(marked, NOW + 10)], [true, true])
  })

  it('without an expiry is never stale, and always alive', () => {
    const forever: Lifetime = { receivedAt: NOW, tokens: {} }
    assert.deepEqual([new Freshness().isStale(forever, Infinity), isAlive(forever, Infinity), isUsable(forever, Infinity)], [false, true, true])
  })

  it('is alive until its expiry', () => {
    assert.deepEqual([isAlive(expiresIn(1), NOW), isAlive(expiresIn(0), NOW)], [true, false])
  })

  it('is usable for a request until 10 s before its expiry', () => {
    assert.deepEqual([isUsable(expiresIn(10_001), NOW), isUsable(expiresIn(10_000), NOW)], [true, false])
  })
})
