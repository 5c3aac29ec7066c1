import assert from 'node:assert/strict'
import { Troubles } from '../properties/troubles'
import { patiently } from '../../lib/util/patience'

/** A clock whose pauses a test ends by hand. */
function manualClock() {
  const pauses: { ms: number; end: () => void }[] = []
  const sleep = (ms: number) => new Promise<void>((end) => void pauses.push({ ms, end }))
  return { pauses, sleep }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describe('patiently()', () => {
  it('resolves to the result', async () => {
    const { sleep } = manualClock()
    assert.deepEqual(await patiently(Promise.resolve(7), 1000, { sleep }), { result: 7 })
    assert.deepEqual(await patiently(Promise.resolve(undefined), 1000, { sleep }), { result: undefined })
  })

  it('rejects as the promise does', async () => {
    const error = new Error('no')
    await assert.rejects(patiently(Promise.reject(error), 1000, manualClock()), error)
  })

  it('resolves to undefined after ten steps that add up to the time', async () => {
    const { pauses, sleep } = manualClock()
    let outcome: unknown = 'waiting'
    void patiently(new Promise(() => undefined), 1000, { sleep }).then((result) => (outcome = result))
    for (let step = 1; step <= 10; step++) {
      await turn()
      assert.deepEqual([pauses.length, outcome], [step, 'waiting'])
      pauses.at(-1)?.end()
    }
    await turn()
    assert.equal(outcome, undefined)
    assert.equal(pauses.reduce((sum, { ms }) => sum + ms, 0), 1000)
  })

  it('accepts a reply that arrived while the event loop was blocked, however long that was', async () => {
    const { pauses, sleep } = manualClock()
    let reply: ((value: string) => void) | undefined
    const waiting = patiently(new Promise<string>((resolve) => (reply = resolve)), 1000, { sleep })
    await turn()
    // After the stall, the timer is due first, and the reply is read from its socket in the same turn.
    pauses[0]?.end()
    await Promise.resolve()
    setImmediate(() => reply?.('here'))
    assert.deepEqual(await waiting, { result: 'here' })
  })

  it('leaves no unhandled rejection when the promise rejects too late', async () => {
    const troubles = new Troubles()
    troubles.watch()
    try {
      let fail: ((error: Error) => void) | undefined
      const late = new Promise<never>((_resolve, reject) => (fail = reject))
      assert.equal(await patiently(late, 10, { sleep: () => Promise.resolve() }), undefined)
      fail?.(new Error('too late'))
      assert.deepEqual(await troubles.take(), [])
    } finally {
      troubles.unwatch()
    }
  })
})
