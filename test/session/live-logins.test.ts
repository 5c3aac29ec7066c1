import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { TwilioTimeoutError, TwilioTokenError, TwilioUnavailableError, type TwilioTokens } from '../../lib'
import { Freshness } from '../../lib/session/freshness'
import { newLogin, toJSON, type KeptLogin } from '../../lib/session/kept-login'
import { LiveLogins } from '../../lib/session/live-logins'
import { plainCodec } from '../../lib/session/login-codec'
import { LoginSessions, type LoginSession } from '../../lib/session/login-session'
import { LOGGED_OUT, RecordCodec } from '../../lib/session/records/record-codec'
import { LoginRefresher } from '../../lib/session/records/refresh-once'
import { BreakableStore } from '../support/breakable-store'
import { ManualClock, settled } from '../support/clock'
import { withMessages, withoutDuration } from '../support/diagnostics'

const TIMEOUT = 10_000
const TTL = 3_600_000
const KEY = 'twilioTokens:client'
const codec = new RecordCodec('client', [])

/** Logins whose tokens have so many ms left, in a session with a store, and the requests that use them. */
function setUp({ msLeft = -1, refreshInBackground = true, hasStore = true } = {}) {
  const clock = new ManualClock()
  const store = new BreakableStore(clock)
  const warnings: { readonly message: string; readonly code: string }[] = []
  const spent: string[] = []
  const tokens = (number: number, lifetime = TTL): TwilioTokens => ({ accessToken: `access-${number}`, refreshToken: `refresh-${number}`, tokenType: 'Bearer', expiresAt: clock.now() + lifetime, claims: {} })
  const login: KeptLogin = newLogin(tokens(0, msLeft), clock.now() - TTL)
  let stored: Record<string, unknown> | undefined = { passport: { user: 'somebody' }, [KEY]: toJSON(login) }
  const sessionStore = {
    get: (_id: string, done: (error: unknown, session?: unknown) => void) => done(null, stored && structuredClone(stored)),
    set: (_id: string, session: Record<string, unknown>, done: () => void) => {
      stored = structuredClone(session)
      done()
    },
    destroy: (_id: string, done: () => void) => {
      stored = undefined
      done()
    }
  }
  const sessions = new LoginSessions('client', plainCodec, clock, () => undefined)
  const twilio = { answer: (): Promise<TwilioTokens> => Promise.resolve(tokens(spent.length)) }
  const shared = { freshness: new Freshness(60_000), timeout: TIMEOUT, clock, warn: (message: string, code: string) => warnings.push({ message, code }) }
  const refreshTokens = (refreshToken: string) => {
    spent.push(refreshToken)
    return twilio.answer()
  }
  const refresher = new LoginRefresher({ ...shared, refreshes: store, codec, refreshTokens })
  const live = new LiveLogins({ ...shared, refresher, refreshInBackground })
  /** A request with its own copy of the session. */
  const request = (session = structuredClone(stored)): LoginSession => sessions.of({ session, ...(hasStore && { sessionStore, sessionID: 'one' }) })
  const get = (held = login, session = request()) => live.get(held, session, TTL)
  /** Lets time pass until a promise settles. */
  const during = async <Result>(promise: Promise<Result>): Promise<Result> => {
    const progress = { isSettled: false }
    promise.then(() => (progress.isSettled = true), () => (progress.isSettled = true))
    for (let waited = 0; waited < 20_000 && !progress.isSettled; waited += 10) await clock.pass(10)
    assert.ok(progress.isSettled, 'it is settled after 20 s')
    return promise
  }
  const record = (newer: KeptLogin) => store.memory.save(codec.nameOf(login.id), { generation: newer.generation, value: codec.encode(newer), owner: 'another', ttl: TTL })
  const recordLogout = () => store.memory.save(codec.nameOf(login.id), { generation: LOGGED_OUT, value: '', owner: 'another', ttl: TTL })
  return { clock, store, warnings, spent, tokens, login, twilio, refresher, live, request, get, during, record, recordLogout, stored: () => stored }
}

type Outcomes = { readonly outcome: string; readonly error?: unknown }[]

