import assert from 'node:assert/strict'
import { Predecessor } from '../../../lib/session/records/predecessor'

describe('the previous owner of a lock', () => {
  it('has been seen as soon as its lock was found, or another one', () => {
    for (const see of [(previous: Predecessor) => previous.noteBusy('a', 1000), (previous: Predecessor) => previous.hasFinished('a', 0)]) {
      const previous = new Predecessor()
      assert.equal(previous.wasSeen, false)
      see(previous)
      assert.equal(previous.wasSeen, true)
    }
  })

  it('has finished when the next lock continues its series', () => {
    const previous = new Predecessor()
    previous.noteBusy('a', 1000)
    assert.equal(previous.hasFinished('a', 0), true)
  })

  it('whose lock was lost has finished when that would have expired', () => {
    const previous = new Predecessor()
    previous.noteBusy('a', 1000)
    previous.noteBusy('b', 50)
    assert.equal(previous.hasFinished('c', 999), false)
    assert.equal(previous.hasFinished('c', 1000), true)
  })

  it('has expired with its lock, and not before an earlier one that was lost', () => {
    const previous = new Predecessor()
    assert.equal(previous.hasExpired(0), true)
    previous.noteBusy('a', 1000)
    previous.noteBusy('a', 500)
    assert.deepEqual([999, 1000].map((now) => previous.hasExpired(now)), [false, true])
    previous.noteBusy('b', 500)
    assert.deepEqual([999, 1000].map((now) => previous.hasExpired(now)), [false, true])
    previous.noteBusy('b', 2000)
    assert.deepEqual([1999, 2000].map((now) => previous.hasExpired(now)), [false, true])
  })
})
