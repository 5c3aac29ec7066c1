import assert from 'node:assert/strict'
import { newLogin, type KeptLogin } from '../../lib/session/kept-login'
import { plainCodec } from '../../lib/session/login-codec'
import { LoginSessions, type EndReason, type LoginSession } from '../../lib/session/login-session'
import { systemClock } from '../../lib/util/clock'
import { CLIENT_ID } from '../support/jwt'
import { SESSION_KEY, tokensOf } from '../support/session-app'

type Content = Record<string, unknown>
type Done = (error?: unknown, session?: unknown) => void

const LOGIN = newLogin(tokensOf(), 1_800_000_000_000)
const OTHER = newLogin(tokensOf({ accessToken: 'another' }), 1_800_000_000_000)
const USER = { passport: { user: 'somebody' } }
const COOKIE = { cookie: { maxAge: 1000 } }
const BROKEN = new Error('the store is gone')

const tokens = (login: KeptLogin): Content => ({ [SESSION_KEY]: plainCodec.encode(login) })
const copyOf = (content: Content): Content => JSON.parse(JSON.stringify(content)) as Content

interface Setup {
  readonly session: LoginSession
  /** The request's copy of the session. */
  readonly copy: Content
  /** What has been done to the session in the store. */
  readonly changes: unknown[]
  readonly sessionStore: object
}

/** @param stored what the session store holds, `undefined` if the session is gone, or the error of the store */
function setUp(copy: Content, stored: Content | Error | undefined): Setup {
  const changes: unknown[] = []
  const sessionStore = {
    get: (_id: string, done: Done) => (stored instanceof Error ? done(stored) : done(null, stored && copyOf(stored))),
    set: (_id: string, session: object, done: Done) => done(void changes.push(session)),
    destroy: (_id: string, done: Done) => done(void changes.push('destroyed'))
  }
  const content = copyOf({ ...COOKIE, ...copy })
  return { session: sessions().of({ session: content, sessionID: 'one', sessionStore }), copy: content, changes, sessionStore }
}

/** A session that is kept in a cookie, and so has no store. */
function inCookie(copy: Content): { session: LoginSession; copy: Content } {
  const content = copyOf(copy)
  return { session: sessions().of({ session: content }), copy: content }
}

function sessions(): LoginSessions {
  return new LoginSessions(CLIENT_ID, plainCodec, systemClock, () => undefined)
}

