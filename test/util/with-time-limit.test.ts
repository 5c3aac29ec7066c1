import assert from 'node:assert/strict'
import { withTimeLimit } from '../../lib/util/with-time-limit'

const never = new Promise<string>(() => undefined)

describe('withTimeLimit()', () => {
  it('resolves or rejects as the promise does, if that is in time', async () => {
    assert.equal(await withTimeLimit(60_000, Promise.resolve('done')), 'done')
    await assert.rejects(withTimeLimit(60_000, Promise.reject(new Error('failed'))), /failed/)
  })

  it('leaves no timer that keeps the process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    // Mocha's own timer starts in between.
    await turn()
    const before = timers()
    await withTimeLimit(60_000, Promise.resolve())
    await turn()
    assert.ok(timers() <= before)
  })

  it('resolves to undefined when the time is over, at once for a negative time', async () => {
    assert.equal(await withTimeLimit(1, never), undefined)
    assert.equal(await withTimeLimit(-1, never), undefined)
  })
})
