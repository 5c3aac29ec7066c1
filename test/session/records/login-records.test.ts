import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { RefreshStoreError, type Acquired } from '../../../lib'
import { newLogin, type KeptLogin } from '../../../lib/session/kept-login'
import { LoginRecords, type Lock, type RecordedLogin } from '../../../lib/session/records/login-records'
import { MemoryRefreshes } from '../../../lib/session/records/memory-refreshes'
import { LOGGED_OUT, RecordCodec, REFUSED } from '../../../lib/session/records/record-codec'
import { SharedStore } from '../../../lib/session/records/shared-store'
import { BreakableStore } from '../../support/breakable-store'
import { ManualClock, settled } from '../../support/clock'

const TIMEOUT = 10_000
/** The longest refresh, and 5 s more. */
const LOCK_TTL = 15_000
const TTL = 3_600_000
const codec = new RecordCodec('client', [])

function setUp() {
  const clock = new ManualClock()
  const store = new BreakableStore(clock)
  const warnings: string[] = []
  const codes: string[] = []
  const warn = (message: string, code: string) => {
    warnings.push(message)
    codes.push(code)
  }
  const records = new LoginRecords({ refreshes: store, codec, timeout: TIMEOUT, clock, warn })
  const login = newLogin({ accessToken: 'access-0', refreshToken: 'refresh-0', tokenType: 'Bearer', expiresAt: clock.now() - 1, claims: {} }, clock.now() - TTL)
  const refreshed: KeptLogin = { ...login, generation: 1, tokens: { ...login.tokens, accessToken: 'access-1' } }
  /** Acquires the lock, while time passes. */
  const acquire = async (ms = 100): Promise<Lock | RecordedLogin> => {
    const acquiring = records.acquire(login)
    acquiring.catch(() => undefined)
    await clock.pass(ms)
    return acquiring
  }
  const lock = async (ms?: number): Promise<Lock> => {
    const acquired = await acquire(ms)
    assert.ok(acquired.outcome === 'locked', acquired.outcome)
    return acquired
  }
  return { clock, store, records, warnings, codes, login, refreshed, acquire, lock, name: codec.nameOf(login.id) }
}

describe('the lock of a login', () => {
  const busy = (expiresIn = LOCK_TTL): Acquired => ({ outcome: 'busy', series: 'another', expiresIn })

  it('while another process has it, is asked for after 4, 8, 16 and 32 ms, and every 64 ms from then on', async () => {
    const { clock, store, records, login } = setUp()
    await store.memory.acquire(codec.nameOf(login.id), { generation: 0, owner: 'another', ttl: LOCK_TTL })
    const acquiring = records.acquire(login)
    await clock.pass(252)
    const times = store.timesOf('acquire')
    assert.deepEqual(times.map((time, index) => time - (times[index - 1] ?? time)), [0, 4, 8, 16, 32, 64, 64, 64])
    await store.memory.release(codec.nameOf(login.id), { owner: 'another' })
    await clock.pass(64)
    assert.equal((await acquiring).outcome, 'locked')
  })

  it('is asked for until 5 s after the time limit of a refresh, and allows one to begin for the first 5 s', async () => {
    const { clock, store, lock } = setUp()
    const began = clock.elapsed()
    const { beginBefore } = await lock()
    assert.equal(beginBefore, began + LOCK_TTL - TIMEOUT)
    const [, , request] = store.calls[0]?.call ?? []
    assert.ok(typeof request === 'object' && 'ttl' in request && request.ttl === LOCK_TTL)
  })

  it("is not waited for after another process's refresh has failed while this one waited: its error is this one's, too", async () => {
    const { store, acquire } = setUp()
    store.replies.push(busy(), { outcome: 'failed', failure: codec.encodeFailure('another login', new Error()) })
    await assert.rejects(acquire(), /The refresh in another process failed/)
  })

  it('is asked for again when a refresh has failed before this process waited for it', async () => {
    const { store, lock } = setUp()
    store.replies.push({ outcome: 'failed', failure: 'a note' }, { outcome: 'failed', failure: 'a note' })
    await lock()
    assert.equal(store.timesOf('acquire').length, 3)
  })

  it('is asked for until an error, if the store resolves to something else', async () => {
    const { store, records, login } = setUp()
    store.replies.push({ outcome: 'OK' } as unknown as Acquired)
    await assert.rejects(records.acquire({ ...login, tokens: { ...login.tokens, expiresAt: undefined } }), /^Error: refreshes\.acquire\(\) resolved to a value without a valid outcome\.$/)
  })

  it('that this process holds in memory without the store is not waited for any more when the store is back', async () => {
    const { store, lock } = setUp()
    store.replies.push(new RefreshStoreError('Redis is gone'))
    const first = await lock()
    store.replies.push(new RefreshStoreError('Redis is gone'))
    const second = await lock()
    assert.ok(first.store instanceof MemoryRefreshes)
    assert.ok(second.store instanceof SharedStore)
  })

  it('of a process that holds it when the store fails is waited for until it would have expired', async () => {
    const { clock, store, records, login } = setUp()
    store.replies.push(busy(1000))
    const began = clock.elapsed()
    const acquiring = records.acquire(login)
    await settled()
    store.error = new RefreshStoreError('Redis is gone')
    await clock.pass(2000)
    const acquired = await acquiring
    assert.ok(acquired.outcome === 'locked' && acquired.store instanceof MemoryRefreshes)
    assert.ok(acquired.beginBefore - (LOCK_TTL - TIMEOUT) >= began + 1000)
    assert.ok(acquired.beginBefore - (LOCK_TTL - TIMEOUT) < began + 1000 + 64)
  })
})

