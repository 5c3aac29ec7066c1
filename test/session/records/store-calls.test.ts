import assert from 'node:assert/strict'
import { RefreshStoreError } from '../../../lib'
import { messageOf, StoreCalls } from '../../../lib/session/records/store-calls'

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

describe("the message of a database's error", () => {
  it("is the error's own, or those of the errors of each address", () => {
    const addresses = [new Error('connect ECONNREFUSED ::1:6379'), new Error('connect ECONNREFUSED 127.0.0.1:6379')]
    for (const [error, message] of [
      [new Error('NOAUTH'), 'NOAUTH'],
      [new Error(''), ''],
      ['down', 'down'],
      [new AggregateError(addresses), 'connect ECONNREFUSED ::1:6379, connect ECONNREFUSED 127.0.0.1:6379'],
      [new AggregateError(addresses, 'No address works'), 'No address works']
    ] as const) {
      assert.equal(messageOf(error), message)
    }
  })
})