/** What was published about refreshes while a test ran. */
async function published(test: () => Promise<void>): Promise<Outcomes> {
  let outcomes: Outcomes = []
  await withMessages(async (messages) => {
    await test()
    outcomes = messages['passport-twilio:refresh'].map(withoutDuration)
  })
  return outcomes
}

const busy = new TwilioTokenError('Twilio is busy.', { code: 'temporarily_unavailable', status: 503 })

describe('the tokens for a request', () => {
  it('are those of its session, and nothing is published, while they are not stale', async () => {
    const { get, login, spent, store } = setUp({ msLeft: 60_001 })
    const outcomes = await published(async () => {
      assert.equal(await get(), login)
      await settled()
    })
    assert.deepEqual([outcomes, spent, store.calls], [[], [], []])
  })

  it('that another process has recorded are published as recorded for each of the requests that wait for them', async () => {
    const { get, during, record, login, tokens, spent } = setUp()
    await record({ ...login, generation: 1, tokens: tokens(1) })
    const outcomes = await published(async () => {
      const logins = await during(Promise.all([get(), get()]))
      assert.deepEqual(logins.map((each) => each?.tokens.accessToken), ['access-1', 'access-1'])
    })
    assert.deepEqual([outcomes, spent], [[{ outcome: 'recorded' }, { outcome: 'recorded' }], []])
  })

  it('are refreshed once for two requests that need them at the same time: refreshed for one, shared by the other', async () => {
    const { get, spent } = setUp()
    const outcomes = await published(async () => {
      const [one, other] = await Promise.all([get(), get()])
      assert.deepEqual([one?.tokens.accessToken, other?.tokens.accessToken], ['access-1', 'access-1'])
    })
    assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ['refreshed', 'shared'])
    assert.deepEqual(spent, ['refresh-0'])
  })

  it('are refreshed in the background within leeway of their expiry, once for several requests', async () => {
    const { clock, get, login, spent, stored } = setUp({ msLeft: 60_000 })
    const outcomes = await published(async () => {
      for (let count = 0; count < 3; count++) assert.equal(await get(), login)
      await clock.pass(1000)
    })
    assert.deepEqual(outcomes, [{ outcome: 'refreshed' }])
    assert.deepEqual(spent, ['refresh-0'])
    assert.equal((stored()?.[KEY] as { accessToken: string }).accessToken, 'access-1')
  })

  it('are taken from a newer record, which is published as recorded', async () => {
    const { get, login, tokens, spent, record, clock } = setUp()
    await record({ ...login, generation: 1, receivedAt: clock.now(), tokens: tokens(7) })
    assert.deepEqual(await published(async () => assert.equal((await get())?.tokens.accessToken, 'access-7')), [{ outcome: 'recorded' }])
    assert.deepEqual(spent, [])
  })

  it('without a refresh token are used until they expire, whatever the leeway', async () => {
    for (const [msLeft, isUsed] of [
      [1, true],
      [0, false]
    ] as const) {
      const { get, login, clock } = setUp()
      const { refreshToken: _none, ...tokens } = { ...login.tokens, expiresAt: clock.now() + msLeft }
      const held = { ...login, tokens }
      assert.deepEqual(await published(async () => assert.equal(await get(held), isUsed ? held : undefined)), [])
    }
  })

  it('are none if Twilio refuses the refresh, the person has logged out, or the session is gone; each is published', async () => {
    const refused = setUp()
    refused.twilio.answer = () => Promise.reject(new TwilioTokenError('Spent.', { code: 'invalid_grant', status: 400 }))
    assert.deepEqual(await published(async () => assert.equal(await refused.get(), undefined)), [{ outcome: 'refused' }])

    const loggedOut = setUp()
    await loggedOut.recordLogout()
    assert.deepEqual(await published(async () => assert.equal(await loggedOut.get(), undefined)), [{ outcome: 'ended' }])
  })

  it('that have expired are awaited for half a second longer than a call to Twilio may take', async () => {
    const { clock, get, twilio } = setUp()
    twilio.answer = () => new Promise(() => undefined)
    let error: unknown
    const outcomes = await published(async () => {
      get().catch((reason: unknown) => (error = reason))
      await clock.pass(TIMEOUT + 499)
      assert.equal(error, undefined)
      await clock.pass(1)
      await settled()
    })
    assert.ok(error instanceof TwilioUnavailableError)
    assert.ok(error.cause instanceof TwilioTimeoutError)
    assert.equal(error.cause.message, 'The tokens are being refreshed, and the refresh did not finish in time. Try again.')
    assert.deepEqual(outcomes, [{ outcome: 'failed', error: error.cause }])
  })

  it('that are still valid are used if the refresh that is waited for fails; that is published as kept', async () => {
    const { get, login, twilio } = setUp({ msLeft: 30_000, refreshInBackground: false })
    twilio.answer = () => Promise.reject(busy)
    assert.deepEqual(await published(async () => assert.equal(await get(), login)), [{ outcome: 'kept', error: busy }])
  })

  it('have failed for a request whose token has expired: TwilioUnavailableError, with the cause', async () => {
    const { get, twilio } = setUp()
    twilio.answer = () => Promise.reject(busy)
    const outcomes = await published(() => assert.rejects(get(), (error) => error instanceof TwilioUnavailableError && error.cause === busy))
    assert.deepEqual(outcomes, [{ outcome: 'failed', error: busy }])
  })

  it('that Twilio has just issued are used whatever their expiry', async () => {
    const { get, twilio, tokens } = setUp()
    twilio.answer = () => Promise.resolve(tokens(1, -1))
    assert.equal((await get())?.tokens.accessToken, 'access-1')
  })

  it('that another process has refreshed, and that expire while this one is frozen, are refreshed again', async () => {
    const { clock, get, tokens, login, record, spent } = setUp()
    await record({ ...login, generation: 1, receivedAt: clock.now(), tokens: tokens(7, 61_000) })
    const later = clock.now() + 61_001
    const freeze = () => (clock.now = () => later)
    subscribe('passport-twilio:refresh', freeze)
    try {
      assert.equal((await get())?.tokens.accessToken, 'access-1')
    } finally {
      unsubscribe('passport-twilio:refresh', freeze)
    }
    assert.deepEqual(spent, ['refresh-7'])
  })
})

