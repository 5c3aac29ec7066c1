import assert from 'node:assert/strict'
import { within } from '../../lib/util/within'

const never = new Promise<string>(() => undefined)

describe('within()', () => {
  it('gives what it gives, or fails as it fails, when it is done in time', async () => {
    assert.equal(await within(60_000, Promise.resolve('done')), 'done')
    await assert.rejects(within(60_000, Promise.reject(new Error('failed'))), /failed/)
  })

  it('gives nothing when it takes longer', async () => {
    assert.equal(await within(1, never), undefined)
    assert.equal(await within(-1, never), undefined)
  })
})
