import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { LOGGED_OUT, REFUSED } from '../../../lib/session/records/record-codec'
import type { Acquired, Refreshes } from '../../../lib/session/records/refresh-store'

const LONG = 60_000
/** ms, to wait for. */
const SHORT = 20
/** ms: enough for a few replies, also on a busy machine. */
const SOON = 400
const LATER = 20

/** What every store of records promises. `stores` gives the store as two processes have it. */
export function itConforms(stores: () => { readonly one: Refreshes; readonly other: Refreshes }): void {
  const name = (): string => randomBytes(32).toString('base64url')
  const acquire = (store: Refreshes, login: string, request: { generation?: number; owner?: string; ttl?: number } = {}): Promise<Acquired> =>
    store.acquire(login, { generation: 0, owner: 'one', ttl: LONG, ...request })
  const save = (store: Refreshes, login: string, request: { generation?: number; value?: string; owner?: string; ttl?: number } = {}): Promise<boolean> =>
    store.save(login, { generation: 1, value: 'tokens', owner: 'one', ttl: LONG, ...request })
  const failure = (ttl = LONG) => ({ note: 'why it failed', ttl })

  /** @returns the series of the lock */
  async function assertBusy(store: Refreshes, login: string, atMost: number): Promise<string> {
    const acquired = await acquire(store, login, { owner: 'a bystander' })
    assert.ok(acquired.outcome === 'busy' && acquired.expiresIn > 0 && acquired.expiresIn <= atMost, JSON.stringify(acquired))
    return acquired.series
  }

  describe('a record', () => {
    it('is absent before it is saved', async () => {
      assert.equal(await stores().one.read(name()), undefined)
    })

    it('is read as it was saved, by every process', async () => {
      const { one, other } = stores()
      const login = name()
      assert.equal(await save(one, login, { generation: 3, value: 'a:b\n{"c":"ü"}' }), true)
      for (const store of [one, other]) assert.deepEqual(await store.read(login), { generation: 3, value: 'a:b\n{"c":"ü"}' })
    })

    it('may be 64 kB long', async () => {
      const { one, other } = stores()
      const login = name()
      const value = randomBytes(48 * 1024).toString('base64url')
      await save(one, login, { value })
      assert.deepEqual(await other.read(login), { generation: 1, value })
      assert.deepEqual(await acquire(other, login), { outcome: 'recorded', generation: 1, value })
    })

    it('is replaced by a newer one, and not by an older one or another of the same generation', async () => {
      const { one, other } = stores()
      const login = name()
      await save(one, login, { generation: 5, value: 'five' })
      assert.equal(await save(other, login, { generation: 4, value: 'four' }), false)
      assert.equal(await save(other, login, { generation: 5, value: 'another five' }), false)
      assert.deepEqual(await one.read(login), { generation: 5, value: 'five' })
      assert.equal(await save(other, login, { generation: 6, value: 'six' }), true)
      assert.deepEqual(await one.read(login), { generation: 6, value: 'six' })
    })

    it('counts as saved when it is saved twice, as clients do that lose their connection', async () => {
      const login = name()
      assert.equal(await save(stores().one, login), true)
      assert.equal(await save(stores().one, login), true)
    })

    it('of generation 10 is newer than one of generation 9', async () => {
      const { one } = stores()
      const login = name()
      await save(one, login, { generation: 9, value: 'nine' })
      assert.equal((await acquire(one, login, { generation: 10 })).outcome, 'locked')
      assert.equal(await save(one, login, { generation: 10, value: 'ten' }), true)
      assert.deepEqual(await acquire(one, login, { generation: 9 }), { outcome: 'recorded', generation: 10, value: 'ten' })
    })

    it('of a logout beats every other, that of a refusal every login, and both keep their generations apart', async () => {
      const { one } = stores()
      const login = name()
      assert.equal(await save(one, login, { generation: REFUSED, value: '' }), true)
      assert.equal(await save(one, login, { generation: 1_000_000 }), false)
      assert.equal(await save(one, login, { generation: LOGGED_OUT, value: '' }), true)
      assert.equal(await save(one, login, { generation: REFUSED, value: '' }), false)
      assert.deepEqual(await one.read(login), { generation: LOGGED_OUT, value: '' })
      assert.deepEqual(await acquire(one, login, { generation: 7 }), { outcome: 'recorded', generation: LOGGED_OUT, value: '' })
    })

    it('expires', async () => {
      const { one } = stores()
      const login = name()
      await save(one, login, { generation: 5, ttl: SHORT })
      await pause(SHORT + LATER)
      assert.equal(await one.read(login), undefined)
      assert.equal((await acquire(one, login)).outcome, 'locked')
      assert.equal(await save(one, login, { generation: 1 }), true, 'and an older one may be saved then')
    })

    it("doesn't expire with a lock, nor a lock with it", async () => {
      const { one, other } = stores()
      const login = name()
      await save(one, login, { generation: 5, ttl: SOON })
      await acquire(one, login, { generation: 5, ttl: SHORT })
      await pause(SHORT + LATER)
      assert.equal((await other.read(login))?.generation, 5)
      await acquire(one, login, { generation: 5 })
      await pause(SOON)
      assert.equal(await other.read(login), undefined)
      await assertBusy(other, login, LONG)
    })

    it("of one login says nothing of another, though their names differ in - and _ alone", async () => {
      const { one } = stores()
      const login = name().slice(0, 40)
      const names = [`${login}-_`, `${login}_-`, `${login}--`, `-${login}`, `_${login}`, login]
      for (const [index, each] of names.entries()) {
        assert.deepEqual(await acquire(one, each), { outcome: 'locked', series: 'one' })
        await save(one, each, { value: `of ${index}` })
      }
      for (const [index, each] of names.entries()) assert.equal((await one.read(each))?.value, `of ${index}`)
    })
  })

  describe('a lock', () => {
    it('is given where there is no record, or none newer than the caller has', async () => {
      const { one } = stores()
      const login = name()
      assert.deepEqual(await acquire(one, login), { outcome: 'locked', series: 'one' })
      await save(one, login, { generation: 4 })
      assert.equal((await acquire(one, login, { generation: 4 })).outcome, 'locked')
    })

    it('is not given where there is a newer record, which is the reply', async () => {
      const { one, other } = stores()
      const login = name()
      await save(one, login, { generation: 4 })
      assert.deepEqual(await acquire(other, login, { generation: 3, owner: 'another' }), { outcome: 'recorded', generation: 4, value: 'tokens' })
      assert.deepEqual(await acquire(one, login, { generation: 4 }), { outcome: 'locked', series: 'one' }, 'and the record locks nothing')
    })

    it('is given to one of 50 that ask at once', async () => {
      const { one, other } = stores()
      const login = name()
      const acquired = await Promise.all(Array.from({ length: 50 }, (_, index) => acquire(index % 2 ? one : other, login, { owner: `owner ${index}` })))
      assert.deepEqual(acquired.map(({ outcome }) => outcome).sort(), [...Array<string>(49).fill('busy'), 'locked'])
    })

    it('is busy for others until it expires', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login, { ttl: SOON })
      await assertBusy(other, login, SOON)
      await pause(SOON + LATER)
      assert.deepEqual(await acquire(other, login, { owner: 'another' }), { outcome: 'locked', series: 'another' })
    })

    it('is extended when its owner acquires it again', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login, { ttl: SHORT })
      assert.deepEqual(await acquire(one, login, { ttl: LONG }), { outcome: 'locked', series: 'one' })
      await pause(SHORT + LATER)
      await assertBusy(other, login, LONG)
      await one.release(login, { owner: 'one' })
      for (const time of ['first', 'second']) assert.deepEqual(await acquire(other, login, { owner: 'another' }), { outcome: 'locked', series: 'one' }, `the ${time} time`)
    })

    it('is released when its owner saves a record', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login)
      await save(one, login)
      assert.equal((await acquire(other, login, { generation: 1, owner: 'another' })).outcome, 'locked')
    })

    it('is released also when the record that its owner saves is not newer', async () => {
      const { one, other } = stores()
      const login = name()
      await save(one, login, { generation: 5 })
      await acquire(one, login, { generation: 5 })
      await save(one, login, { generation: 4 })
      assert.equal((await acquire(other, login, { generation: 5, owner: 'another' })).outcome, 'locked')
    })

    it("stays when somebody else saves a record, such as a logout's", async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login)
      await save(other, login, { owner: 'another' })
      const acquired = await acquire(other, login, { generation: 1, owner: 'a third' })
      assert.equal(acquired.outcome, 'busy')
    })

    it('continues the series of the lock that was released before it, until that one would have expired', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login, { ttl: SOON })
      await one.release(login, { owner: 'one' })
      assert.deepEqual(await acquire(other, login, { owner: 'another', ttl: SOON }), { outcome: 'locked', series: 'one' })
      assert.equal(await assertBusy(one, login, SOON), 'one')
      await other.release(login, { owner: 'another' })
      assert.deepEqual(await acquire(one, login, { owner: 'a third', ttl: SOON }), { outcome: 'locked', series: 'one' })
      await one.release(login, { owner: 'a third' })
      await pause(SOON + LATER)
      assert.deepEqual(await acquire(one, login, { owner: 'a fourth' }), { outcome: 'locked', series: 'a fourth' })
    })

    it('begins a new series after a lock that has expired, though the one before that was released', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login)
      await one.release(login, { owner: 'one' })
      await acquire(other, login, { owner: 'another', ttl: SHORT })
      await pause(SHORT + LATER)
      assert.deepEqual(await acquire(one, login), { outcome: 'locked', series: 'one' })
      assert.deepEqual(await acquire(one, login), { outcome: 'locked', series: 'one' })
    })

    it("is not released by others, nor by an owner who has lost it", async () => {
      const { one, other } = stores()
      const login = name()
      await other.release(login, { owner: 'another' })
      await acquire(one, login, { ttl: SOON })
      await other.release(login, { owner: 'another', failure: failure() })
      await assertBusy(other, login, SOON)
      await pause(SOON + LATER)
      await one.release(login, { owner: 'one', failure: failure() })
      assert.deepEqual(await acquire(other, login, { owner: 'another' }), { outcome: 'locked', series: 'another' })
      await one.release(login, { owner: 'one' })
      await assertBusy(one, login, LONG)
    })
  })

  describe('a failed refresh', () => {
    it('is returned to everybody else, including its owner', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login)
      await one.release(login, { owner: 'one', failure: failure() })
      assert.deepEqual(await acquire(other, login, { owner: 'another' }), { outcome: 'failed', failure: 'why it failed' })
      assert.deepEqual(await acquire(one, login), { outcome: 'failed', failure: 'why it failed' })
    })

    it('is forgotten soon, and then the lock is free', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login)
      await one.release(login, { owner: 'one', failure: failure(SHORT) })
      await pause(SHORT + LATER)
      assert.deepEqual(await acquire(other, login, { owner: 'another' }), { outcome: 'locked', series: 'another' })
      await other.release(login, { owner: 'another' })
      assert.deepEqual(await acquire(one, login), { outcome: 'locked', series: 'another' }, 'and its note is gone')
    })

    it('is replaced by a newer record', async () => {
      const { one, other } = stores()
      const login = name()
      await acquire(one, login)
      await one.release(login, { owner: 'one', failure: failure() })
      await save(other, login, { owner: 'another' })
      assert.deepEqual(await acquire(one, login), { outcome: 'recorded', generation: 1, value: 'tokens' })
    })
  })
}
