import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type session from 'express-session'
import { RefreshStoreError, type Refreshes } from '../../lib'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { passTime, settled, withClock } from '../support/clock'
import { gate, until } from '../support/gate'
import { jsonOf, sessionsIn } from '../support/login-app'
import {
  accessTokenAt,
  BUSY,
  expired,
  expiring,
  heldUntil,
  INVALID_GRANT,
  rotating,
  SESSION_KEY,
  sessionApp,
  startTwilio,
  storedSession,
  storedTokens,
  visitorWith
} from '../support/session-app'
import { json } from '../support/twilio-server'

describe('tokens.fresh() when the refresh fails', () => {
  const twilio = startTwilio()

  describe('because Twilio is down', () => {
    it('responds 503 with Retry-After to a request with an expired token; the session keeps its tokens, and the next refresh succeeds', async () => {
      await withClock(['Date'], async () => {
        for (const [answer, retryAfter] of [
          [() => BUSY, '120'],
          [() => json(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: new Date(Date.now() + 90_000).toISOString() }), '90'],
          [() => json(200, 'nonsense'), '5']
        ] as const) {
          twilio.behave = answer()
          const site = sessionApp(twilio)
          const visitor = await visitorWith(site.app, expired())
          const before = storedTokens(site)
          const response = await visitor.get('/guarded').set('Accept', 'text/html').expect(503)
          assert.equal(jsonOf<Error>(response).name, 'TwilioUnavailableError')
          assert.equal(response.headers['retry-after'], retryAfter)
          assert.deepEqual(storedTokens(site), before)
          assert.ok(site.errors[0]?.cause instanceof Error)
          twilio.behave = rotating()
          mock.timers.tick(2001)
          assert.equal(await accessTokenAt(visitor.get('/guarded')), 'access-1')
        }
      })
    })

    it('asks Twilio once for all requests with the same login that wait, and again for one that comes later', async () => {
      const answer = gate()
      twilio.behave = heldUntil(answer, BUSY)
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const waiting = Promise.all([visitor.get('/fresh'), visitor.get('/fresh'), visitor.get('/fresh')])
      await until(() => twilio.requests.length === 1)
      answer.open()
      assert.deepEqual((await waiting).map(({ status, headers }) => [status, headers['retry-after']]), Array(3).fill([503, '120']))
      assert.equal(twilio.requests.length, 1)
      twilio.behave = rotating()
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    })
  })

  describe('because Twilio refuses the refresh token', () => {
    it('removes the tokens and responds 401 to an API call', async () => {
      twilio.behave = INVALID_GRANT
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const response = await visitor.get('/guarded').set('Accept', 'application/json').expect(401)
      assert.match(String(response.headers['www-authenticate']), /^Bearer/)
      assert.equal(jsonOf<{ error: string }>(response).error, 'login_required')
      assert.equal(SESSION_KEY in storedSession(site), false)
      assert.equal(site.warnings.length, 0)
    })

    it('removes the tokens and redirects a browser to the login, from where it comes back', async () => {
      twilio.behave = INVALID_GRANT
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const { headers } = await visitor.get('/guarded?page=2').set('Accept', 'text/html').expect(302)
      assert.equal(headers.location, '/login')
      const { [SESSION_KEY]: tokens, returnTo } = storedSession(site)
      assert.deepEqual([tokens, returnTo], [undefined, '/guarded?page=2'])
    })

    it('asks Twilio no more, although an old copy of the session is saved again', async () => {
      twilio.behave = INVALID_GRANT
      const finish = gate()
      const site = sessionApp(twilio, {
        routes: (app) =>
          app.get('/slow', async (req, res) => {
            await finish.opened
            Object.assign(req.session, { report: 'done' })
            res.end()
          })
      })
      const visitor = await visitorWith(site.app, expired())
      const report = visitor.get('/slow').then((response) => response)
      await settled()
      await visitor.get('/fresh').expect(401)
      finish.open()
      await report
      assert.equal(storedTokens(site)?.accessToken, 'access-0', 'the old copy was saved')
      await visitor.get('/fresh').expect(401)
      assert.equal(twilio.requests.length, 1)
    })

    it('uses the newer tokens that another process has left in the session meanwhile', async () => {
      const answer = gate()
      twilio.behave = heldUntil(answer, INVALID_GRANT)
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const kept = storedTokens(site)
      const waiting = accessTokenAt(visitor.get('/fresh'))
      await until(() => twilio.requests.length === 1)
      const newer = { ...kept, generation: 1, accessToken: 'newer', refreshToken: 'newer', expiresAt: Date.now() + 3_600_000 }
      await visitor.put('/session').send({ [SESSION_KEY]: newer }).expect(200)
      answer.open()
      assert.equal(await waiting, 'newer')
      assert.equal(storedTokens(site)?.refreshToken, 'newer')
    })

    it('does not use newer tokens in the session that have expired themselves', async () => {
      const answer = gate()
      twilio.behave = heldUntil(answer, INVALID_GRANT)
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const kept = storedTokens(site)
      const waiting = visitor.get('/fresh').then((response) => response)
      await until(() => twilio.requests.length === 1)
      await visitor.put('/session').send({ [SESSION_KEY]: { ...kept, generation: 1, accessToken: 'newer' } }).expect(200)
      answer.open()
      assert.equal((await waiting).status, 401)
    })
  })

  describe('because Twilio refuses the app', () => {
    for (const [what, status, answer] of [
      ['for its own credentials', 401, { code: 20003, message: 'Authentication Error', status: 401 }],
      ['for a missing permission', 403, { code: 20403, message: 'Forbidden', status: 403 }],
      ['since it no longer exists', 404, { code: 20404, message: 'Not found', status: 404 }],
      ['since it is of another kind', 400, { error: 'unauthorized_client' }],
      ['for an invalid request', 400, { error: 'invalid_request' }],
      ['for an unknown reason', 400, { error: 'not_today' }],
      ['for an unsupported grant, with status 200', 200, { error: 'unsupported_grant_type' }]
    ] as const) {
      it(`${what}: live tokens are used, expired ones get 503, one warning is issued, and nobody is logged out`, async () => {
        twilio.behave = json(status, answer)
        await withClock(['Date'], async () => {
          const site = sessionApp(twilio)
          const dead = await visitorWith(site.app, expired())
          const response = await dead.get('/guarded').set('Accept', 'text/html').expect(503)
          assert.equal(jsonOf<Error>(response).name, 'TwilioUnavailableError')
          assert.equal(storedTokens(site)?.refreshToken, 'refresh-0')
          const living = await visitorWith(site.app, expiring({ refreshToken: 'refresh-living' }))
          assert.equal(await accessTokenAt(living.get('/fresh')), 'access-0')
          await site.tokens.close()
          assert.equal(site.warnings.length, 1)
          assert.match(site.warnings[0] ?? '', /^Twilio refuses to refresh tokens: /)
          twilio.behave = rotating()
          mock.timers.tick(2001)
          assert.equal(await accessTokenAt(dead.get('/fresh')), 'access-1')
        })
      })
    }
  })

  describe('because the session store fails', () => {
    const broken = new Error('the disk is full')

    type Got = (error: unknown, session?: session.SessionData | null) => void

    /** A session store whose `get` replies in another way, except to the session middleware, which asks first. */
    function failAfterLoading(store: session.MemoryStore, reply: (done: Got) => void): { restore(): void } {
      const original = store.get.bind(store)
      let loads = 0
      return mock.method(store, 'get', (id: string, done: Got) => {
        if (++loads === 1) original(id, done)
        else reply(done)
      }).mock
    }

    it('before the refresh: nothing is spent, an expired token gets 503, and all is well when it is back', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const failing = failAfterLoading(site.store, (done) => done(broken))
      await visitor.get('/fresh').expect(503)
      assert.equal(site.errors[0]?.cause, broken)
      assert.equal(twilio.requests.length, 0)
      failing.restore()
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    })

    it('before the refresh: nothing is spent, and a live token is used', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expiring())
      const failing = failAfterLoading(site.store, (done) => done(broken))
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
      await site.tokens.close()
      assert.equal(twilio.requests.length, 0)
      failing.restore()
    })

    it('after the refresh: the new tokens are used, found again through the record, and the failure is reported once', async () => {
      const site = sessionApp(twilio)
      for (let login = 0; login < 2; login++) {
        twilio.behave = rotating()
        const visitor = await visitorWith(site.app, expired({ accessToken: `access-0-${login}` }))
        const set = mock.method(site.store, 'set', (_id: string, _session: session.SessionData, done?: (error?: unknown) => void) => done?.(broken))
        assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
        assert.equal(set.mock.callCount(), 1)
        set.mock.restore()
        assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      }
      assert.equal(twilio.requests.length, 2)
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /session store failed.*the disk is full/)
    })

    for (const [what, gone] of [
      ['an error with the code ENOENT', (done: Got) => done(Object.assign(new Error('no such session'), { code: 'ENOENT' }))],
      ['null', (done: Got) => done(null, null)],
      ['undefined', (done: Got) => done(undefined)]
    ] as const) {
      it(`which reports a missing session with ${what}: the session is gone, and the person logs in again`, async () => {
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, expired())
        failAfterLoading(site.store, gone)
        await visitor.get('/fresh').expect(401)
        assert.equal(twilio.requests.length, 0)
        assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-|somebody/)
      })
    }
  })

  describe('because the record store fails', () => {
    const unreachable = () => Promise.reject(new RefreshStoreError('Redis refused: NOAUTH Authentication required', { cause: new Error('NOAUTH') }))
    const down: Refreshes = { read: unreachable, acquire: unreachable, save: unreachable, release: unreachable }

    it('a live token is used, and nothing is spent', async () => {
      const site = sessionApp(twilio, { tokens: { refreshes: down } })
      const visitor = await visitorWith(site.app, expiring())
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
      assert.equal(twilio.requests.length, 0)
    })

    it("with an expired token, the process refreshes on its own, and reports that once with the store's own error", async () => {
      const refreshes = breakable()
      const site = sessionApp(twilio, { client: { timeout: 200 }, tokens: { refreshes } })
      const [visitor, other] = [await visitorWith(site.app, expired()), await visitorWith(site.app, expired({ refreshToken: 'refresh-1' }))]
      refreshes.isDown = true
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      assert.equal(await accessTokenAt(other.get('/fresh')), 'access-2')
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /record.*can't be used: Redis refused: NOAUTH Authentication required\. Until it can/)
      refreshes.isDown = false
      await site.tokens.close()
      assert.equal(refreshes.saved, 2, 'the records are saved when the store is back')
    })

    it('without a reply, nothing is spent: a live token is used, and an expired one gets 503', async () => {
      const silent: Refreshes = { ...down, acquire: () => new Promise(() => undefined), release: () => Promise.resolve() }
      const site = sessionApp(twilio, { tokens: { refreshes: silent } })
      const dead = await visitorWith(site.app, expired())
      const alive = await visitorWith(site.app, expiring())
      await withClock(['Date', 'setTimeout'], async () => {
        assert.equal(await accessTokenAt(alive.get('/fresh')), 'access-0')
        let status = 0
        void dead.get('/fresh').then((response) => (status = response.status))
        await settled()
        while (status === 0) await passTime(100)
        assert.equal(status, 503)
      })
      assert.equal(twilio.requests.length, 0)
    })

    it('with a reply of another shape than its interface has, an expired token gets 503, and nothing is spent', async () => {
      const nonsense = { ...down, acquire: () => Promise.resolve('OK') } as unknown as Refreshes
      const site = sessionApp(twilio, { client: { timeout: 100 }, tokens: { refreshes: nonsense } })
      const dead = await visitorWith(site.app, expired())
      const response = await dead.get('/fresh')
      assert.equal(response.status, 503)
      assert.equal(twilio.requests.length, 0)
    })
  })

  describe('because its record cannot be read', () => {
    it('spends nothing, asks the person to log in, and reports it once', async () => {
      const refreshes = new MemoryRefreshes()
      const site = sessionApp(twilio, { tokens: { refreshes: { ...bound(refreshes), acquire: () => Promise.resolve({ outcome: 'recorded', generation: 7, value: 'sealed with another secret' }) } } })
      for (let login = 0; login < 2; login++) {
        const visitor = await visitorWith(site.app, expired())
        await visitor.get('/fresh').expect(401)
      }
      assert.equal(twilio.requests.length, 0)
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /record of a login could not be read.*secret: \[new, old\]/)
    })
  })
})

function bound(memory: MemoryRefreshes): Refreshes {
  return {
    read: (...call) => memory.read(...call),
    acquire: (...call) => memory.acquire(...call),
    save: (...call) => memory.save(...call),
    release: (...call) => memory.release(...call)
  }
}

/** A store of records that a test can take down, and the number of records saved. */
function breakable(): Refreshes & { isDown: boolean; saved: number } {
  const memory = new MemoryRefreshes()
  const unlessDown = <Result>(call: () => Promise<Result>): Promise<Result> =>
    store.isDown ? Promise.reject(new RefreshStoreError('Redis refused: NOAUTH Authentication required')) : call()
  const store: ReturnType<typeof breakable> = {
    isDown: false,
    saved: 0,
    read: (...call) => unlessDown(() => memory.read(...call)),
    acquire: (...call) => unlessDown(() => memory.acquire(...call)),
    release: (...call) => unlessDown(() => memory.release(...call)),
    save: (...call) =>
      unlessDown(() => {
        store.saved++
        return memory.save(...call)
      })
  }
  return store
}