describe('The session of a login', () => {
  it('may be gone from the request, as after req.session.destroy(), when a login ends', async () => {
    const { sessionStore } = setUp({}, undefined)
    for (const req of [{}, { sessionID: 'one', sessionStore }]) {
      const session = sessions().of(req)
      session.logOut()
      session.forget()
      await session.abandon(LOGIN, 'logged out')
      assert.deepEqual(Object.keys(req).includes('session'), false)
    }
  })

  it('is destroyed after a logout, unless another login has taken it over', async () => {
    for (const [stored, changes] of [
      [tokens(LOGIN), ['destroyed']],
      [{ cart: 'full' }, ['destroyed']],
      [tokens(OTHER), []],
      [undefined, []]
    ] as const) {
      const site = setUp({}, stored)
      await site.session.destroy(LOGIN)
      assert.deepEqual(site.changes, changes)
    }
    for (const request of [{}, { session: copyOf(tokens(LOGIN)) }]) await assert.doesNotReject(sessions().of(request).destroy(LOGIN))
  })

  it('keeps what other requests have stored when the login is replaced or removed, and is left alone if its login is newer or another one', async () => {
    const newer = { ...LOGIN, generation: 1 }
    const change = async (what: 'replace' | 'remove', login: KeptLogin, stored: Content | undefined) => {
      const { session, changes } = setUp({}, stored)
      await session[what](login)
      return changes
    }
    assert.deepEqual(await change('replace', newer, { cart: 'full', ...tokens(LOGIN) }), [{ cart: 'full', ...tokens(newer) }])
    assert.deepEqual(await change('replace', newer, { ...tokens(LOGIN), twilioTokens: {} }), [tokens(newer)], 'without what earlier versions stored')
    assert.deepEqual(await change('remove', newer, { cart: 'full', ...tokens(LOGIN), twilioTokens: {} }), [{ cart: 'full' }])
    for (const what of ['replace', 'remove'] as const) {
      for (const stored of [tokens({ ...LOGIN, generation: 2 }), tokens(OTHER), {}, undefined]) assert.deepEqual(await change(what, newer, stored), [])
    }
  })

  it('needs neither a session nor a store', async () => {
    const none = sessions().of({})
    assert.equal(await none.load(LOGIN), undefined)
    assert.doesNotThrow(() => none.prepareChange(undefined))
    const { session, copy } = inCookie(tokens(LOGIN))
    await session.replace({ ...LOGIN, generation: 1 })
    assert.deepEqual(copy, tokens({ ...LOGIN, generation: 1 }))
  })

  describe("in a request's own copy, once the login has ended,", () => {
    /** The copy of a request that belongs to a person who is logged in, after the end of the login. */
    async function copyAfter(reason: EndReason, stored: Content | Error | undefined): Promise<Content> {
      const { session, copy, changes } = setUp({ cart: 'full', ...USER, ...tokens(LOGIN) }, stored)
      await session.abandon(LOGIN, reason)
      assert.deepEqual(changes, [])
      return copy
    }
    const unchanged = copyOf({ ...COOKIE, cart: 'full', ...USER, ...tokens(LOGIN) })

    it('is emptied if the session is gone', async () => {
      for (const reason of ['logged out', 'session gone', 'refused'] as const) assert.deepEqual(await copyAfter(reason, undefined), COOKIE)
    })

    it('has neither user nor tokens after a logout, whether or not the logout has reached the session store', async () => {
      const without = { ...COOKIE, cart: 'full' }
      assert.deepEqual(await copyAfter('logged out', { cart: 'full' }), without)
      assert.deepEqual(await copyAfter('session gone', { cart: 'full' }), without)
      assert.deepEqual(await copyAfter('logged out', { ...USER, ...tokens(LOGIN) }), without)
      assert.deepEqual(await copyAfter('logged out', { ...USER, twilioTokens: tokensOf({ accessToken: 'legacy' }) }), unchanged, 'another login')
    })

    it('is left unchanged if the session continues without the tokens, or with another login', async () => {
      for (const stored of [USER, { ...USER, ...tokens(OTHER) }]) assert.deepEqual(await copyAfter('logged out', stored), unchanged)
      assert.deepEqual(await copyAfter('session gone', { ...USER, ...tokens(LOGIN) }), unchanged)
      for (const stored of [USER, BROKEN]) assert.deepEqual(await copyAfter('refused', stored), unchanged)
    })

    it('is left alone if the session store fails', async () => {
      assert.deepEqual(await copyAfter('logged out', BROKEN), unchanged)
    })

    it('may not be changed, and so is not saved, unless the session is logged out or its tokens were refused', async () => {
      const mayBeChanged = async (reason: EndReason, stored: Content | Error | undefined) => {
        const { session, copy } = setUp({ cart: 'full', ...USER, ...tokens(LOGIN) }, stored)
        await session.abandon(LOGIN, reason)
        const before = copyOf(copy)
        const mayChange = session.prepareChange(LOGIN)
        if (!mayChange) assert.deepEqual(copy, before)
        return mayChange
      }
      for (const reason of ['logged out', 'session gone', 'refused'] as const) {
        for (const stored of [undefined, {}, { cart: 'full' }]) assert.equal(await mayBeChanged(reason, stored), true)
        for (const stored of [BROKEN, { ...USER, ...tokens(OTHER) }, { ...USER, twilioTokens: 'of an earlier version' }]) assert.equal(await mayBeChanged(reason, stored), false)
      }
      assert.deepEqual([await mayBeChanged('refused', USER), await mayBeChanged('logged out', USER), await mayBeChanged('session gone', USER)], [true, false, false])
    })

    it('loses its tokens before it is saved, unless it has those of a later login', () => {
      for (const [login, expected] of [
        [LOGIN, COOKIE],
        [OTHER, { ...COOKIE, ...tokens(LOGIN) }]
      ] as const) {
        const { session, copy } = setUp(tokens(LOGIN), {})
        session.prepareChange(login)
        assert.deepEqual(copy, copyOf(expected))
      }
    })

    it('in a cookie, has no tokens any more, and after a logout no user either', async () => {
      for (const [reason, expected] of [
        ['logged out', { cart: 'full' }],
        ['refused', { cart: 'full', ...USER }]
      ] as const) {
        const { session, copy } = inCookie({ cart: 'full', ...USER, ...tokens(LOGIN) })
        await session.abandon(LOGIN, reason)
        assert.deepEqual(copy, expected)
      }
      await assert.doesNotReject(sessions().of({}).abandon(LOGIN, 'logged out'))
    })
  })
})
