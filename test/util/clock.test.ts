import assert from 'node:assert/strict'
import { systemClock } from '../../lib/util/clock'

/** The timers that keep the process alive. */
const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

describe('systemClock.sleep()', () => {
  it('keeps the process alive, unless it is in the background', async () => {
    const before = timers()
    const sleeps = [systemClock.sleep(1)]
    assert.equal(timers(), before + 1)
    sleeps.push(systemClock.sleep(1, {}), systemClock.sleep(1, { inBackground: false }))
    assert.equal(timers(), before + 3)
    sleeps.push(systemClock.sleep(1, { inBackground: true }))
    assert.equal(timers(), before + 3)
    await Promise.all(sleeps)
  })
})
