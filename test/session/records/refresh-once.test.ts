import assert from 'node:assert/strict'
import { RefreshStoreError, TwilioTokenError, type TwilioTokens } from '../../../lib'
import { Freshness } from '../../../lib/session/freshness'
import { newLogin, type KeptLogin } from '../../../lib/session/kept-login'
import { LOGGED_OUT, RecordCodec, REFUSED } from '../../../lib/session/records/record-codec'
import { LoginRefresher, type StoredLogin } from '../../../lib/session/records/refresh-once'
import { BreakableStore } from '../../support/breakable-store'
import { ManualClock, settled } from '../../support/clock'
import { withMessages } from '../../support/diagnostics'

const TTL = 3_600_000
const codec = new RecordCodec('client', [])
const INVALID_GRANT = new TwilioTokenError('The refresh token is spent.', { code: 'invalid_grant', status: 400 })

/** A login whose tokens have expired, in a session, and what a refresh does with it. */
function setUp() {
  const clock = new ManualClock()
  const store = new BreakableStore(clock)
  const warnings: { readonly message: string; readonly code: string }[] = []
  const spent: string[] = []
  const tokens = (number: number, lifetime = TTL): TwilioTokens => ({ accessToken: `access-${number}`, refreshToken: `refresh-${number}`, tokenType: 'Bearer', expiresAt: clock.now() + lifetime, claims: {} })
  const held: KeptLogin = { ...newLogin(tokens(0, -1), clock.now() - TTL), generation: 1 }
  const changes: string[] = []
  const session: StoredLogin & { stored: KeptLogin | undefined } = {
    stored: held,
    load: () => Promise.resolve(session.stored),
    replace: (login: KeptLogin) => {
      session.stored = login
      return Promise.resolve(changes.push('replace')).then(() => undefined)
    },
    remove: () => {
      session.stored = undefined
      return Promise.resolve(changes.push('remove')).then(() => undefined)
    },
    destroy: () => {
      session.stored = undefined
      return Promise.resolve(changes.push('destroy')).then(() => undefined)
    }
  }
  const twilio = { answer: (): Promise<TwilioTokens> => Promise.resolve(tokens(spent.length)) }
  const refresher = new LoginRefresher({
    refreshes: store,
    codec,
    timeout: 10_000,
    clock,
    warn: (message, code) => warnings.push({ message, code }),
    freshness: new Freshness(),
    refreshTokens: (refreshToken) => {
      spent.push(refreshToken)
      return twilio.answer()
    }
  })
  const request = { held, session, recordTTL: TTL }
  /** Lets time pass until a promise settles. */
  const during = async <Result>(promise: Promise<Result>): Promise<Result> => {
    const progress = { isSettled: false }
    promise.then(() => (progress.isSettled = true), () => (progress.isSettled = true))
    for (let waited = 0; waited < 10_000 && !progress.isSettled; waited += 10) await clock.pass(10)
    assert.ok(progress.isSettled, 'it is settled after 10 s')
    return promise
  }
  const name = codec.nameOf(held.id)
  const lockAfter = () => store.memory.acquire(name, { generation: Number.MAX_SAFE_INTEGER, owner: 'another', ttl: 1 })
  const record = (login: KeptLogin) => store.memory.save(name, { generation: login.generation, value: codec.encode(login), owner: 'another', ttl: TTL })
  return { clock, store, warnings, spent, tokens, held, session, changes, twilio, refresher, request, during, name, lockAfter, record }
}

