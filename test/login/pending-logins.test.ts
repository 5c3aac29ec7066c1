import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { mock } from 'node:test'
import { LoginStateError, type LoginStateReason } from '../../lib'
import type { LoginContext } from '../../lib/login/login-store'
import { TestLogins } from '../support/pending-logins'

const KEY = 'oauth2:oauth.twilio.com'
const TTL = 600_000
/** For the client of the tests and the session `a-session`, if all random bytes are 7. */
const GOLDEN = { state: 'AaMYXFAABwcHBwcHBwcHBwicJXcTXuPmbt9G3W-XRUEj', codeVerifier: 'HEbqQOC4eqKBYTgTfrIKb2CuXMR6q9T1Ngf0Au2qMlk' }

/** The same for sessions without an ID, as in a cookie: of nobody, and of somebody who links an account, with a state of the application's own. */
const GOLDEN_WITHOUT_ID = { state: 'AaMYXFAABwcHBwcHBwcHBwojZricpTDXCzThQY7SFV7O', codeVerifier: 'wWVgWZaET6Y9zMOmbLWWkTRQFUgX3NnjvFUJT_0FtCY' }
const GOLDEN_LINKING = { state: 'AaMYXFAABwcHBwcHBwcHBwFfYe1aYpsi9AWLxkv84aYr', codeVerifier: 'lOslWfPUf22CZJEjQz5JQ5t39ESG25BG6aBsdHexI3A' }

interface TestRequest {
  session?: Record<string, unknown>
  sessionID?: string
  sessionStore?: object
}

