import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { RequestHandler } from 'express'
import { SessionTokens, TwilioOAuthClient, type Refreshes, type SessionTokensOptions } from '../../lib'
import { setFinishedLogin } from '../../lib/request/finished-login'
import { newLogin, toJSON } from '../../lib/session/kept-login'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { setLoginPath } from '../../lib/session/require-login'
import { settled } from '../support/clock'
import { withMessages } from '../support/diagnostics'
import { CLIENT_ID, CLIENT_SECRET } from '../support/jwt'
import { expired, SESSION_KEY, tokensOf } from '../support/session-app'

const DAY = 24 * 3600 * 1000

function setUp(options: SessionTokensOptions = {}) {
  const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET })
  const refreshes = new MemoryRefreshes()
  const codes: string[] = []
  const tokens = new SessionTokens(client, { refreshes, warn: (_message, code) => codes.push(code), ...options })
  const { refreshToken: _none, ...withoutRefreshToken } = expired()
  const login = newLogin(withoutRefreshToken, Date.now() - DAY)
  return { tokens, refreshes, codes, login }
}

/** Runs a middleware until it calls `next`. */
function run(middleware: ReturnType<SessionTokens['drop']>, req: object, res: object = {}): Promise<unknown> {
  return new Promise((resolve) => middleware(req as never, res as never, resolve))
}

describe('tokens.drop()', () => {
  it('publishes that the login was dropped, if there was one', async () => {
    const { tokens, login } = setUp()
    await withMessages(async (messages) => {
      await run(tokens.drop(), { session: {} })
      assert.deepEqual(messages['passport-twilio:logout'], [])
      await run(tokens.drop(), { session: { [SESSION_KEY]: toJSON(login) } })
      assert.deepEqual(messages['passport-twilio:logout'], [{ reason: 'dropped' }])
    })
  })

  for (const [what, request, ttl] of [
    ["the session cookie's original maxAge, rounded up", { cookie: { originalMaxAge: 1000.5, maxAge: 500 } }, 1001],
    ["the session cookie's maxAge, if there is no original one", { cookie: { originalMaxAge: null, maxAge: 2000 } }, 2000],
    ['24 hours, if the cookie has none', { cookie: { originalMaxAge: null } }, DAY],
    ['24 hours, if it is 0', { cookie: { maxAge: 0 } }, DAY],
    ['24 hours, if it is negative', { cookie: { maxAge: -5 } }, DAY],
    ['24 hours, if it is not a number', { cookie: { maxAge: '3000' } }, DAY],
    ["the maxAge of cookie-session's options", { sessionOptions: { maxAge: 3000 } }, 3000],
    ['24 hours, if it has none', { sessionOptions: {} }, DAY],
    ['24 hours without a cookie and options', {}, DAY]
  ] as const) {
    it(`records the logout for ${what}`, async () => {
      const saved: number[] = []
      const memory = new MemoryRefreshes()
      const refreshes: Refreshes = {
        read: (...call) => memory.read(...call),
        acquire: (...call) => memory.acquire(...call),
        release: (...call) => memory.release(...call),
        save: (name, record) => {
          saved.push(record.ttl)
          return memory.save(name, record)
        }
      }
      const { tokens, login } = setUp({ refreshes })
      const { cookie, sessionOptions } = { cookie: undefined, sessionOptions: undefined, ...request }
      await run(tokens.drop(), { session: { [SESSION_KEY]: toJSON(login), ...(cookie && { cookie }) }, ...(sessionOptions && { sessionOptions }) })
      assert.deepEqual(saved, [ttl])
    })
  }
})

