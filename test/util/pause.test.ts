import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { pause } from '../../lib/util/pause'
import { within } from '../../lib/util/within'

const never = new Promise<string>(() => undefined)

describe('a pause', () => {
  it('ends by itself, and leaves its signal without listeners', async () => {
    const { signal } = new AbortController()
    await pause(1, { signal })
    await pause(1)
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })

  it("ends with the signal's reason, before or while it lasts", async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const lasting = pause(60_000, { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(lasting, reason)
    await assert.rejects(pause(60_000, { signal: controller.signal }), reason)
  })
})

describe('work within a time', () => {
  it('gives what it gives, or fails as it fails, when it is done in time', async () => {
    assert.equal(await within(60_000, Promise.resolve('done')), 'done')
    await assert.rejects(within(60_000, Promise.reject(new Error('failed'))), /failed/)
  })

  it('gives nothing when it takes longer', async () => {
    assert.equal(await within(1, never), undefined)
    assert.equal(await within(-1, never), undefined)
  })
})
