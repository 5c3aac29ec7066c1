import assert from 'node:assert/strict'
import type { Acquired, Refreshes } from '../../../lib'
import { SharedStore } from '../../../lib/session/records/shared-store'
import { gate } from '../../support/gate'
import { ManualClock, settled } from '../../support/clock'

const REQUEST = { generation: 0, owner: 'this process', ttl: 15_000 }

/** What a store of the app's own may do although the interface does not allow it. */
const misbehaving = (call: () => unknown) => ({ read: call, acquire: call, save: call, release: call }) as unknown as Refreshes

describe('a store of records of the app itself', () => {
  it('that gives no outcome is an error that says so', async () => {
    for (const value of [undefined, null, 'OK', {}, { outcome: 'OK' }]) {
      const store = new SharedStore(misbehaving(() => Promise.resolve(value)), new ManualClock())
      await assert.rejects(store.acquire('name', REQUEST), /^Error: refreshes\.acquire\(\) resolved to a value without a valid outcome\.$/)
    }
  })

  it('that gives no outcome after the time limit does not end the process', async () => {
    const late = gate()
    const clock = new ManualClock()
    const store = new SharedStore(misbehaving(() => late.opened), clock)
    const acquiring = store.acquire('name', REQUEST, () => assert.fail('it has no lock'))
    acquiring.catch(() => undefined)
    await clock.pass(1000)
    await assert.rejects(acquiring, /didn't respond within 1000 ms/)
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    late.open()
    await settled()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    assert.deepEqual(unhandled, [])
  })

  it('that gives the lock after the time limit is told apart from one that does not', async () => {
    for (const [outcome, expected] of [['locked', 1], ['busy', 0]] as const) {
      const late = gate()
      const clock = new ManualClock()
      let locks = 0
      const store = new SharedStore(misbehaving(() => late.opened.then(() => ({ outcome, series: 's', expiresIn: 1 }) satisfies Acquired)), clock)
      const acquiring = store.acquire('name', REQUEST, () => locks++)
      acquiring.catch(() => undefined)
      await clock.pass(1000)
      late.open()
      await settled()
      assert.equal(locks, expected)
    }
  })

  it('that throws has failed just like one that rejects', async () => {
    const clock = new ManualClock()
    const store = new SharedStore(misbehaving(() => { throw new Error('It is not connected.') }), clock)
    await assert.rejects(store.read('name'), /It is not connected/)
    await clock.pass(5000)
    assert.equal(store.hasBeenSilentFor(5000), true)
  })
})