describe('tokens.fresh()', () => {
  it('does not delay a request whose token is fresh', () => {
    const { tokens } = setUp()
    const req = { session: { [SESSION_KEY]: toJSON(newLogin(tokensOf(), Date.now())) } }
    let isNext = false
    tokens.fresh()(req as never, {} as never, () => (isNext = true))
    assert.equal(isNext, true)
  })

  it('reports with a code of its own that nothing keeps the tokens', async () => {
    const { tokens, codes } = setUp()
    await run(tokens.fresh(), { session: {}, user: { id: 'US1' } })
    assert.deepEqual(codes, ['WARN_TWILIO_TOKENS_NOT_KEPT'])
  })

  it('does not report that nothing keeps the tokens once serializer() has stored tokens', async () => {
    const { tokens, codes } = setUp()
    const req = { session: {} }
    setFinishedLogin(req, { tokens: tokensOf(), clientID: CLIENT_ID })
    tokens.serializer()(req as never, {}, () => undefined)
    await run(tokens.fresh(), { session: {}, user: { id: 'US1' } })
    assert.deepEqual(codes, [])
  })

  it('reports with a code of its own that the tokens in a session cannot be read', async () => {
    const { tokens, codes } = setUp()
    await run(tokens.fresh(), { session: { [SESSION_KEY]: 'unreadable' } })
    assert.deepEqual(codes, ['WARN_TWILIO_TOKENS_UNREADABLE'])
  })

  describe('when the person has to log in again', () => {
    /** A request of a browser, and its response. */
    function ask(tokens: SessionTokens, session: object | undefined, sessionStore: object) {
      const req = { method: 'GET', url: '/page', headers: { accept: 'text/html', host: 'app.example' }, session, sessionID: 'one', sessionStore }
      setLoginPath(req, '/login')
      const res = Object.assign(new EventEmitter(), { headersSent: false, setHeader: () => undefined, ended: Promise.resolve() })
      const ended = new Promise<void>((resolve) => Object.assign(res, { end: () => resolve() }))
      tokens.fresh()(req as never, res as never, () => assert.fail())
      return { res, ended }
    }

    function storeOf(session: object | undefined) {
      const store = {
        destroyed: 0,
        get: (_id: string, done: (error: unknown, session?: unknown) => void) => done(null, structuredClone(session)),
        set: (_id: string, _session: object, done: () => void) => done(),
        destroy: (_id: string, done: () => void) => {
          store.destroyed++
          done()
        }
      }
      return store
    }

    it('destroys a session that the response saves after a logout', async () => {
      const { tokens, login } = setUp()
      const session = { passport: { user: 'somebody' }, [SESSION_KEY]: toJSON(login) }
      const store = storeOf(session)
      const { res, ended } = ask(tokens, structuredClone(session), store)
      await ended
      await run(tokens.drop(), { session: structuredClone(session) })
      assert.equal(store.destroyed, 0)
      res.emit('close')
      await settled()
      assert.equal(store.destroyed, 1)
    })

    it('looks for a logout only if there was a login, and a person was logged in', async () => {
      const { tokens, login } = setUp()
      for (const session of [{ passport: { user: 'somebody' } }, { [SESSION_KEY]: toJSON(login) }]) {
        const { res, ended } = ask(tokens, structuredClone(session), storeOf(session))
        await ended
        assert.equal(res.listenerCount('close'), 0)
      }
    })

    it('works with a response that has no events', async () => {
      const { tokens, login } = setUp()
      const session = { passport: { user: 'somebody' }, [SESSION_KEY]: toJSON(login) }
      const req = { method: 'GET', url: '/page', headers: { accept: 'text/html', host: 'app.example' }, session, sessionID: 'one', sessionStore: storeOf(session) }
      setLoginPath(req, '/login')
      await new Promise<void>((resolve, reject) => tokens.fresh()(req as never, { setHeader: () => undefined, end: () => resolve() } as never, reject))
    })
  })
})

describe('a middleware of SessionTokens without a response, as for a WebSocket', () => {
  it('does not end the process if every handler throws', async () => {
    const { tokens } = setUp()
    let calls = 0
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    try {
      tokens.drop()({ session: {} } as never, {} as never, () => {
        calls++
        throw new Error('A handler has failed.')
      })
      await settled()
    } finally {
      process.off('unhandledRejection', note)
    }
    assert.equal(calls, 2, 'the next handler, and the error handler')
    assert.deepEqual(unhandled, [])
  })
})

describe('tokens.expire()', () => {
  it('expires the token in the session if req.twilioTokens holds none', async () => {
    for (const twilioTokens of [undefined, null, 'text', {}]) {
      const { tokens } = setUp()
      const req = { session: { [SESSION_KEY]: toJSON(newLogin(tokensOf(), Date.now())) }, twilioTokens }
      await tokens.expire(req)
      assert.ok(((await tokens.of(req))?.expiresAt ?? Infinity) <= Date.now())
    }
  })

  it('reports a failure with a code of its own', async () => {
    const fail = () => Promise.reject(new Error('The connection is lost'))
    const { tokens, codes, login } = setUp({ refreshes: { read: fail, acquire: fail, save: fail, release: fail } })
    await tokens.expire({ session: { [SESSION_KEY]: toJSON(login) } })
    assert.deepEqual(codes, ['WARN_TWILIO_EXPIRE_FAILED'])
  })
})

/* eslint-disable @typescript-eslint/unbound-method -- the mistake that these tests are about */
describe('a method of SessionTokens that is passed as middleware without being called', () => {
  for (const name of ['keep', 'fresh', 'drop', 'serializer'] as const) {
    it(`throws instead of leaving the request without a response: tokens.${name}`, () => {
      const { tokens } = setUp()
      assert.throws(() => Reflect.apply(tokens[name], undefined, [{}, {}, () => undefined]), { code: 'ERR_TWILIO_SETUP', message: `tokens.${name} was used as middleware, but it makes middleware. Call it: tokens.${name}().` })
    })
  }

  it('is a type error', () => {
    const { tokens } = setUp()
    // @ts-expect-error -- it takes no arguments
    const middleware: RequestHandler = tokens.fresh
    assert.throws(() => void middleware({} as never, {} as never, () => undefined))
  })
})
