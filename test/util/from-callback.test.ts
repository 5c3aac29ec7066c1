import assert from 'node:assert/strict'
import { fromCallback } from '../../lib/util/from-callback'

describe('fromCallback', () => {
  const reason = new Error('failed')

  it("resolves to the callback's values", async () => {
    assert.deepEqual(await fromCallback<[string, number]>((callback) => callback(null, 'a', 1)), ['a', 1])
    assert.deepEqual(await fromCallback((callback) => setImmediate(callback)), [])
  })

  it("rejects with the callback's error, with what the function throws, and with its rejection", async () => {
    await assert.rejects(fromCallback((callback) => callback(reason)), reason)
    await assert.rejects(
      fromCallback(() => {
        throw reason
      }),
      reason
    )
    await assert.rejects(fromCallback(() => Promise.reject(reason)), reason)
  })

  it('resolves to the value of a promise, even if it is false or null', async () => {
    for (const value of ['a', false, null, 0]) assert.deepEqual(await fromCallback<[unknown]>(() => Promise.resolve(value)), [value])
  })

  it('waits for the callback if a promise resolves to undefined and the function has a callback parameter', async () => {
    const call = async (callback: (error: null, value: string) => void) => {
      await Promise.resolve()
      setImmediate(() => callback(null, 'later'))
    }
    assert.deepEqual(await fromCallback<[string]>(call), ['later'])
  })

  it('resolves to undefined if a promise does and the function has no callback parameter', async () => {
    assert.deepEqual(await fromCallback<[unknown]>(() => Promise.resolve(), { hasCallbackParameter: false }), [undefined])
  })

  it('waits for the callback if the function returns something else than a promise', async () => {
    for (const returned of [null, 'then', { then: 7 }, {}]) {
      const call = (callback: (error: null, value: string) => void) => {
        setImmediate(callback, null, 'called back')
        return returned
      }
      assert.deepEqual(await fromCallback<[string?]>(call), ['called back'])
    }
  })

  it('uses the first result only, and handles a rejection after it', async () => {
    const call = (callback: (error: Error | null, value?: string) => void) => {
      callback(null, 'first')
      callback(reason)
      return Promise.reject(reason)
    }
    assert.deepEqual(await fromCallback<[string?]>(call), ['first'])
  })
})