describe('PendingLogins', () => {
  beforeEach(() => mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 }))
  afterEach(() => mock.timers.reset())

  const logins = (options: { max?: number; secret?: string; clientID?: string } = {}) => new TestLogins({ sessionKey: KEY, ttl: TTL, ...options })
  const visitor = (): TestRequest => ({ session: {}, sessionID: 'a-session' })
  /** The next request of the same browser, with the session as its store returns it. */
  const later = ({ session, sessionID }: TestRequest): TestRequest => ({ session: JSON.parse(JSON.stringify(session)) as Record<string, unknown>, ...(sessionID === undefined ? {} : { sessionID }) })

  function assertRefused(pending: TestLogins, request: TestRequest, state: string | undefined, reason: LoginStateReason): void {
    assert.throws(() => pending.finish(request, state), (error) => error instanceof LoginStateError && error.reason === reason && error.message.includes('Start the login again.'))
  }

  it('finishes a login once, with the state of the application and the requested page', () => {
    const pending = logins()
    const request = visitor()
    const context: LoginContext = { state: { cart: [1, 'é'] }, returnTo: '/numbers' }
    const state = pending.begin(request, context)
    const back = later(request)
    const { state: appState, returnTo } = pending.finish(back, state)
    assert.deepEqual({ state: appState, returnTo }, context)
    assertRefused(pending, later(back), state, 'used')
  })

  it('finishes a login once, even if the session is not saved afterwards', () => {
    const pending = logins()
    const request = visitor()
    const state = pending.begin(request, {})
    pending.finish(later(request), state)
    assertRefused(pending, later(request), state, 'used')
  })

  it('records used logins in the session, for other processes', () => {
    const request = visitor()
    const state = logins().begin(request, {})
    const back = later(request)
    logins().finish(back, state)
    assertRefused(logins(), later(back), state, 'used')
  })

  it('finishes a login until its TTL is over, and refuses it as expired afterwards', () => {
    const pending = logins()
    const request = visitor()
    const [punctual, late] = [pending.begin(request, {}), pending.begin(request, {})]
    mock.timers.tick(TTL - 1)
    pending.finish(request, punctual)
    mock.timers.tick(1)
    assertRefused(pending, request, late, 'expired')
    pending.begin(request, {})
    assertRefused(pending, request, late, 'expired')
  })

  it('drops the oldest login of a session when there are more than max (SEC-37)', () => {
    const pending = logins({ max: 2 })
    const request = visitor()
    const states = [0, 1, 2].map(() => {
      mock.timers.tick(1)
      return pending.begin(request, {})
    })
    assertRefused(pending, later(request), states[0], 'unknown')
    pending.finish(request, states[1])
    pending.finish(request, states[2])
  })

  it('refuses a state with any character changed, missing or added', () => {
    const pending = logins()
    const request = visitor()
    const state = pending.begin(request, {})
    const changed = Array.from(state, (character, at) => state.slice(0, at) + (character === 'A' ? 'B' : 'A') + state.slice(at + 1))
    for (const other of [...changed, '', state.slice(1), state.slice(0, -1), `${state}A`, 'x'.repeat(12_000), '__proto__']) assertRefused(pending, later(request), other, 'unknown')
    assertRefused(pending, request, undefined, 'missing')
    pending.finish(request, state)
  })

  it('refuses the state of another session, which stays usable there', () => {
    const pending = logins()
    const [victim, attacker] = [visitor(), { session: {}, sessionID: 'another-session' }]
    const state = pending.begin(attacker, {})
    pending.begin(victim, {})
    assertRefused(pending, victim, state, 'unknown')
    pending.finish(attacker, state)
  })

  it('refuses a state of another client or another callback URL, although it is listed in the session', () => {
    const request = visitor()
    const state = logins().begin(request, {})
    assertRefused(logins({ clientID: `OQ${'b'.repeat(32)}` }), later(request), state, 'unknown')
    assert.throws(() => logins().finish(later(request), state, 'https://app.example/other/callback'), { reason: 'unknown' })
    logins().finish(later(request), state)
  })

  it('refuses a state that is listed in a session with another ID, such as one that was planted before the login', () => {
    const planted = { ...visitor(), sessionID: 'of the attacker' }
    const state = logins().begin(planted, {})
    assertRefused(logins(), { ...later(planted), sessionID: 'after the login, with keepSessionInfo' }, state, 'unknown')
  })

  it('refuses a listed state whose signature is wrong', () => {
    const request: TestRequest = { ...visitor(), session: { [KEY]: { logins: [{ nonce: 'A'.repeat(44) }] } } }
    assertRefused(logins(), request, 'A'.repeat(44), 'unknown')
  })

  it('refuses a state if the state of the application was removed from the session', () => {
    const request = visitor()
    const state = logins().begin(request, { state: 'link to account 7' })
    const changed = JSON.parse(JSON.stringify(request.session).replace(',"state":"link to account 7"', '')) as Record<string, unknown>
    assertRefused(logins(), { ...request, session: changed }, state, 'unknown')
  })

  it('finishes at most max of the logins that began at the same time in one session', () => {
    const pending = logins({ max: 3 })
    const before = visitor()
    const tabs = Array.from({ length: 50 }, () => {
      const tab = later(before)
      return { tab, state: pending.begin(tab, {}) }
    })
    const saved = tabs.at(-1)?.tab ?? before
    // Each callback loads the session before any other has saved it.
    const finished = tabs.filter(({ state }) => {
      try {
        return pending.finish(later(saved), state)
      } catch {
        return false
      }
    })
    assert.equal(finished.length, 3 + 1, 'three that were overwritten, and the one that the session lists')
    mock.timers.tick(1)
    const [one, other] = [later(saved), later(saved)]
    const [lost] = [pending.begin(one, {}), pending.begin(other, {})]
    pending.finish(later(other), lost)
  })

  it('with max: 1, finishes the newest login only', () => {
    const pending = logins({ max: 1 })
    const request = visitor()
    const older = pending.begin(request, {})
    mock.timers.tick(1)
    const newer = pending.begin(request, {})
    assertRefused(pending, later(request), older, 'unknown')
    pending.finish(later(request), newer)
  })

  it('refuses a state that was signed with another secret (SEC-07)', () => {
    const request = visitor()
    const state = logins({ secret: 'one' }).begin(request, {})
    delete request.session?.[KEY]
    assertRefused(logins({ secret: 'another' }), request, state, 'unknown')
  })

  describe('when two tabs begin a login at the same time and one overwrites the session of the other', () => {
    /** Two tabs load the same session, and the second saves last. */
    function race(pending: TestLogins, context: LoginContext = {}): { request: TestRequest; lost: string; kept: string } {
      const before = visitor()
      const [one, other] = [later(before), later(before)]
      return { lost: pending.begin(one, context), kept: pending.begin(other, context), request: later(other) }
    }

    it('finishes the logins of both tabs', () => {
      const pending = logins()
      const { request, lost, kept } = race(pending)
      pending.finish(request, lost)
      pending.finish(later(request), kept)
    })

    it('finishes the overwritten login once, and only within its TTL', () => {
      const pending = logins()
      const { request, lost } = race(pending)
      pending.finish(request, lost)
      assertRefused(pending, later(request), lost, 'used')
      const { request: slow, lost: late } = race(logins())
      mock.timers.tick(TTL)
      assertRefused(logins(), slow, late, 'expired')
    })

    it('finishes the overwritten login without the requested page', () => {
      const pending = logins()
      const { request, lost } = race(pending, { returnTo: '/numbers' })
      assert.equal(pending.finish(request, lost).returnTo, undefined)
    })

    it("refuses the overwritten login if it had a state of the application", () => {
      const pending = logins()
      const { request, lost, kept } = race(pending, { state: 'link to account 7' })
      assertRefused(pending, request, lost, 'unknown')
      assert.equal(pending.finish(request, kept).state, 'link to account 7')
    })

    it('refuses the overwritten login once max others have begun', () => {
      const pending = logins({ max: 2 })
      const { request, lost } = race(pending)
      for (let tab = 0; tab < 3; tab++) {
        mock.timers.tick(1)
        pending.begin(request, {})
      }
      assertRefused(pending, later(request), lost, 'unknown')
    })
  })

  it('stores no undefined values, which some stores turn into null', () => {
    const request = visitor()
    logins().begin(request, { state: 'plan', returnTo: undefined })
    logins().begin(request, { state: undefined, returnTo: undefined })
    const { logins: waiting } = request.session?.[KEY] as { logins: object[] }
    assert.deepEqual(waiting.map((login) => Object.keys(login)), [['nonce', 'state'], ['nonce']])
  })

  it('works in a session without an ID', () => {
    const pending = logins()
    const request: TestRequest = { session: {} }
    const state = pending.begin(request, {})
    assertRefused(pending, { session: {} }, state, 'unknown')
    pending.finish(later(request), state)
  })

  it("recognizes a session by its own ID if it has a store, as with @fastify/session", () => {
    const pending = logins()
    const inStore = (sessionId: string): TestRequest => ({ session: { sessionId }, sessionStore: {} })
    const state = pending.begin(inStore('x'), {})
    pending.finish(inStore('x'), state)
    assertRefused(pending, inStore('y'), pending.begin(inStore('x'), {}), 'unknown')
  })

  it("ignores an id property of the application in a session without a store", () => {
    const pending = logins()
    const state = pending.begin({ session: { id: 'guest' } }, {})
    assertRefused(pending, { session: { id: 'guest' } }, state, 'unknown')
  })

  it('keeps the requested pages of the newest logins only, so that a session fits into a cookie', () => {
    const pending = logins()
    const request = visitor()
    const page = `/${'a'.repeat(999)}`
    const states = [0, 1, 2].map(() => pending.begin(request, { returnTo: page }))
    assert.ok(JSON.stringify(request.session).length < 2500)
    assert.deepEqual(states.map((state) => pending.finish(request, state).returnTo), [undefined, page, page])
  })

  it('works if the session contains anything else under its key', () => {
    const pending = logins()
    const nonsense = [null, 7, 'text', [], { logins: 7 }, { logins: [null, 7, {}, { nonce: 7 }, { nonce: 'short' }, { nonce: 'A'.repeat(44), returnTo: 7 }] }, { used: {}, forgotten: 'x' }, { state: 'of passport-oauth2' }]
    for (const value of nonsense) {
      const request: TestRequest = { session: { [KEY]: value }, sessionID: 's' }
      pending.finish(later(request), pending.begin(request, {}))
    }
  })

  it('removes logins and IDs from the session that are none', () => {
    const pending = logins()
    const request = visitor()
    const state = pending.begin(request, {})
    const found = [null, 7, {}, { nonce: 7 }, { nonce: 'short' }, { nonce: 'A'.repeat(44), returnTo: 7 }, { nonce: state }]
    Object.assign(request.session?.[KEY] as object, { logins: found, used: [7, null, 'short', ['x'.repeat(22)]] })
    pending.finish(request, state)
    assert.deepEqual(request.session, { [KEY]: { logins: [], used: [state.slice(0, 22)] } })
  })

  it('replaces a random value in the session that is none', () => {
    for (const randomValue of [7, '', 'short', 'x'.repeat(23), Array.from('x'.repeat(22))]) {
      const request: TestRequest = { session: { [KEY]: { randomValue } } }
      const state = logins().begin(request, {})
      assert.match((request.session?.[KEY] as { randomValue: string }).randomValue, /^[\w-]{22}$/)
      logins().finish(later(request), state)
    }
  })

  it('shortens a record that is far too long', () => {
    const pending = logins()
    const stuffed = { logins: Array.from({ length: 10_000 }, () => ({ nonce: 'A'.repeat(44) })), used: Array.from({ length: 10_000 }, () => 'A'.repeat(22)) }
    const request: TestRequest = { session: { [KEY]: stuffed }, sessionID: 's' }
    pending.begin(request, {})
    assert.ok(JSON.stringify(request.session).length < 2000)
  })

  it('adds at most 250 bytes per login to the session, up to max logins', () => {
    const pending = logins()
    const request = visitor()
    const sizes = Array.from({ length: 20 }, () => {
      pending.begin(request, {})
      return JSON.stringify(request.session).length
    })
    assert.ok(Math.max(...sizes.map((size, index) => size - (sizes[index - 1] ?? 2))) <= 250, sizes.join())
    assert.ok((sizes.at(-1) ?? Infinity) - (sizes.at(8) ?? 0) < 10)
    for (let login = 0; login < 20; login++) pending.finish(request, pending.begin(request, {}))
    assert.ok(JSON.stringify(request.session).length < 1000)
  })

  it('throws an error that says to add session middleware if there is no session', () => {
    for (const request of [{}, { session: undefined }, { session: null }]) {
      assert.throws(() => logins().begin(request, {}), /There is no req.session. Add session middleware .*express-session/)
      assert.throws(() => logins().finish(request, 'x'), /There is no req.session/)
    }
  })

  it('gives each login its own PKCE verifier, the same at the callback and in every process, and never stores it', () => {
    const request = visitor()
    const [one, other] = [logins().beginWithVerifier(request), logins().beginWithVerifier(request)]
    assert.match(one.codeVerifier, /^[\w-]{43}$/)
    assert.notEqual(one.codeVerifier, other.codeVerifier)
    assert.ok(!JSON.stringify(request.session).includes(one.codeVerifier))
    assert.equal(logins().finishWithVerifier(later(request), one.state), one.codeVerifier)
  })

  it('derives the PKCE verifier from the session too, not from the secret and the public state alone', () => {
    mock.method(crypto, 'randomBytes', (size: number) => Buffer.alloc(size, 7))
    try {
      const ofSession = (sessionID: string) => logins().beginWithVerifier({ session: {}, sessionID })
      const [one, same, other] = [ofSession('one'), ofSession('one'), ofSession('other')]
      assert.equal(one.state.slice(0, 22), other.state.slice(0, 22), 'the public ID is the same')
      assert.equal(one.codeVerifier, same.codeVerifier)
      assert.notEqual(one.codeVerifier, other.codeVerifier)
    } finally {
      mock.restoreAll()
    }
  })

  it('keeps a random value in a session without an ID, to which states and verifiers belong', () => {
    const pending = logins()
    const [one, other]: [TestRequest, TestRequest] = [{ session: {} }, { session: {} }]
    const first = pending.beginWithVerifier(one)
    const second = pending.beginWithVerifier(one)
    pending.begin(other, {})
    const { randomValue } = one.session?.[KEY] as { randomValue: string }
    assert.match(randomValue, /^[\w-]{22}$/)
    const planted = later(other)
    Object.assign(planted.session?.[KEY] as object, { logins: (one.session?.[KEY] as { logins: unknown }).logins })
    assertRefused(pending, planted, first.state, 'unknown')
    assert.equal(pending.finishWithVerifier(later(one), first.state), first.codeVerifier)
    assert.equal(pending.finishWithVerifier(later(one), second.state), second.codeVerifier)
  })

  it('refuses a state of a session without an ID after somebody has logged in, even if its content was carried over', () => {
    const planted: TestRequest = { session: {} }
    const state = logins().begin(planted, {})
    const loggedIn: TestRequest = { session: { ...later(planted).session, passport: { user: 'victim' } } }
    assertRefused(logins(), later(loggedIn), state, 'unknown')
    const linking = logins().begin(loggedIn, {})
    logins().finish(later(loggedIn), linking)
  })

  it('leaves nothing of finished and expired logins in the session but the IDs of the finished ones', () => {
    const request = visitor()
    const finished = logins().begin(request, {})
    logins().finish(request, finished)
    assert.deepEqual(request.session, { [KEY]: { logins: [], used: [finished.slice(0, 22)] } })
    logins().begin(request, {})
    mock.timers.tick(TTL)
    const nonce = logins().begin(request, {})
    assert.deepEqual(request.session, { [KEY]: { logins: [{ nonce }], used: [finished.slice(0, 22)] } })
  })

  it('comes back with a page of up to 2,048 characters', () => {
    const request = visitor()
    const returnTo = `/${'a'.repeat(2047)}`
    assert.deepEqual(logins().finish(request, logins().begin(request, { returnTo })), { returnTo })
  })

  it('refuses a state of the right length with characters of several bytes, and ignores IDs in the session that are none', () => {
    const pending = logins({ max: 1 })
    const request = visitor()
    const state = pending.begin(request, {})
    assertRefused(pending, later(request), `${state.slice(0, -1)}é`, 'unknown')
    Object.assign(request.session?.[KEY] as object, { used: ['!'.repeat(22)] })
    pending.finish(request, state)
    assert.deepEqual(request.session, { [KEY]: { logins: [], used: [state.slice(0, 22)] } })
  })

  it('keeps the format of the state, so that an upgrade loses no pending login', () => {
    const random = mock.method(crypto, 'randomBytes', (size: number) => Buffer.alloc(size, 7))
    const request = visitor()
    const { state, codeVerifier } = logins().beginWithVerifier(request)
    random.mock.restore()
    assert.deepEqual([state, codeVerifier, request.session], [GOLDEN.state, GOLDEN.codeVerifier, { [KEY]: { logins: [{ nonce: GOLDEN.state }] } }])
  })

  it('finishes logins that an earlier version began in a session without an ID', () => {
    const randomValue = 'BwcHBwcHBwcHBwcHBwcHBw'
    const begun: [typeof GOLDEN, Record<string, unknown>, LoginContext][] = [
      [GOLDEN_WITHOUT_ID, {}, {}],
      [GOLDEN_LINKING, { passport: { user: 'somebody' } }, { state: 'plan' }]
    ]
    for (const [{ state, codeVerifier }, session, context] of begun) {
      const finished = () => ({ session: { ...session, [KEY]: { logins: [{ nonce: state, ...context }], randomValue } } })
      assert.deepEqual(logins().finish(finished(), state), context)
      assert.equal(logins().finishWithVerifier(finished(), state), codeVerifier)
    }
  })

  it('remembers in memory the last 10,000 used logins, and forgets them after 20,000 more', () => {
    const pending = logins()
    const request = visitor()
    const first = pending.begin(request, {})
    const before = later(request)
    pending.finish(request, first)
    const finishOthers = (count: number) => {
      for (let other = 0; other < count; other++) pending.finish(request, pending.begin(request, {}))
    }
    finishOthers(9_999)
    assertRefused(pending, later(before), first, 'used')
    finishOthers(20_000)
    pending.finish(later(before), first)
  })
})