describe('a reply of the store that is no longer waited for', () => {
  it('does not release anything unless it grants a lock', async () => {
    const { clock, store, records, login } = setUp()
    let reply: (acquired: Acquired) => void = () => undefined
    store.acquire = () => new Promise((resolve) => (reply = resolve))
    const acquiring = records.acquire(login)
    acquiring.catch(() => undefined)
    await clock.pass(1000)
    await assert.rejects(acquiring)
    reply({ outcome: 'busy', series: 'another', expiresIn: 1000 })
    await settled()
    assert.deepEqual(store.timesOf('release'), [])
  })
})

describe('a store of records that cannot be used', () => {
  it('is reported with its message as a sentence, and with what follows from it', async () => {
    for (const [message, tokens] of [
      ['Redis is gone', { expiresAt: 0 }],
      ['Redis is gone.', { expiresAt: 0 }]
    ] as const) {
      const { store, records, login, warnings, codes } = setUp()
      store.error = new RefreshStoreError(message)
      await records.acquire({ ...login, tokens: { ...login.tokens, ...tokens } })
      assert.deepEqual(warnings, ["The store of the refresh records can't be used: Redis is gone. Until it can, each process refreshes Twilio tokens on its own, which may log out people who use several at once."])
      assert.deepEqual(codes, ['WARN_TWILIO_REFRESHING_ALONE'])
    }
  })

  it('is reported with a code of its own while tokens live', async () => {
    const { clock, store, records, login, codes } = setUp()
    store.error = new RefreshStoreError('Redis is gone')
    await assert.rejects(records.acquire({ ...login, tokens: { ...login.tokens, expiresAt: clock.now() + 60_000 } }), /Redis is gone/)
    assert.deepEqual(codes, ['WARN_TWILIO_RECORDS_UNAVAILABLE'])
  })

  it('with another error than RefreshStoreError is not reported while tokens live', async () => {
    const { clock, store, records, login, warnings } = setUp()
    store.error = new Error('The connection is lost')
    await assert.rejects(records.acquire({ ...login, tokens: { ...login.tokens, expiresAt: clock.now() + 60_000 } }), /The connection is lost/)
    assert.deepEqual(warnings, [])
  })

  for (const [between, isTrusted] of [
    [10_000, true],
    [10_001, false]
  ] as const) {
    it(`${isTrusted ? 'counts' : 'does not count'} as silent since its first failure, if the next one comes ${between} ms later`, async () => {
      const { clock, store, acquire } = setUp()
      store.error = new Error('The connection is lost')
      await assert.rejects(acquire(0))
      await clock.pass(between)
      await assert.rejects(acquire(0))
      await clock.pass(LOCK_TTL - between)
      if (isTrusted) assert.equal((await acquire(0)).outcome, 'locked')
      else await assert.rejects(acquire(0), /The connection is lost/)
    })
  }

  it('counts as working again after any reply, also a late one', async () => {
    const { clock, store, acquire, records, login } = setUp()
    store.error = new Error('The connection is lost')
    await assert.rejects(acquire(0))
    await clock.pass(8000)
    store.error = undefined
    await records.newerThan(login)
    store.error = new Error('The connection is lost')
    await assert.rejects(acquire(0))
    await clock.pass(LOCK_TTL - 8000)
    await assert.rejects(acquire(0), /The connection is lost/)
  })

  it('still counts as silent after a refresh without it, so that the next login does not have to wait as long again', async () => {
    const { clock, store, acquire, lock, records, login, refreshed } = setUp()
    store.error = new Error('The connection is lost')
    await assert.rejects(acquire(0))
    await clock.pass(8000)
    await assert.rejects(acquire(0))
    await clock.pass(LOCK_TTL - 8000)
    await records.save(await lock(0), refreshed, TTL)
    const acquired = await records.acquire({ ...login, id: 'another' })
    assert.equal(acquired.outcome, 'locked')
  })

  it('does not count as silent while it throws a RefreshStoreError, which is a reply', async () => {
    const { clock, store, acquire, records, login } = setUp()
    store.error = new RefreshStoreError('Redis is starting')
    for (let passed = 0; passed < LOCK_TTL; passed += 5000) {
      await assert.rejects(records.newerThan(login))
      await clock.pass(5000)
    }
    store.error = new Error('The connection is lost')
    await assert.rejects(acquire(0), /The connection is lost/)
  })

  it('counts as failed if it does not reply within a second', async () => {
    const { clock, records, login, store } = setUp()
    store.read = () => new Promise(() => undefined)
    let error: unknown
    records.newerThan(login).catch((reason: unknown) => (error = reason))
    await clock.pass(999)
    assert.equal(error, undefined)
    await clock.pass(1)
    await settled()
    assert.match(String(error), /^Error: It didn't respond within 1000 ms\.$/)
  })
})

describe('the record of a refreshed login', () => {
  it('is kept for the given time after its tokens have expired, and releases the lock', async () => {
    const { clock, store, records, login, refreshed, lock, name } = setUp()
    const held = await lock()
    const tokens = { ...refreshed.tokens, expiresAt: clock.now() + 5000.5 }
    assert.equal(await records.save(held, { ...refreshed, tokens }, TTL), undefined)
    const saved = await records.newerThan(login)
    assert.ok(saved?.outcome === 'recorded')
    assert.equal(saved.login.tokens.accessToken, 'access-1')
    assert.deepEqual(await store.memory.acquire(name, { generation: 1, owner: 'another', ttl: 1 }), { outcome: 'locked', series: 'another' })
    await clock.pass(TTL + 5000)
    assert.ok(await store.memory.read(name))
    await clock.pass(1)
    assert.equal(await store.memory.read(name), undefined)
  })

  for (const [what, tokens] of [
    ['have expired', { expiresAt: 5 }],
    ['have no expiry', { expiresAt: undefined }]
  ] as const) {
    it(`is kept for the given time if the tokens ${what}`, async () => {
      const { clock, store, records, refreshed, lock, name } = setUp()
      await records.save(await lock(), { ...refreshed, tokens: { ...refreshed.tokens, ...tokens } }, 1000)
      await clock.pass(999)
      assert.ok(await store.memory.read(name))
      await clock.pass(1)
      assert.equal(await store.memory.read(name), undefined)
    })
  }

  it('gives way to a newer one', async () => {
    const { clock, store, records, refreshed, lock, name } = setUp()
    const held = await lock()
    const newer = { ...refreshed, generation: 2, tokens: { ...refreshed.tokens, accessToken: 'access-2' } }
    await store.memory.save(name, { generation: 2, value: codec.encode(newer), owner: 'another', ttl: TTL })
    const existing = await records.save(held, refreshed, TTL)
    assert.ok(existing?.outcome === 'recorded')
    assert.equal(existing.login.tokens.accessToken, 'access-2')
    await clock.pass(LOCK_TTL)
    assert.equal(store.timesOf('save').length, 1)
  })

  it('that the store does not take is kept in memory, found there, and saved as soon as the store works again', async () => {
    const { clock, store, records, refreshed, lock, name } = setUp()
    const held = await lock()
    store.error = new Error('The connection is lost')
    assert.equal(await records.save(held, refreshed, TTL), undefined)
    await clock.pass(60)
    store.error = undefined
    const kept = await records.recordedLocally(held)
    assert.ok(kept?.outcome === 'recorded')
    assert.equal(kept.login.tokens.accessToken, 'access-1')
    assert.equal(await store.memory.read(name), undefined)
    await clock.pass(100)
    assert.equal((await store.memory.read(name))?.generation, 1)
    const calls = store.calls.length
    await clock.pass(60_000)
    assert.equal(store.calls.length, calls)
  })

  it('of a refresh without the store is saved as soon as the store works again', async () => {
    const { clock, store, records, refreshed, lock, name } = setUp()
    store.error = new RefreshStoreError('Redis is gone')
    const held = await lock()
    assert.equal(await records.save(held, refreshed, TTL), undefined)
    store.error = undefined
    await clock.pass(200)
    assert.equal((await store.memory.read(name))?.generation, 1)
  })

  it('in the memory of the only process is saved once', async () => {
    const clock = new ManualClock()
    const refreshes = new MemoryRefreshes(clock)
    const records = new LoginRecords({ refreshes, codec, timeout: TIMEOUT, clock, warn: () => undefined })
    const { login, refreshed } = setUp()
    const lock = await records.acquire(login)
    assert.ok(lock.outcome === 'locked')
    let saved = 0
    refreshes.save = (...call) => (saved++, MemoryRefreshes.prototype.save.apply(refreshes, call))
    await records.save(lock, refreshed, TTL)
    await clock.pass(60_000)
    assert.equal(saved, 1)
  })

  it('is tried to be saved after 100 ms, then after half as long again each time, at most every 5 s, for 10 minutes', async () => {
    const { clock, store, records, refreshed, lock } = setUp()
    const held = await lock()
    store.error = new Error('The connection is lost')
    await records.save(held, refreshed, TTL)
    await clock.pass(15 * 60_000)
    const times = store.timesOf('save')
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    assert.deepEqual(pauses.slice(0, 4), [100, 150, 225, 337.5])
    assert.equal(Math.max(...pauses), 5000)
    assert.equal(pauses.at(-1), 5000)
    const tried = (times.at(-1) ?? 0) - (times[0] ?? 0)
    assert.ok(tried < 10 * 60_000 && tried >= 10 * 60_000 - 5000, `${tried} ms`)
  })
})

describe('retries in the background', () => {
  it('do not keep the process alive, until the records are closed', async () => {
    const { clock, store, records, refreshed, lock } = setUp()
    const held = await lock()
    store.error = new Error('The connection is lost')
    const inBackground: (boolean | undefined)[] = []
    const sleep = clock.sleep.bind(clock)
    clock.sleep = (ms: number, options?: { readonly inBackground?: boolean }) => {
      if (ms > 100) inBackground.push(options?.inBackground)
      return sleep(ms)
    }
    await records.save(held, refreshed, TTL)
    await clock.pass(1000)
    assert.ok(inBackground.length > 0)
    assert.ok(inBackground.every((each) => each === true))

    const [started, cleared] = [mock.method(globalThis, 'setInterval'), mock.method(globalThis, 'clearInterval')]
    try {
      const closing = records.close()
      const timer = started.mock.calls[0]?.result
      assert.ok(timer?.hasRef())
      assert.equal(cleared.mock.callCount(), 0)
      await clock.pass(LOCK_TTL)
      await closing
      assert.deepEqual(cleared.mock.calls.map(({ arguments: [each] }) => each === timer), [true])
    } finally {
      mock.restoreAll()
    }
  })
})

describe('closing the records', () => {
  it('waits for what is still to be saved', async () => {
    const { clock, store, records, refreshed, lock, name } = setUp()
    const held = await lock()
    store.error = new Error('The connection is lost')
    await records.save(held, refreshed, TTL)
    let isClosed = false
    const closing = records.close().then(() => (isClosed = true))
    await clock.pass(50)
    assert.equal(isClosed, false)
    store.error = undefined
    await clock.pass(50)
    await closing
    assert.equal((await store.memory.read(name))?.generation, 1)
  })

  it('gives up after the lifetime of a lock', async () => {
    const { clock, store, records, refreshed, lock } = setUp()
    const held = await lock()
    store.error = new Error('The connection is lost')
    await records.save(held, refreshed, TTL)
    const closedAt = clock.elapsed()
    const closing = records.close()
    await clock.pass(LOCK_TTL)
    await closing
    const last = store.timesOf('save').at(-1) ?? 0
    assert.ok(last > closedAt + LOCK_TTL - 5000 && last < closedAt + LOCK_TTL, `${last - closedAt} ms`)
  })

  it('is immediate when nothing is left to be saved', async () => {
    const { records } = setUp()
    await records.close()
  })
})

describe('the lock of a refresh that failed', () => {
  it('is released with the error for those who wait, for 300 ms', async () => {
    const { clock, store, records, lock, name } = setUp()
    await records.release(await lock(), new Error('Twilio is busy.'))
    await clock.pass(299)
    assert.equal((await store.memory.acquire(name, { generation: 0, owner: 'another', ttl: 1 })).outcome, 'failed')
    await clock.pass(1)
    assert.equal((await store.memory.acquire(name, { generation: 0, owner: 'another', ttl: 1 })).outcome, 'locked')
  })

  it('is released at once without an error', async () => {
    const { store, records, lock, name } = setUp()
    await records.release(await lock())
    assert.equal((await store.memory.acquire(name, { generation: 0, owner: 'another', ttl: 1 })).outcome, 'locked')
  })

  it('is released as far as possible: an error of the store is ignored', async () => {
    const { store, records, lock } = setUp()
    const held = await lock()
    store.error = new Error('The connection is lost')
    await records.release(held)
  })
})

describe('a refresh that Twilio refused', () => {
  it('is recorded for the given time, and releases the lock', async () => {
    const { clock, store, records, login, lock, name, warnings } = setUp()
    await records.refuse(await lock(), 1000)
    assert.deepEqual(await records.newerThan(login), { outcome: 'ended', reason: 'refused' })
    assert.deepEqual(warnings, [])
    await clock.pass(999)
    assert.equal((await store.memory.read(name))?.generation, REFUSED)
    await clock.pass(1)
    assert.deepEqual(await store.memory.acquire(name, { generation: 0, owner: 'another', ttl: 1 }), { outcome: 'locked', series: 'another' })
  })

  it('without the store is not recorded, since another process may have newer tokens', async () => {
    const { clock, store, records, lock, login, acquire } = setUp()
    store.error = new RefreshStoreError('Redis is gone')
    const held = await lock()
    await records.refuse(held, TTL)
    assert.equal(await records.newerUnder(held, login), undefined)
    assert.equal((await acquire()).outcome, 'locked', 'the lock in memory is released')
    store.error = undefined
    await clock.pass(60_000)
    assert.equal(await records.newerThan(login), undefined)
  })

  it('is left open if it cannot be recorded', async () => {
    const { store, records, lock } = setUp()
    const held = await lock()
    store.error = new Error('The connection is lost')
    await records.refuse(held, TTL)
  })
})

describe('the record of a login that has ended', () => {
  it('holds nothing but how it ended', async () => {
    const { store, records, login, lock, name } = setUp()
    await records.refuse(await lock(), TTL)
    assert.deepEqual([(await store.memory.read(name))?.generation, (await store.memory.read(name))?.value], [REFUSED, ''])
    await records.logOut(login, TTL)
    assert.deepEqual([(await store.memory.read(name))?.generation, (await store.memory.read(name))?.value], [LOGGED_OUT, ''])
  })
})

describe('a newer record', () => {
  it('is one with a higher generation', async () => {
    const { store, records, login, refreshed, name } = setUp()
    await store.memory.save(name, { generation: 1, value: codec.encode(refreshed), owner: 'another', ttl: TTL })
    assert.equal((await records.newerThan(login))?.outcome, 'recorded')
    assert.equal(await records.newerThan(refreshed), undefined)
  })

  it('that cannot be decrypted ends the login, and is reported', async () => {
    const { store, records, login, name, warnings, codes } = setUp()
    await store.memory.save(name, { generation: 1, value: 'encrypted with another secret', owner: 'another', ttl: TTL })
    assert.deepEqual(await records.newerThan(login), { outcome: 'ended', reason: 'refused' })
    assert.match(warnings.join(), /^The record of a login could not be read, and the person has to log in again\. .*: \[new, old\]\.$/)
    assert.deepEqual(codes, ['WARN_TWILIO_RECORD_UNREADABLE'])
  })

  it('is found under a lock that the store has granted', async () => {
    const { store, records, login, refreshed, lock, name } = setUp()
    const held = await lock()
    await store.memory.save(name, { generation: 1, value: codec.encode(refreshed), owner: 'another', ttl: TTL })
    assert.equal((await records.newerUnder(held, login))?.outcome, 'recorded')
  })
})

describe('a recorded logout', () => {
  it('is kept for the given time after the tokens have expired', async () => {
    const { clock, store, records, login, name } = setUp()
    await records.logOut({ ...login, tokens: { ...login.tokens, expiresAt: clock.now() + 5000 } }, 1000)
    await clock.pass(5999)
    assert.equal((await store.memory.read(name))?.generation, LOGGED_OUT)
    await clock.pass(1)
    assert.equal(await store.memory.read(name), undefined)
  })

  it('is saved once in the memory of the only process', async () => {
    const clock = new ManualClock()
    const refreshes = new MemoryRefreshes(clock)
    const records = new LoginRecords({ refreshes, codec, timeout: TIMEOUT, clock, warn: () => undefined })
    const { login } = setUp()
    let saved = 0
    refreshes.save = (...call) => (saved++, MemoryRefreshes.prototype.save.apply(refreshes, call))
    await records.logOut(login, TTL)
    assert.equal(saved, 1)
    assert.deepEqual(await records.newerThan(login), { outcome: 'ended', reason: 'logged out' })
  })

  it('that the store does not take is reported, and saved as soon as the store works again', async () => {
    const { clock, store, records, login, warnings, codes, name } = setUp()
    store.error = new Error('The connection is lost')
    await records.logOut(login, TTL)
    assert.deepEqual(codes, ['WARN_TWILIO_LOGOUT_NOT_RECORDED'])
    assert.deepEqual(warnings, ['A logout could not be recorded: The connection is lost. Other processes may continue to use its tokens until the record can be saved.'])
    store.error = undefined
    await clock.pass(100)
    assert.equal((await store.memory.read(name))?.generation, LOGGED_OUT)
  })

  it('undoes what was written for the login', async () => {
    const { records, login } = setUp()
    let undone = 0
    const undo = () => Promise.resolve(undone++).then(() => undefined)
    assert.equal(await records.undoIfLoggedOut(login, undo), false)
    assert.equal(undone, 0)
    await records.logOut(login, TTL)
    assert.equal(await records.undoIfLoggedOut(login, undo), true)
    assert.equal(undone, 1)
  })

  it('of another process undoes it as well, and a record of another kind does not', async () => {
    const { store, records, login, name } = setUp()
    const undo = () => Promise.resolve()
    await store.memory.save(name, { generation: REFUSED, value: '', owner: 'another', ttl: TTL })
    assert.equal(await records.undoIfLoggedOut(login, undo), false)
    await store.memory.save(name, { generation: LOGGED_OUT, value: '', owner: 'another', ttl: TTL })
    assert.equal(await records.undoIfLoggedOut(login, undo), true)
  })

  it('of this process undoes it also without the store', async () => {
    const { store, records, login } = setUp()
    store.error = new Error('The connection is lost')
    await records.logOut(login, TTL)
    assert.equal(await records.undoIfLoggedOut(login, () => Promise.resolve()), true)
  })

  it('is looked for again later, if the store fails', async () => {
    const { clock, store, records, login, name } = setUp()
    let undone = 0
    store.error = new Error('The connection is lost')
    assert.equal(await records.undoIfLoggedOut(login, () => Promise.resolve(undone++).then(() => undefined)), false)
    store.error = undefined
    await store.memory.save(name, { generation: LOGGED_OUT, value: '', owner: 'another', ttl: TTL })
    await clock.pass(100)
    assert.equal(undone, 1)
  })
})
