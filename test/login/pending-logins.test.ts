import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { LoginStateError, type LoginStateReason } from '../../lib'
import { PendingLogins, type LoginBaggage } from '../../lib/login/pending-logins'

const KEY = 'oauth2:oauth.twilio.com'
const TTL = 600_000

interface TestRequest {
  session?: Record<string, unknown>
  sessionID?: string
  sessionStore?: object
}

describe('pending logins', () => {
  beforeEach(() => mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 }))
  afterEach(() => mock.timers.reset())

  const logins = (options: { max?: number; secret?: string } = {}) => new PendingLogins({ sessionKey: KEY, ttl: TTL, max: options.max ?? 8, secret: options.secret ?? 'the client secret' })
  const visitor = (): TestRequest => ({ session: {}, sessionID: 'a-session' })
  /** The next request of the same browser: the session as its store gives it back. */
  const later = ({ session, sessionID }: TestRequest): TestRequest => ({ session: JSON.parse(JSON.stringify(session)) as Record<string, unknown>, ...(sessionID === undefined ? {} : { sessionID }) })

  function assertRefused(pending: PendingLogins, request: TestRequest, state: string | undefined, reason: LoginStateReason): void {
    assert.throws(() => pending.finish(request, state), (error) => error instanceof LoginStateError && error.reason === reason && error.message.includes('Start the login again.'))
  }

  it('come back once, with what they carried', () => {
    const pending = logins()
    const request = visitor()
    const baggage: LoginBaggage = { state: { cart: [1, 'é'] }, returnTo: '/numbers' }
    const state = pending.begin(request, baggage)
    const back = later(request)
    const { state: appState, returnTo } = pending.finish(back, state)
    assert.deepEqual({ state: appState, returnTo }, baggage)
    assertRefused(pending, later(back), state, 'used')
  })

  it('are of use for once even when the session forgets that they came back', () => {
    const pending = logins()
    const request = visitor()
    const state = pending.begin(request, {})
    pending.finish(later(request), state)
    assertRefused(pending, later(request), state, 'used')
  })

  it('are remembered as used by the session, in every process', () => {
    const request = visitor()
    const state = logins().begin(request, {})
    const back = later(request)
    logins().finish(back, state)
    assertRefused(logins(), later(back), state, 'used')
  })

  it('wait for as long as they may, and no longer', () => {
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

  it('are bounded: the oldest goes first (SEC-37)', () => {
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

  it('are unknown with any character changed, missing or added', () => {
    const pending = logins()
    const request = visitor()
    const state = pending.begin(request, {})
    const changed = Array.from(state, (character, at) => state.slice(0, at) + (character === 'A' ? 'B' : 'A') + state.slice(at + 1))
    for (const other of [...changed, '', state.slice(1), state.slice(0, -1), `${state}A`, 'x'.repeat(12_000), '__proto__']) assertRefused(pending, later(request), other, 'unknown')
    assertRefused(pending, request, undefined, 'missing')
    pending.finish(request, state)
  })

  it('are unknown in another session, and stay in their own', () => {
    const pending = logins()
    const [victim, attacker] = [visitor(), { session: {}, sessionID: 'another-session' }]
    const state = pending.begin(attacker, {})
    pending.begin(victim, {})
    assertRefused(pending, victim, state, 'unknown')
    pending.finish(attacker, state)
  })

  it('are unknown to an app with another secret (SEC-07)', () => {
    const request = visitor()
    const state = logins({ secret: 'one' }).begin(request, {})
    delete request.session?.[KEY]
    assertRefused(logins({ secret: 'another' }), request, state, 'unknown')
  })

  describe('whose tabs began at the same moment, each saving over the other,', () => {
    /** Two tabs load the same session, and the second saves last. */
    function race(pending: PendingLogins, baggage: LoginBaggage = {}): { request: TestRequest; lost: string; kept: string } {
      const before = visitor()
      const [one, other] = [later(before), later(before)]
      return { lost: pending.begin(one, baggage), kept: pending.begin(other, baggage), request: later(other) }
    }

    it('can come back both', () => {
      const pending = logins()
      const { request, lost, kept } = race(pending)
      pending.finish(request, lost)
      pending.finish(later(request), kept)
    })

    it('come back once, and in time', () => {
      const pending = logins()
      const { request, lost } = race(pending)
      pending.finish(request, lost)
      assertRefused(pending, later(request), lost, 'used')
      const { request: slow, lost: late } = race(logins())
      mock.timers.tick(TTL)
      assertRefused(logins(), slow, late, 'expired')
    })

    it('lose the page that was wanted, but not the login', () => {
      const pending = logins()
      const { request, lost } = race(pending, { returnTo: '/numbers' })
      assert.equal(pending.finish(request, lost).returnTo, undefined)
    })

    it("do not come back without the application's state", () => {
      const pending = logins()
      const { request, lost, kept } = race(pending, { state: 'link to account 7' })
      assertRefused(pending, request, lost, 'unknown')
      assert.equal(pending.finish(request, kept).state, 'link to account 7')
    })

    it('are unknown once as many have begun since as may wait', () => {
      const pending = logins({ max: 2 })
      const { request, lost } = race(pending)
      for (let tab = 0; tab < 3; tab++) {
        mock.timers.tick(1)
        pending.begin(request, {})
      }
      assertRefused(pending, later(request), lost, 'unknown')
    })
  })

  it('leave out what there is none of, for stores that make null of undefined', () => {
    const request = visitor()
    logins().begin(request, { state: 'plan', returnTo: undefined })
    logins().begin(request, { state: undefined, returnTo: undefined })
    const { logins: waiting } = request.session?.[KEY] as { logins: object[] }
    assert.deepEqual(waiting.map((login) => Object.keys(login)), [['nonce', 'state'], ['nonce']])
  })

  it('work in a session without an ID, by their entries alone', () => {
    const pending = logins()
    const request: TestRequest = { session: {} }
    const state = pending.begin(request, {})
    assertRefused(pending, { session: {} }, state, 'unknown')
    pending.finish(later(request), state)
  })

  it("know the session by its own ID too, where it has a store, as @fastify/session's has", () => {
    const pending = logins()
    const inStore = (sessionId: string): TestRequest => ({ session: { sessionId }, sessionStore: {} })
    const state = pending.begin(inStore('x'), {})
    pending.finish(inStore('x'), state)
    assertRefused(pending, inStore('y'), pending.begin(inStore('x'), {}), 'unknown')
  })

  it("never take an ID that the application keeps in the session for the session's own", () => {
    const pending = logins()
    const state = pending.begin({ session: { id: 'guest' } }, {})
    assertRefused(pending, { session: { id: 'guest' } }, state, 'unknown')
  })

  it('carry no more of the pages that were wanted than a cookie could take, the newest first', () => {
    const pending = logins()
    const request = visitor()
    const page = `/${'a'.repeat(999)}`
    const states = [0, 1, 2].map(() => pending.begin(request, { returnTo: page }))
    assert.ok(JSON.stringify(request.session).length < 2500)
    assert.deepEqual(states.map((state) => pending.finish(request, state).returnTo), [undefined, page, page])
  })

  it('are found among whatever else a session holds under their key', () => {
    const pending = logins()
    const nonsense = [null, 7, 'text', [], { logins: 7 }, { logins: [null, 7, {}, { nonce: 7 }, { nonce: 'short' }, { nonce: 'A'.repeat(44), returnTo: 7 }] }, { used: {}, forgotten: 'x' }, { state: 'of passport-oauth2' }]
    for (const value of nonsense) {
      const request: TestRequest = { session: { [KEY]: value }, sessionID: 's' }
      pending.finish(later(request), pending.begin(request, {}))
    }
  })

  it('do not grow with what a session was stuffed with', () => {
    const pending = logins()
    const stuffed = { logins: Array.from({ length: 10_000 }, () => ({ nonce: 'A'.repeat(44) })), used: Array.from({ length: 10_000 }, () => 'A'.repeat(22)) }
    const request: TestRequest = { session: { [KEY]: stuffed }, sessionID: 's' }
    pending.begin(request, {})
    assert.ok(JSON.stringify(request.session).length < 2000)
  })

  it('take at most 250 bytes each of the session, and at most what eight take', () => {
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

  it('say what to add where there is no session', () => {
    for (const request of [{}, { session: undefined }, { session: null }]) {
      assert.throws(() => logins().begin(request, {}), /There is no req.session. Add session middleware .*express-session/)
      assert.throws(() => logins().finish(request, 'x'), /There is no req.session/)
    }
  })

  it("have a PKCE verifier of their own, the same in every process with the app's secret", () => {
    const request = visitor()
    const [one, other] = [logins().begin(request, {}), logins().begin(request, {})]
    const verifier = logins().codeVerifier(one)
    assert.match(verifier, /^[\w-]{43}$/)
    assert.equal(logins().codeVerifier(one), verifier)
    assert.notEqual(logins().codeVerifier(other), verifier)
    assert.notEqual(logins({ secret: 'another' }).codeVerifier(one), verifier)
    assert.ok(!JSON.stringify(request.session).includes(verifier))
  })

  it('are remembered by a process as used while 10,000 others come, and forgotten after 20,000', () => {
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
