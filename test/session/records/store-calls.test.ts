import assert from 'node:assert/strict'
import { RefreshStoreError } from '../../../lib'
import { StoreCalls } from '../../../lib/session/records/store-calls'
import { messageOf } from '../../../lib/util/message-of'

describe('a call of a database that stores records', () => {
  const refused = new Error('NOAUTH')
  const calls = (isLasting: boolean) => new StoreCalls((error) => ({ message: `Redis replied: ${messageOf(error)}.`, isLasting }))
  const fail = () => Promise.reject(refused)

  it('resolves to what the database replied', async () => {
    assert.equal(await calls(true).run(() => Promise.resolve('OK')), 'OK')
  })

  it('rejects with a RefreshStoreError if the error is lasting and the database has never worked', async () => {
    await assert.rejects(calls(true).run(fail), (error) => error instanceof RefreshStoreError && error.message === 'Redis replied: NOAUTH.' && error.cause === refused)
  })

  it('rejects with an ordinary error once the database has worked', async () => {
    const working = calls(true)
    await working.run(() => Promise.resolve('OK'))
    await assert.rejects(working.run(fail), (error) => error instanceof Error && !(error instanceof RefreshStoreError) && error.message === 'Redis replied: NOAUTH.' && error.cause === refused)
  })

  it('rejects with an ordinary error if the error may pass', async () => {
    await assert.rejects(calls(false).run(fail), (error) => error instanceof Error && !(error instanceof RefreshStoreError) && error.message === 'Redis replied: NOAUTH.')
  })
})