describe('a refresh of a login', () => {
  it('uses the refresh token once, records the new tokens, puts them into the session, and releases the lock', async () => {
    const { refresher, request, session, changes, spent, store, name, lockAfter } = setUp()
    const refreshed = await refresher.refresh(request)
    assert.ok(refreshed.outcome === 'refreshed')
    assert.equal(refreshed.login.tokens.accessToken, 'access-1')
    assert.equal(refreshed.login.generation, 2)
    assert.deepEqual(spent, ['refresh-0'])
    assert.deepEqual(changes, ['replace'])
    assert.equal(session.stored?.tokens.accessToken, 'access-1')
    assert.equal((await store.memory.read(name))?.generation, 2)
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  it('is shared by all requests of the process that need it meanwhile, and not by a later one', async () => {
    const { refresher, request, held, spent } = setUp()
    assert.equal(refresher.isRefreshing(held), false)
    const refreshing = Promise.all([refresher.refresh(request), refresher.refresh(request)])
    assert.equal(refresher.isRefreshing(held), true)
    const [one, other] = await refreshing
    assert.equal(one, other)
    assert.equal(refresher.isRefreshing(held), false)
    assert.equal((await refresher.refresh(request)).outcome, 'recorded')
    assert.deepEqual(spent, ['refresh-0'])
  })

  it('is needless with a newer record that is not stale', async () => {
    const { refresher, request, held, tokens, spent, record } = setUp()
    await record({ ...held, generation: 2, receivedAt: Date.now(), tokens: tokens(7) })
    const refreshed = await refresher.refresh(request)
    assert.ok(refreshed.outcome === 'recorded')
    assert.equal(refreshed.login.tokens.accessToken, 'access-7')
    assert.deepEqual(spent, [])
  })

  it('uses the refresh token of a newer record that is stale itself', async () => {
    const { refresher, request, held, tokens, spent, record } = setUp()
    await record({ ...held, generation: 2, tokens: tokens(7, -1) })
    const refreshed = await refresher.refresh(request)
    assert.ok(refreshed.outcome === 'refreshed')
    assert.equal(refreshed.login.generation, 3)
    assert.deepEqual(spent, ['refresh-7'])
  })

  it('is needless with newer tokens in the session, and releases the lock', async () => {
    const { clock, refresher, request, held, tokens, session, spent, lockAfter } = setUp()
    session.stored = { ...held, generation: 2, receivedAt: clock.now(), tokens: tokens(7) }
    const refreshed = await refresher.refresh(request)
    assert.deepEqual(refreshed, { outcome: 'recorded', login: session.stored })
    assert.deepEqual(spent, [])
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  it('is impossible without a refresh token: the login stays as it is', async () => {
    const { refresher, request, held, session, spent, lockAfter } = setUp()
    const { refreshToken: _none, ...tokens } = held.tokens
    session.stored = { ...held, generation: 2, tokens }
    assert.deepEqual(await refresher.refresh(request), { outcome: 'recorded', login: session.stored })
    assert.deepEqual(spent, [])
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  it('ends a login whose session is gone, and releases the lock', async () => {
    const { refresher, request, session, spent, lockAfter } = setUp()
    session.stored = undefined
    assert.deepEqual(await refresher.refresh(request), { outcome: 'ended', reason: 'session gone' })
    assert.deepEqual(spent, [])
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  for (const [generation, reason] of [
    [LOGGED_OUT, 'logged out'],
    [REFUSED, 'refused']
  ] as const) {
    it(`ends a login whose record says that it was ${reason}`, async () => {
      const { refresher, request, store, name, spent } = setUp()
      await store.memory.save(name, { generation, value: '', owner: 'another', ttl: TTL })
      assert.deepEqual(await refresher.refresh(request), { outcome: 'ended', reason })
      assert.deepEqual(spent, [])
    })
  }

  it('ends a login whose logout is not recorded in the store yet', async () => {
    const { refresher, request, held, store, spent, during } = setUp()
    store.error = new Error('The connection is lost')
    await refresher.logOut(held, TTL)
    store.error = undefined
    assert.deepEqual(await during(refresher.refresh(request)), { outcome: 'ended', reason: 'logged out' })
    assert.deepEqual(spent, [])
  })

  it('rejects with the error of the session store, and releases the lock', async () => {
    const { refresher, request, session, spent, lockAfter } = setUp()
    session.load = () => Promise.reject(new Error('The disk is full'))
    await assert.rejects(refresher.refresh(request), /The disk is full/)
    assert.deepEqual(spent, [])
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  for (const [delay, locks] of [
    [5000, 1],
    [5001, 2]
  ] as const) {
    it(`${locks === 1 ? 'still begins' : 'gets another lock first'} when ${delay} ms of its lock have passed, of which 5000 are to spare`, async () => {
      const { clock, refresher, request, session, store, spent, during } = setUp()
      const load = session.load.bind(session)
      session.load = async (login) => {
        session.load = load
        await clock.sleep(delay)
        return load(login)
      }
      assert.equal((await during(refresher.refresh(request))).outcome, 'refreshed')
      assert.equal(store.timesOf('acquire').length, locks)
      assert.deepEqual(spent, ['refresh-0'])
    })
  }

  it('that fails rejects with its error, which is passed to those who wait', async () => {
    for (const error of [new Error('Twilio is busy.'), new TwilioTokenError('No such app.', { code: 'invalid_client', status: 401 })]) {
      const { refresher, request, twilio, session, held, lockAfter } = setUp()
      twilio.answer = () => Promise.reject(error)
      await assert.rejects(refresher.refresh(request), error)
      assert.equal((await lockAfter()).outcome, 'failed')
      assert.equal(session.stored, held)
    }
  })

  it('reports tokens that are stale on arrival', async () => {
    const { refresher, request, twilio, tokens, warnings } = setUp()
    twilio.answer = () => Promise.resolve(tokens(1, -1))
    assert.equal((await refresher.refresh(request)).outcome, 'refreshed')
    assert.deepEqual(warnings, [{ message: 'Twilio issued an access token that was stale on arrival, so each request refreshes it. Is leeway longer than its lifetime?', code: 'WARN_TWILIO_TOKENS_STALE' }])
  })

  it('gives way to a logout in the meantime: the session is destroyed again', async () => {
    const { refresher, request, held, session, changes } = setUp()
    const replace = session.replace.bind(session)
    session.replace = async (login) => {
      await refresher.logOut(held, TTL)
      await replace(login)
    }
    assert.deepEqual(await refresher.refresh(request), { outcome: 'ended', reason: 'logged out' })
    assert.deepEqual(changes, ['replace', 'destroy'])
  })

  it('gives way to a logout or a newer record that comes before its own', async () => {
    const { refresher, request, held, tokens, twilio, store, name, changes, record } = setUp()
    const newer = { ...held, generation: 5, tokens: tokens(5) }
    twilio.answer = async () => {
      await record(newer)
      return tokens(1)
    }
    const refreshed = await refresher.refresh(request)
    assert.ok(refreshed.outcome === 'recorded')
    assert.equal(refreshed.login.tokens.accessToken, 'access-5')
    assert.deepEqual(changes, [])

    const other = setUp()
    other.twilio.answer = async () => {
      await other.store.memory.save(other.name, { generation: LOGGED_OUT, value: '', owner: 'another', ttl: TTL })
      return other.tokens(1)
    }
    assert.deepEqual(await other.refresher.refresh(other.request), { outcome: 'ended', reason: 'logged out' })
    assert.deepEqual(other.changes, [])
    assert.ok(await store.memory.read(name))
  })

  it('also gives the new tokens if the session store fails afterwards, and reports that', async () => {
    const { refresher, request, session, warnings } = setUp()
    session.replace = () => Promise.reject(new Error('The disk is full'))
    assert.equal((await refresher.refresh(request)).outcome, 'refreshed')
    assert.deepEqual(warnings, [{ message: 'The session store failed while Twilio tokens were refreshed: The disk is full. The record of the login has the new tokens.', code: 'WARN_TWILIO_SESSION_STORE_FAILED' }])
  })

  it('destroys a session that the session store saves late, when the person has logged out meanwhile', async () => {
    const { refresher, request, held, session, changes, during } = setUp()
    let save: () => void = () => undefined
    session.replace = () => new Promise<void>((resolve) => (save = resolve))
    assert.equal((await during(refresher.refresh(request))).outcome, 'refreshed')
    assert.deepEqual(changes, [])
    await refresher.logOut(held, TTL)
    save()
    await settled()
    assert.deepEqual(changes, ['destroy'])
  })
})

describe('a refresh that Twilio refuses', () => {
  it('ends the login in the record and in the session, and is published', async () => {
    const { refresher, request, held, twilio, changes, store, name, lockAfter } = setUp()
    twilio.answer = () => Promise.reject(INVALID_GRANT)
    await withMessages(async (messages) => {
      assert.deepEqual(await refresher.refresh(request), { outcome: 'ended', reason: 'refused' })
      assert.deepEqual(messages['passport-twilio:logout'], [{ reason: 'refused' }])
    })
    assert.deepEqual(changes, ['remove'])
    assert.equal((await store.memory.read(name))?.generation, REFUSED)
    assert.equal((await lockAfter()).outcome, 'locked')
    assert.deepEqual(await refresher.refresh({ ...request, held }), { outcome: 'ended', reason: 'refused' })
  })

  it('of a login that the person has left meanwhile is a logout', async () => {
    const { refresher, request, held, twilio, changes, session } = setUp()
    twilio.answer = () => Promise.reject(INVALID_GRANT)
    const remove = session.remove.bind(session)
    session.remove = async (login) => {
      await refresher.logOut(held, TTL)
      await remove(login)
    }
    assert.deepEqual(await refresher.refresh(request), { outcome: 'ended', reason: 'logged out' })
    assert.deepEqual(changes, ['remove', 'destroy'])
  })

  it('is followed by newer tokens that another process has left in the session, which are recorded as well', async () => {
    const { clock, refresher, request, held, tokens, twilio, session, changes, store, name, lockAfter, during } = setUp()
    const newer = { ...held, generation: 2, receivedAt: clock.now(), tokens: tokens(7) }
    twilio.answer = () => {
      session.stored = newer
      return Promise.reject(INVALID_GRANT)
    }
    const refreshed = await during(refresher.refresh(request))
    assert.ok(refreshed.outcome === 'recorded')
    assert.equal(refreshed.login.tokens.accessToken, 'access-7')
    assert.deepEqual(changes, [])
    assert.equal((await store.memory.read(name))?.generation, 2)
    assert.deepEqual(store.timesOf('release'), [], 'saving the record has released the lock')
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  it('is followed by newer tokens that another process has recorded, also when the session is gone', async () => {
    const { clock, refresher, request, held, tokens, twilio, session, changes, record, during } = setUp()
    const newer = { ...held, generation: 2, receivedAt: clock.now(), tokens: tokens(7) }
    twilio.answer = async () => {
      await record(newer)
      session.stored = undefined
      throw INVALID_GRANT
    }
    const refreshed = await during(refresher.refresh(request))
    assert.ok(refreshed.outcome === 'recorded')
    assert.equal(refreshed.login.tokens.accessToken, 'access-7')
    assert.deepEqual(changes, [])
  })

  it('ends nothing if the session or the record cannot be read, and releases the lock', async () => {
    for (const breaks of ['session', 'record'] as const) {
      const { refresher, request, twilio, session, store, changes, during, lockAfter } = setUp()
      const fail = () => Promise.reject(new Error(`The ${breaks} store is broken`))
      twilio.answer = () => {
        if (breaks === 'session') session.load = fail
        else store.read = fail
        return Promise.reject(INVALID_GRANT)
      }
      await assert.rejects(during(refresher.refresh(request)), new RegExp(`The ${breaks} store is broken`))
      assert.deepEqual(changes, [])
      assert.equal((await lockAfter()).outcome, 'locked')
    }
  })

  it('without the store of the records still ends the login in the session', async () => {
    const { refresher, request, twilio, store, changes, during } = setUp()
    store.error = new RefreshStoreError('Redis is gone')
    twilio.answer = () => Promise.reject(INVALID_GRANT)
    assert.deepEqual(await during(refresher.refresh(request)), { outcome: 'ended', reason: 'refused' })
    assert.deepEqual(changes, ['remove'])
  })
})

describe('marking the access token of a login as expired', () => {
  const setUpAlive = () => {
    const all = setUp()
    const held = { ...all.held, receivedAt: all.clock.now(), tokens: all.tokens(0) }
    all.session.stored = held
    return { ...all, held, request: { ...all.request, held } }
  }

  it('is recorded and put into the session as a newer generation, with the same tokens', async () => {
    const { clock, refresher, request, held, session, store, name, lockAfter } = setUpAlive()
    await refresher.expire(request)
    assert.deepEqual(session.stored, { ...held, generation: 2, tokens: { ...held.tokens, expiresAt: clock.now() } })
    assert.equal((await store.memory.read(name))?.generation, 2)
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  it('does nothing if a newer record exists', async () => {
    const { refresher, request, held, tokens, changes, record } = setUpAlive()
    await record({ ...held, generation: 2, tokens: tokens(7) })
    await refresher.expire(request)
    assert.deepEqual(changes, [])
  })

  it('does nothing if the session has a newer login, or none, and releases the lock', async () => {
    for (const isGone of [true, false]) {
      const { refresher, request, held, tokens, session, changes, lockAfter, store, name } = setUpAlive()
      session.stored = isGone ? undefined : { ...held, generation: 2, tokens: tokens(7) }
      await refresher.expire(request)
      assert.deepEqual(changes, [])
      assert.equal(await store.memory.read(name), undefined)
      assert.equal((await lockAfter()).outcome, 'locked')
    }
  })

  it('does nothing if the token has expired anyway', async () => {
    const { refresher, request, changes, store, name, lockAfter } = setUp()
    await refresher.expire(request)
    assert.deepEqual(changes, [])
    assert.equal(await store.memory.read(name), undefined)
    assert.equal((await lockAfter()).outcome, 'locked')
  })

  for (const [delay, isDone] of [
    [5000, true],
    [5001, false]
  ] as const) {
    it(`${isDone ? 'is still done' : 'is not done any more'} when ${delay} ms of its lock have passed, of which 5000 are to spare`, async () => {
      const { clock, refresher, request, held, session, changes, during, lockAfter } = setUpAlive()
      session.load = () => clock.sleep(delay).then(() => held)
      await during(refresher.expire(request))
      assert.deepEqual(changes, isDone ? ['replace'] : [])
      assert.equal((await lockAfter()).outcome, 'locked')
    })
  }

  it('rejects with the error of the store of the records', async () => {
    const { refresher, request, store } = setUpAlive()
    store.error = new RefreshStoreError('Redis is gone')
    await assert.rejects(refresher.expire(request), /Redis is gone/)
  })
})

describe('the newest tokens of a login', () => {
  it('are those of a newer record, else those at hand', async () => {
    const { refresher, held, tokens, record } = setUp()
    assert.equal(await refresher.newest(held), held)
    await record({ ...held, generation: 2, tokens: tokens(7) })
    assert.equal((await refresher.newest(held)).tokens.accessToken, 'access-7')
  })

  it('are those at hand if the login has ended', async () => {
    const { refresher, held } = setUp()
    await refresher.logOut(held, TTL)
    assert.equal(await refresher.newest(held), held)
  })
})

describe('the error of a store of records that cannot be used', () => {
  it('has a name, the cause, and a place where it is explained', () => {
    const cause = new Error('NOAUTH')
    const error = new RefreshStoreError('Redis replied: NOAUTH', { cause })
    assert.deepEqual([error.name, error.message, error.cause], ['RefreshStoreError', 'Redis replied: NOAUTH', cause])
    assert.equal(error.code, 'ERR_TWILIO_REFRESH_STORE')
    assert.match(error.help, /docs\/errors\.md#refreshstoreerror$/)
  })
})

describe('closing the refresher', () => {
  it('waits for refreshes that are in progress, also for those that fail', async () => {
    const { refresher, request, twilio } = setUp()
    let fail: (reason: unknown) => void = () => undefined
    twilio.answer = () => new Promise((_resolve, reject) => (fail = reject))
    const refreshing = assert.rejects(refresher.refresh(request), /Twilio is down/)
    await settled()
    let isClosed = false
    const closing = refresher.close().then(() => (isClosed = true))
    await settled()
    assert.equal(isClosed, false)
    fail(new Error('Twilio is down'))
    await closing
    await refreshing
  })
})
