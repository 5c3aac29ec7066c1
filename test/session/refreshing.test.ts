import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { RequestHandler } from 'express'
import request from 'supertest'
import { RefreshStoreError, type Refreshes, type TwilioTokens } from '../../lib'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { Troubles } from '../properties/troubles'
import { settled, withClock } from '../support/clock'
import { gate, turnstile, until } from '../support/gate'
import { CLIENT_ID, nowInSeconds, unsigned } from '../support/jwt'
import { jsonOf } from '../support/login-app'
import {
  accessTokenAt,
  BUSY,
  connectionTo,
  expired,
  freshFor,
  heldUntil,
  INVALID_GRANT,
  rotating,
  sessionApp,
  spentAt,
  startTwilio,
  storedSession,
  storedTokens,
  tokensOf,
  visitorWith,
  visitorWithSession,
  legacySession,
  SESSION_KEY
} from '../support/session-app'
import { inTurn, json } from '../support/twilio-server'

/** Loads its session, and saves it much later. */
function slow(loaded: { open(): void }, finish: { readonly opened: Promise<void> }): RequestHandler {
  return async (req, res) => {
    loaded.open()
    await finish.opened
    Object.assign(req.session, { report: 'done' })
    res.end()
  }
}

describe('tokens.fresh()', () => {
  const twilio = startTwilio()

  describe('with a token that is not stale', () => {
    it('uses it without asking Twilio, the record store or the session store', async () => {
      for (const tokens of [tokensOf(), tokensOf({ expiresAt: undefined })]) {
        const asked: string[] = []
        const refreshes = spyingRefreshes(asked)
        const site = sessionApp(twilio, { tokens: { refreshes } })
        const visitor = await visitorWith(site.app, tokens)
        const [get, set] = [mock.method(site.store, 'get'), mock.method(site.store, 'set')]
        assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
        assert.deepEqual([asked, get.mock.callCount(), set.mock.callCount()], [[], 1, 0], "the one get is express-session's own")
      }
      assert.equal(twilio.requests.length, 0)
    })
  })

  describe('with an expired token', () => {
    it('refreshes it once; the session has the new tokens when the app responds, and the same login ID', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const { login } = storedTokens(site) ?? {}
      const { expiresAt, ...tokens } = jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200))
      assert.deepEqual(tokens, { accessToken: 'access-1', refreshToken: 'refresh-1', tokenType: 'bearer', claims: {} })
      assert.ok((expiresAt ?? 0) > Date.now() + 3_500_000)
      const { receivedAt: _receivedAt, ...stored } = storedTokens(site) ?? {}
      assert.deepEqual(stored, { login, generation: 1, accessToken: 'access-1', refreshToken: 'refresh-1', tokenType: 'bearer', expiresAt })
      await visitor.get('/fresh').expect(200)
      assert.equal(twilio.requests.length, 1)
    })

    it('keeps the refresh token, ID token and scope that the response leaves out', async () => {
      twilio.behave = inTurn(json(201, { access_token: 'access-1', refresh_token: null, id_token: null, scope: null, expires_in: 1 }), json(201, { access_token: 'access-2' }))
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired({ idToken: 'id-0', scope: 'offline_access' }))
      await withClock(['Date'], async () => {
        for (const accessToken of ['access-1', 'access-2']) {
          const tokens = jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200))
          assert.deepEqual([tokens.accessToken, tokens.refreshToken, tokens.idToken, tokens.scope], [accessToken, 'refresh-0', 'id-0', 'offline_access'])
          mock.timers.tick(2000)
        }
      })
      assert.deepEqual(spentAt(twilio), ['refresh-0', 'refresh-0'])
    })

    it('takes the refresh token, ID token and scope that the response brings', async () => {
      const idToken = unsigned({ aud: CLIENT_ID, exp: nowInSeconds() + 60 })
      twilio.behave = rotating({ id_token: idToken, scope: 'less' })
      const visitor = await visitorWith(sessionApp(twilio).app, expired({ idToken: 'id-0', scope: 'offline_access' }))
      const tokens = jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200))
      assert.deepEqual([tokens.refreshToken, tokens.idToken, tokens.scope], ['refresh-1', idToken, 'less'])
    })

    it('waits for Twilio', async () => {
      const answer = gate()
      twilio.behave = heldUntil(answer, rotating())
      const visitor = await visitorWith(sessionApp(twilio).app, expired())
      let isAnswered = false
      const waiting = accessTokenAt(visitor.get('/fresh')).finally(() => (isAnswered = true))
      await until(() => twilio.requests.length === 1)
      await visitor.get('/session').expect(200)
      assert.equal(isAnswered, false)
      answer.open()
      assert.equal(await waiting, 'access-1')
    })

    it('refreshes once for 50 requests at the same time, and only one of them writes to the session store', async () => {
      const all = turnstile(50)
      const site = sessionApp(twilio, { routes: (app) => app.use('/fresh', (_req, _res, next) => void all().then(() => next())) })
      const visitor = await visitorWith(site.app, expired())
      const set = mock.method(site.store, 'set')
      const responses = await Promise.all(Array.from({ length: 50 }, () => visitor.get('/fresh')))
      assert.deepEqual(new Set(responses.map(({ status, body }) => `${status} ${(body as TwilioTokens).accessToken}`)), new Set(['200 access-1']))
      assert.equal(twilio.requests.length, 1)
      assert.equal(set.mock.callCount(), 1)
    })

    it('leaves what other requests have put into the session meanwhile', async () => {
      const answer = gate()
      twilio.behave = heldUntil(answer, rotating())
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const waiting = accessTokenAt(visitor.get('/fresh'))
      await until(() => twilio.requests.length === 1)
      await visitor.put('/session').send({ cart: 'full' }).expect(200)
      answer.open()
      assert.equal(await waiting, 'access-1')
      assert.deepEqual([storedSession(site).cart, storedTokens(site)?.accessToken], ['full', 'access-1'])
    })

    it('does not change req.session, so that a request that changes nothing saves nothing', async () => {
      const copies: unknown[] = []
      const site = sessionApp(twilio, {
        routes: (app, tokens) =>
          app.get('/look', tokens.fresh(), (req, res) => {
            copies.push(structuredClone((req.session as unknown as Record<string, unknown>)[SESSION_KEY]))
            res.end()
          })
      })
      const visitor = await visitorWith(site.app, expired())
      const before = storedTokens(site)
      await visitor.get('/look').expect(200)
      assert.deepEqual(copies, [before])
      assert.equal(storedTokens(site)?.accessToken, 'access-1')
    })

    it('waits no longer than a call to Twilio may take while another process refreshes', async () => {
      let isBusy = true
      const busy: Refreshes = { ...neverBusy, acquire: () => (isBusy ? Promise.resolve({ outcome: 'busy', series: 'another', expiresIn: 60_000 }) : Promise.reject(new RefreshStoreError('The test is over.'))) }
      const site = sessionApp(twilio, { client: { timeout: 100 }, tokens: { refreshes: busy } })
      const visitor = await visitorWith(site.app, expired())
      await withClock(['Date', 'setTimeout'], async () => {
        let status = 0
        void visitor.get('/fresh').then((response) => (status = response.status))
        while (status === 0) {
          mock.timers.tick(50)
          await settled()
        }
        assert.equal(status, 503)
        isBusy = false
        mock.timers.tick(60_000)
        const refreshes = twilio.requests.length
        await settled()
        assert.equal(refreshes, 0)
      })
      assert.match(String(site.errors[0]?.cause), /^TwilioTimeoutError: The tokens are being refreshed/)
    })
  })

  describe('with an old copy of the session', () => {
    it('spends nothing twice after a slow request has saved its old copy over the new tokens', async () => {
      const [loaded, finish] = [gate(), gate()]
      const site = sessionApp(twilio, { routes: (app) => app.get('/slow', slow(loaded, finish)) })
      const visitor = await visitorWith(site.app, expired())
      const report = visitor.get('/slow').then((response) => response)
      await loaded.opened
      await visitor.get('/fresh').expect(200)
      finish.open()
      await report
      assert.deepEqual([storedTokens(site)?.accessToken, storedSession(site).report], ['access-0', 'done'], 'the old copy was saved over the new one')

      for (let request = 0; request < 2; request++) assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      assert.equal(twilio.requests.length, 1)
      assert.equal(storedSession(site).report, 'done')
    })

    it('finds the newest tokens although the copy is several refreshes behind', async () => {
      twilio.behave = rotating({ expires_in: 300 })
      const [loaded, finish] = [gate(), gate()]
      const site = sessionApp(twilio, { routes: (app) => app.get('/slow', slow(loaded, finish)) })
      await withClock(['Date'], async () => {
        const visitor = await visitorWith(site.app, expired())
        const report = visitor.get('/slow').then((response) => response)
        await loaded.opened
        for (const accessToken of ['access-1', 'access-2', 'access-3']) {
          assert.equal(await accessTokenAt(visitor.get('/fresh')), accessToken)
          mock.timers.tick(301_000)
        }
        finish.open()
        await report
        assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-4')
      })
      assert.deepEqual(spentAt(twilio), ['refresh-0', 'refresh-1', 'refresh-2', 'refresh-3'])
    })

    it('finds the newest tokens after 23 hours, both in a connection held since and after an old copy was saved', async () => {
      await withClock(['Date'], async () => {
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, expired())
        const login = storedTokens(site)?.login
        // A WebSocket or a stream: the session was loaded when the connection began.
        const connection = connectionTo(site)
        assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
        mock.timers.tick(23 * 3600 * 1000)
        assert.equal((await freshFor(site, connection))?.accessToken, 'access-2')
        assert.equal(storedTokens(site)?.login, login)
      })
      assert.deepEqual(spentAt(twilio), ['refresh-0', 'refresh-1'])
    })

    it('keeps the record until the session cookie expires that the last use of its token renews', async () => {
      await withClock(['Date'], async () => {
        for (const [options, cookie, expectedTTL] of [
          [{}, {}, 24 * 3600 * 1000],
          [{}, { maxAge: 7 * 24 * 3600 * 1000 }, 7 * 24 * 3600 * 1000],
          [{ recordTTL: 5000 }, { maxAge: 7 * 24 * 3600 * 1000 }, 5000]
        ] as const) {
          twilio.behave = rotating()
          const refreshes = new MemoryRefreshes()
          const save = mock.method(refreshes, 'save')
          const site = sessionApp(twilio, { tokens: { refreshes, ...options }, session: { cookie } })
          const visitor = await visitorWith(site.app, expired())
          await visitor.get('/fresh').expect(200)
          const [request] = save.mock.calls.map((call) => call.arguments[1])
          assert.equal(request?.ttl, expectedTTL + 3600 * 1000, 'the time of the cookie, after the lifetime of the token')
        }
      })
    })

    it('finds the newest tokens with resave: true, where every request saves its copy', async () => {
      const all = turnstile(10)
      const site = sessionApp(twilio, { session: { resave: true }, routes: (app) => app.use('/fresh', (req, _res, next) => (req.query.together ? void all().then(() => next()) : next())) })
      const visitor = await visitorWith(site.app, expired())
      const responses = await Promise.all(Array.from({ length: 10 }, () => accessTokenAt(visitor.get('/fresh?together=1'))))
      assert.deepEqual(new Set(responses), new Set(['access-1']))
      for (let request = 0; request < 3; request++) assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      assert.equal(twilio.requests.length, 1)
    })
  })

  describe('when Twilio returns the same access token again', () => {
    for (const [refreshToken, name] of [
      [null, 'and no refresh token'],
      ['refresh-0', 'and the same refresh token'],
      ['refresh-1', 'with another refresh token']
    ] as const) {
      it(`${name}, refreshes again once that is stale`, async () => {
        await withClock(['Date'], async () => {
          twilio.behave = json(201, { access_token: 'access-0', refresh_token: refreshToken, expires_in: 120 })
          const site = sessionApp(twilio)
          const visitor = await visitorWith(site.app, expired())
          assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
          await visitor.get('/fresh').expect(200)
          assert.equal(twilio.requests.length, 1)
          mock.timers.tick(121_000)
          twilio.behave = json(201, { access_token: 'access-1', expires_in: 3600 })
          assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
          assert.equal(twilio.requests.length, 2)
        })
      })
    }
  })

  describe('with a token that is stale on arrival', () => {
    it('uses it, and reports once that each request refreshes', async () => {
      twilio.behave = rotating({ expires_in: 30 })
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      for (let request = 0; request < 10; request++) {
        await visitor.get('/fresh').expect(200)
        await site.tokens.close()
      }
      assert.equal(twilio.requests.length, 10)
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /stale on arrival.*leeway/)
    })
  })

  describe('with a login from before logins had an ID', () => {
    it('takes it over at its next refresh, once for all requests, and removes the old key', async () => {
      const all = turnstile(10)
      const site = sessionApp(twilio, { routes: (app) => app.use('/fresh', (_req, _res, next) => void all().then(() => next())) })
      const visitor = await visitorWithSession(site.app, legacySession(expired()))
      assert.equal(await accessTokenAt(visitor.get('/of')), 'access-0')
      const responses = await Promise.all(Array.from({ length: 10 }, () => accessTokenAt(visitor.get('/fresh'))))
      assert.deepEqual(new Set(responses), new Set(['access-1']))
      assert.equal(twilio.requests.length, 1)
      assert.deepEqual(Object.keys(storedSession(site)).sort(), ['cookie', 'passport', SESSION_KEY])
      assert.equal(storedTokens(site)?.generation, 1)
    })

    it('finds the newest tokens in its record when an old copy of the session was saved again', async () => {
      const site = sessionApp(twilio)
      const old = legacySession(expired())
      const visitor = await visitorWithSession(site.app, old)
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      const again = await visitorWithSession(site.app, old)
      assert.equal(await accessTokenAt(again.get('/fresh')), 'access-1')
      assert.equal(twilio.requests.length, 1)
    })

    it('ends with a logout', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWithSession(site.app, legacySession(expired()))
      await visitor.post('/drop').expect(200)
      assert.deepEqual(Object.keys(storedSession(site)).sort(), ['cookie', 'passport'])
      const again = await visitorWithSession(site.app, legacySession(expired()))
      await again.get('/fresh').expect(401)
      assert.equal(twilio.requests.length, 0)
    })
  })

  describe('without a refresh token', () => {
    it('uses the access token while it is alive, and then asks the person to log in', async () => {
      const { app } = sessionApp(twilio)
      const alive = await visitorWith(app, tokensOf({ refreshToken: undefined, expiresAt: Date.now() + 5000 }))
      assert.equal(await accessTokenAt(alive.get('/fresh')), 'access-0')
      const dead = await visitorWith(app, expired({ refreshToken: undefined }))
      await dead.get('/fresh').expect(401)
      assert.equal(twilio.requests.length, 0)
    })
  })

  describe('without tokens', () => {
    it('asks the person to log in', async () => {
      await request(sessionApp(twilio).app).get('/fresh').expect(401)
    })

    it('reports once how to keep them when the person is logged in and nothing has kept any', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWithSession(site.app, { passport: { user: 'somebody' } })
      for (let request = 0; request < 2; request++) await visitor.get('/fresh').expect(401)
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /Put tokens\.keep\(\) after.*successRedirect.*passport\.serializeUser\(tokens\.serializer\(\)\)/)
    })

    it('reports nothing when the person is logged in another way, and others have kept theirs', async () => {
      const site = sessionApp(twilio)
      await visitorWith(site.app)
      const visitor = await visitorWithSession(site.app, { passport: { user: 'somebody' } })
      await visitor.get('/fresh').expect(401)
      assert.deepEqual(site.warnings, [])
    })
  })

  describe('when the app has responded before the tokens are there', () => {
    const troubles = new Troubles()
    beforeEach(() => troubles.watch())
    afterEach(() => troubles.unwatch())

    for (const [what, answer] of [
      ['arrive in the end', rotating()],
      ['are refused', INVALID_GRANT],
      ['are not available', BUSY]
    ] as const) {
      it(`does no harm to the process or the response when they ${what}`, async () => {
        const [limit, answering] = [gate(), gate()]
        twilio.behave = heldUntil(answering, answer)
        const site = sessionApp(twilio, {
          routes: (app) =>
            app.use('/fresh', (_req, res, next) => {
              void limit.opened.then(() => res.status(504).send('too slow'))
              next()
            })
        })
        const visitor = await visitorWith(site.app, expired())
        const waiting = visitor.get('/fresh').then((response) => response)
        await until(() => twilio.requests.length === 1)
        limit.open()
        assert.equal((await waiting).status, 504)
        answering.open()
        await site.tokens.close()
        await settled()
        assert.deepEqual(await troubles.take(), [])
        assert.deepEqual(
          site.errors.map(({ name }) => name).filter((name) => name !== 'Error'),
          answer === BUSY ? ['TwilioUnavailableError'] : []
        )
      })
    }

    it('passes an error that the app throws further on to its error handler, not to the process', async () => {
      const { tokens } = sessionApp(twilio)
      const [broken, given, destroy] = [new Error('of the app'), mock.fn(), gate()]
      for (const breaks of [1, 2]) {
        twilio.behave = rotating()
        given.mock.resetCalls()
        const next = (error?: unknown) => {
          given(error)
          if (given.mock.callCount() <= breaks) throw broken
        }
        tokens.fresh()({ session: legacySession(expired({ accessToken: `access-0-${breaks}` })) } as never, { destroy: destroy.open, setHeader: () => undefined, end: () => undefined } as never, next)
        await until(() => given.mock.callCount() === 2)
        assert.deepEqual(given.mock.calls.map((call) => call.arguments as unknown[]), [[undefined], [broken]])
      }
      await destroy.opened
      assert.deepEqual(await troubles.take(), [])
    })
  })
})

const neverBusy = {
  read: () => Promise.resolve(undefined),
  save: () => Promise.resolve(true),
  release: () => Promise.resolve()
}

/** A store of records that lists the functions that were called. */
function spyingRefreshes(asked: string[]): Refreshes {
  const memory = new MemoryRefreshes()
  return {
    read: (...call) => (asked.push('read'), memory.read(...call)),
    acquire: (...call) => (asked.push('acquire'), memory.acquire(...call)),
    save: (...call) => (asked.push('save'), memory.save(...call)),
    release: (...call) => (asked.push('release'), memory.release(...call))
  }
}
