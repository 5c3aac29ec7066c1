import assert from 'node:assert/strict'
import { withTimeLimit } from '../../lib/util/with-time-limit'

const never = new Promise<string>(() => undefined)

describe('withTimeLimit()', () => {
  it('resolves or rejects as the promise does, if that is in time', async () => {
    assert.equal(await withTimeLimit(60_000, Promise.resolve('done')), 'done')
    await assert.rejects(withTimeLimit(60_000, Promise.reject(new Error('failed'))), /failed/)
  })

  it('resolves to undefined when the time is over, at once for a negative time', async () => {
    assert.equal(await withTimeLimit(1, never), undefined)
    assert.equal(await withTimeLimit(-1, never), undefined)
  })
})
