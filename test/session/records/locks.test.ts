import assert from 'node:assert/strict'
import type { Acquired, AcquireRequest, Refreshes } from '../../../lib'
import { newLogin } from '../../../lib/session/kept-login'
import { LoginRecords } from '../../../lib/session/records/login-records'
import { RecordCodec } from '../../../lib/session/records/record-codec'
import type { Clock } from '../../../lib/util/clock'

const TIMEOUT = 10_000

const busy = (series: string, expiresIn: number): Acquired => ({ outcome: 'busy', series, expiresIn })
const locked = (series: string): Acquired => ({ outcome: 'locked', series })

/** Records in a store that replies to `acquire` as a test says, the last reply again and again, while time passes with each wait. */
function recordsOf(...replies: (Acquired | Promise<Acquired>)[]) {
  let time = 0
  let asked = 0
  const released: string[] = []
  const owners: string[] = []
  const refreshes: Refreshes = {
    read: () => Promise.resolve(undefined),
    acquire: (_name: string, { owner }: AcquireRequest) => {
      owners.push(owner)
      return Promise.resolve(replies[Math.min(asked++, replies.length - 1)] ?? locked(owner))
    },
    save: () => Promise.resolve(true),
    release: (_name, { owner }) => Promise.resolve(void released.push(owner))
  }
  const clock: Clock = { now: () => time, elapsed: () => time, sleep: (ms) => new Promise((resolve) => setImmediate(() => resolve(void (time += ms)))) }
  const records = new LoginRecords({ refreshes, codec: new RecordCodec('client', []), timeout: TIMEOUT, clock, warn: () => undefined })
  const login = newLogin({ accessToken: 'access', refreshToken: 'refresh', tokenType: 'Bearer', expiresAt: 0, claims: {} }, 0)
  return { records, login, owners, released, time: () => time }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a lock of a login that another process refreshes', () => {
  it('is taken over as soon as it is released', async () => {
    const { records, login, time } = recordsOf(busy('a', 5000), locked('a'))
    assert.equal((await records.acquire(login)).outcome, 'locked')
    assert.ok(time() < 1000, `${time()} ms`)
  })

  for (const [what, ...replies] of [
    ['it disappears without having been released, as in a failover', busy('a', 5000), locked('b')],
    ['it disappears, and a third process has released another one since', busy('a', 5000), busy('c', 50), locked('c')],
    ['it disappears twice', busy('a', 5000), busy('c', 1000), locked('d')]
  ] as const) {
    it(`is not taken over before it would have expired, if ${what}`, async () => {
      const { records, login, time } = recordsOf(...replies)
      assert.equal((await records.acquire(login)).outcome, 'locked')
      assert.ok(time() >= 5000, `${time()} ms`)
    })
  }

  it('is released by a process that waits for a lost one, if it finds a record instead', async () => {
    const { records, login, owners, released } = recordsOf(busy('a', 5000), locked('b'), { outcome: 'recorded', generation: Number.MAX_SAFE_INTEGER, value: '' })
    assert.equal((await records.acquire(login)).outcome, 'ended')
    await settled()
    assert.deepEqual(released, [owners[0]])
  })
})

describe('a lock that the store grants when its reply is no longer waited for', () => {
  it('is released', async () => {
    let grant: (acquired: Acquired) => void = () => undefined
    const { records, login, owners, released } = recordsOf(new Promise<Acquired>((resolve) => (grant = resolve)))
    await assert.rejects(records.acquire(login), /didn't respond within 1000 ms/)
    assert.deepEqual(released, [])
    grant(locked('late'))
    await settled()
    assert.deepEqual(released, owners)
  })

  for (const end of ['save', 'refuse'] as const) {
    it(`is kept while the same caller uses it, and released after its ${end}()`, async () => {
      let grant: (acquired: Acquired) => void = () => undefined
      const { records, login, owners, released } = recordsOf(busy('a', 5000), new Promise<Acquired>((resolve) => (grant = resolve)), locked('a'))
      const lock = await records.acquire(login)
      assert.ok(lock.outcome === 'locked')
      grant(locked('a'))
      await settled()
      assert.deepEqual(released, [])
      await (end === 'save' ? records.save(lock, { ...login, generation: 1 }, 1000) : records.refuse(lock, 1000))
      await settled()
      assert.deepEqual(released, [owners[0]])
    })
  }
})