describe('background refreshes after a failure', () => {
  for (const [what, error, isForAll] of [
    ['of Twilio', busy, true],
    ['for a wrong client secret', new TwilioTokenError('Authentication Error', { code: 'invalid_client', status: 401 }), true],
    ['that concerns one login only', new TwilioTokenError('Not today.', { code: 'unauthorized_client', status: 400 }), false]
  ] as const) {
    it(`${what} pause for 5 s, ${isForAll ? 'for all logins' : 'for that login alone'}`, async () => {
      const { clock, get, login, tokens, twilio, spent } = setUp({ msLeft: 50_000 })
      const other = newLogin(tokens(5, 50_000), clock.now() - TTL)
      twilio.answer = () => Promise.reject(error)
      assert.equal(await get(), login)
      await clock.pass(0)
      assert.equal(spent.length, 1)
      await clock.pass(4999)
      assert.equal(await get(), login)
      await clock.pass(0)
      assert.equal(spent.length, 1)
      const before = spent.length
      await get(other, { hasStore: true, load: () => Promise.resolve(other) } as unknown as LoginSession)
      await settled()
      assert.equal(spent.length - before, isForAll ? 0 : 1)
      await clock.pass(6000)
      assert.equal(await get(), login)
      await clock.pass(400)
      assert.equal(spent.filter((token) => token === 'refresh-0').length, 2)
    })
  }

  it('are reported at once if Twilio refuses them', async () => {
    const { clock, get, twilio, warnings } = setUp({ msLeft: 50_000 })
    twilio.answer = () => Promise.reject(new TwilioTokenError('Authentication Error', { code: 'invalid_client', status: 401 }))
    await get()
    await clock.pass(0)
    assert.deepEqual(warnings, [{ message: 'Twilio refuses to refresh tokens: Authentication Error', code: 'WARN_TWILIO_REFRESH_REFUSED' }])
  })
})

