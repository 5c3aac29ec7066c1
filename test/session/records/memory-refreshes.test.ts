import assert from 'node:assert/strict'
import { MemoryRefreshes } from '../../../lib/session/records/memory-refreshes'
import { itConforms } from './conformance'

/** As documented in the class. */
const MAX_RECORDS = 50_000
const DAY = 24 * 3600 * 1000

describe('records in memory', () => {
  const memory = new MemoryRefreshes()
  itConforms(() => ({ one: memory, other: memory }))

  it('ignore the release of a login that nobody has locked', async () => {
    const store = new MemoryRefreshes()
    await store.save('unlocked', { generation: 1, value: 'a record', owner: 'owner', ttl: DAY })
    for (const login of ['unlocked', 'unknown']) await assert.doesNotReject(async () => store.release(login, { owner: 'owner' }))
  })

  describe('to the millisecond', () => {
    let time = 0
    const store = () => new MemoryRefreshes({ elapsed: () => time })
    const acquire = (refreshes: MemoryRefreshes, owner: string) => refreshes.acquire('login', { generation: 0, owner, ttl: 1000 })

    it('lock a login for as long as was asked for, and no longer', async () => {
      const refreshes = store()
      await acquire(refreshes, 'one')
      time += 999
      assert.deepEqual(await acquire(refreshes, 'two'), { outcome: 'busy', series: 'one', expiresIn: 1 })
      time += 1
      assert.deepEqual(await acquire(refreshes, 'two'), { outcome: 'locked', series: 'two' })
    })

    it('report a failure for as long as was asked for, and no longer', async () => {
      const refreshes = store()
      await acquire(refreshes, 'one')
      await refreshes.release('login', { owner: 'one', failure: { note: 'why it failed', ttl: 300 } })
      time += 299
      assert.deepEqual(await acquire(refreshes, 'two'), { outcome: 'failed', failure: 'why it failed' })
      time += 1
      assert.equal((await acquire(refreshes, 'two')).outcome, 'locked')
    })

    it('ignore the release of a lock that has just expired', async () => {
      const refreshes = store()
      await acquire(refreshes, 'one')
      time += 1000
      await refreshes.release('login', { owner: 'one', failure: { note: 'why it failed', ttl: 300 } })
      assert.deepEqual(await acquire(refreshes, 'two'), { outcome: 'locked', series: 'two' })
    })

    it('keep a record for as long as was asked for, and no longer', async () => {
      const refreshes = store()
      await refreshes.save('login', { generation: 1, value: 'a record', owner: 'one', ttl: 1000 })
      time += 999
      assert.deepEqual(await refreshes.read('login'), { generation: 1, value: 'a record' })
      time += 1
      assert.equal(await refreshes.read('login'), undefined)
    })
  })

  describe('with very many logins', () => {
    let time = 0
    const clock = { elapsed: () => time }
    const save = (store: MemoryRefreshes, login: string, ttl = DAY) => store.save(login, { generation: 1, value: login, owner: 'owner', ttl })
    const isKept = async (store: MemoryRefreshes, login: string) => (await store.read(login)) !== undefined

    it('keep 50,000, and forget the one that was changed longest ago for each new one', async () => {
      const store = new MemoryRefreshes(clock)
      for (let index = 0; index < MAX_RECORDS; index++) await save(store, `login ${index}`)
      await store.acquire('login 0', { generation: 1, owner: 'owner', ttl: 1000 })
      await save(store, 'new')
      assert.deepEqual(await Promise.all(['login 0', 'login 1', 'login 2', 'new'].map((login) => isKept(store, login))), [true, false, true, true])
    })

    it('keep a lock without a record', async () => {
      const store = new MemoryRefreshes(clock)
      await store.acquire('locked', { generation: 0, owner: 'owner', ttl: 1000 })
      await save(store, 'new')
      assert.equal((await store.acquire('locked', { generation: 0, owner: 'another', ttl: 1000 })).outcome, 'busy')
    })

    it('keep no expired record or lock', async () => {
      const store = new MemoryRefreshes(clock)
      for (let index = 0; index < 10; index++) await save(store, `short ${index}`, 1000)
      await store.acquire('locked', { generation: 0, owner: 'owner', ttl: 1000 })
      time += 1000
      await save(store, 'new')
      time -= 1000
      for (const login of ['short 0', 'short 9']) assert.equal(await isKept(store, login), false)
      assert.equal((await store.acquire('locked', { generation: 0, owner: 'another', ttl: 1000 })).outcome, 'locked')
    })

    it('forget records that only reading has touched', async () => {
      const store = new MemoryRefreshes(clock)
      await save(store, 'read')
      for (let index = 1; index < MAX_RECORDS; index++) await save(store, `login ${index}`)
      await store.read('read')
      await save(store, 'new')
      assert.equal(await isKept(store, 'read'), false)
    })
  })
})
