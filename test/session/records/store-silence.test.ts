import assert from 'node:assert/strict'
import { RefreshStoreError, type Refreshes } from '../../../lib'
import { newLogin } from '../../../lib/session/kept-login'
import { LoginRecords } from '../../../lib/session/records/login-records'
import { RecordCodec } from '../../../lib/session/records/record-codec'
import type { Clock } from '../../../lib/util/clock'

const TIMEOUT = 10_000
const LOCK_TTL = 15_000

describe('a store of records that fails', () => {
  function records(error: Error) {
    let time = 1_000_000
    const fail = () => Promise.reject(error)
    const refreshes: Refreshes = { read: fail, acquire: fail, save: fail, release: fail }
    const clock: Clock = { now: () => time, elapsed: () => time, sleep: (ms) => Promise.resolve(void (time += ms)) }
    const warnings: string[] = []
    const loginRecords = new LoginRecords({ refreshes, codec: new RecordCodec('client', []), timeout: TIMEOUT, clock, warn: (message) => warnings.push(message) })
    const login = (expiresIn: number) => newLogin({ accessToken: 'access', refreshToken: 'refresh', tokenType: 'Bearer', expiresAt: time + expiresIn, claims: {} }, time)
    const expired = login(0)
    return {
      warnings,
      pass: (ms: number) => (time += ms),
      isAlone: () => loginRecords.acquire(expired).then(() => true, () => false),
      acquireAlive: () => loginRecords.acquire(login(60_000))
    }
  }

  it('is done without only when it has failed for as long as a lock lives', async () => {
    const { isAlone, pass } = records(new Error('The connection is lost.'))
    for (let passed = 0; passed < LOCK_TTL; passed += 5000) {
      assert.equal(await isAlone(), false)
      pass(5000)
    }
    assert.equal(await isAlone(), true)
  })

  it('is not done without when it failed an hour ago and now, and may have given locks to other processes in between', async () => {
    const { isAlone, pass } = records(new Error('The connection is lost.'))
    assert.equal(await isAlone(), false)
    pass(3_600_000)
    assert.equal(await isAlone(), false)
  })

  it('because it cannot be used is reported also while tokens live', async () => {
    const { acquireAlive, warnings } = records(new RefreshStoreError('Redis replied: NOAUTH Authentication required.'))
    await assert.rejects(acquireAlive())
    assert.deepEqual(warnings, ["The store of the refresh records can't be used: Redis replied: NOAUTH Authentication required. Until it can, Twilio tokens are refreshed only when they have expired."])
  })
})