describe('an access token that is marked as expired', () => {
  it('counts as expired for every copy of the session, in this process at once and in others through the record', async () => {
    const { live, request, login, store, clock } = setUp({ msLeft: TTL })
    assert.deepEqual(live.held(request())?.tokens.expiresAt, login.tokens.expiresAt)
    const old = request()
    await live.expire('access-0', request(), TTL)
    assert.equal(live.held(old)?.tokens.expiresAt, 0)
    assert.equal(live.held(old)?.tokens.accessToken, 'access-0')
    assert.equal((await store.memory.read(codec.nameOf(login.id)))?.generation, 1)
    assert.equal(live.held(request())?.tokens.expiresAt, clock.now())
  })

  it('is that of the session, if none is given', async () => {
    const { live, request, clock } = setUp({ msLeft: TTL })
    await live.expire(undefined, request(), TTL)
    assert.equal(live.held(request())?.tokens.expiresAt, clock.now())
  })

  it('does nothing in a session without a login', async () => {
    const { live, store } = setUp()
    const empty = new LoginSessions('client', plainCodec, new ManualClock(), () => undefined).of({ session: {} })
    assert.equal(live.held(empty), undefined)
    await live.expire(undefined, empty, TTL)
    assert.deepEqual(store.calls, [])
  })

  it('stays marked when a newer one has been recorded, which is not marked', async () => {
    const { live, request, login, tokens, record, clock, stored } = setUp({ msLeft: TTL })
    await record({ ...login, generation: 1, receivedAt: clock.now(), tokens: tokens(7) })
    await live.expire('access-0', request(), TTL)
    assert.equal(live.held(request())?.tokens.expiresAt, 0)
    assert.equal((stored()?.[KEY] as { generation: number }).generation, 0)
  })

  it('may be one that a request got from the record: it is marked in the record and in the session', async () => {
    const { live, request, login, tokens, record, clock, store } = setUp({ msLeft: TTL })
    const old = request()
    await record({ ...login, generation: 1, receivedAt: clock.now(), tokens: tokens(7) })
    await live.expire('access-7', request(), TTL)
    assert.equal(live.held(old)?.tokens.expiresAt, login.tokens.expiresAt, 'the older token is not marked')
    const { generation, tokens: { accessToken, expiresAt } = {} } = live.held(request()) ?? {}
    assert.deepEqual([generation, accessToken, expiresAt], [2, 'access-7', clock.now()])
    assert.equal((await store.memory.read(codec.nameOf(login.id)))?.generation, 2)
  })

  it('is marked in this process, although the stores fail', async () => {
    const { live, request, store } = setUp({ msLeft: TTL })
    store.error = new Error('The connection is lost')
    await assert.rejects(live.expire('access-0', request(), TTL), /The connection is lost/)
    assert.equal(live.held(request())?.tokens.expiresAt, 0)
  })
})

describe('a session in a cookie', () => {
  it('gets the newest tokens from the record, and those of a refresh', async () => {
    const { clock, request, login, tokens, record, get } = setUp({ hasStore: false })
    await record({ ...login, generation: 1, receivedAt: clock.now(), tokens: tokens(7) })
    const session = request()
    assert.equal((await get(login, session))?.tokens.accessToken, 'access-7')
    assert.equal(session.copy?.tokens.accessToken, 'access-7')
  })

  it('gets the tokens of its own refresh', async () => {
    const { request, login, get } = setUp({ hasStore: false })
    const session = request()
    assert.equal((await get(login, session))?.tokens.accessToken, 'access-1')
    assert.equal(session.copy?.tokens.accessToken, 'access-1')
  })

  it('is not changed, so that no cookie is sent, when it has the newest tokens', async () => {
    const { request, login, get, stored } = setUp({ hasStore: false, msLeft: TTL })
    const session = { ...stored() }
    const before = session[KEY]
    assert.equal(await get(login, request(session)), login)
    assert.equal(session[KEY], before)
  })

  it('keeps its tokens while the store of the records fails', async () => {
    const { store, request, login, get } = setUp({ hasStore: false, msLeft: TTL })
    store.error = new Error('The connection is lost')
    assert.equal(await get(login, request()), login)
  })
})
