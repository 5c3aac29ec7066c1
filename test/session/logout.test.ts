import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mock } from 'node:test'
import type { RequestHandler } from 'express'
import session, { type SessionData } from 'express-session'
import request from 'supertest'
import { RefreshStoreError, requireLogin, type Refreshes } from '../../lib'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { withClock } from '../support/clock'
import { gate, until, type Gate } from '../support/gate'
import { sessionsIn } from '../support/login-app'
import {
  accessTokenAt,
  cookieOf,
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
  tokensOf,
  visitorWith,
  visitorWithSession,
  type SessionAppOptions
} from '../support/session-app'
import { json, type Behaviour } from '../support/twilio-server'

describe('a logout', () => {
  const twilio = startTwilio()

  /** Asks for a page whose tokens are being refreshed, logs out, and only then lets Twilio respond. */
  async function logOutDuring(visitor: ReturnType<typeof request.agent>, page: string, logout: string, answer: Behaviour = rotating()): Promise<request.Response> {
    const answering = gate()
    twilio.behave = heldUntil(answering, answer)
    const waiting = visitor.get(page).set('Accept', 'text/html').then((response) => response)
    await until(() => twilio.requests.length === 1)
    await visitor.post(logout).expect(200)
    answering.open()
    return waiting
  }

  describe('during a refresh that the request waits for', () => {
    /** A page that saves something else in the session, and a logout that Passport has not finished. */
    const routes: SessionAppOptions['routes'] = (app, tokens) => {
      app.get('/note', requireLogin({ loginPath: '/login' }), tokens.fresh(), (req, res) => {
        Object.assign(req.session, { note: 'taken' })
        res.json(null)
      })
      app.post('/logout-halfway', tokens.drop(), (req, res, next) => {
        req.session.regenerate = () => req.session
        req.logout(next)
        res.json(null)
      })
    }

    it('that destroys the session is not undone', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      assert.equal((await logOutDuring(visitor, '/fresh', '/destroy')).status, 401)
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-|somebody/)
      await visitor.get('/fresh').expect(401)
    })

    it('that only drops the tokens is not undone, and the session continues', async () => {
      const site = sessionApp(twilio, { routes })
      const visitor = await visitorWith(site.app, expired())
      await visitor.put('/session').send({ cart: 'stays' }).expect(200)
      await logOutDuring(visitor, '/note', '/drop')
      assert.equal(SESSION_KEY in storedSession(site), false)
      assert.equal(storedSession(site).cart, 'stays')
      await visitor.get('/fresh').expect(401)
    })

    for (const [how, answer] of [
      ['succeeds', rotating()],
      ['is refused', INVALID_GRANT],
      ['is refused because of the app', json(400, { error: 'unauthorized_client' })]
    ] as const) {
      it(`after which Passport has renewed the session, is not undone when the refresh ${how} (SEC-30)`, async () => {
        const site = sessionApp(twilio, { routes })
        const visitor = await visitorWith(site.app, expired())
        await visitor.put('/session').send({ cart: 'of somebody' }).expect(200)
        await logOutDuring(visitor, '/note', '/logout', answer)
        assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-|somebody|taken/)
        await visitor.get('/guarded').set('Accept', 'application/json').expect(401)
      })
    }

    it('that Passport has not finished yet, is not undone, and what else was in the session stays', async () => {
      const site = sessionApp(twilio, { routes })
      const visitor = await visitorWith(site.app, expired())
      await visitor.put('/session').send({ cart: 'stays' }).expect(200)
      assert.equal((await logOutDuring(visitor, '/note', '/logout-halfway')).status, 302)
      const { passport, [SESSION_KEY]: tokens, cart } = storedSession(site)
      assert.deepEqual([(passport as { user?: unknown } | undefined)?.user, tokens, cart], [undefined, undefined, 'stays'])
    })
  })

  it('by Passport alone, without tokens.drop(), is seen before a token is spent, even if Passport has not renewed the session yet', async () => {
    const [loaded, loggedOut] = [gate(), gate()]
    const site = sessionApp(twilio, {
      routes: (app, tokens) => {
        const late: RequestHandler = (_req, _res, next) => {
          loaded.open()
          void loggedOut.opened.then(() => next())
        }
        app.get('/late', requireLogin({ loginPath: '/login' }), late, tokens.fresh(), (req, res) => res.json(req.twilioTokens))
        app.post('/passport-logout-halfway', (req, res, next) => {
          req.session.regenerate = () => req.session
          req.logout(next)
          res.json(null)
        })
      }
    })
    const visitor = await visitorWith(site.app, expired())
    const page = visitor.get('/late').set('Accept', 'text/html').then((response) => response)
    await loaded.opened
    await visitor.post('/passport-logout-halfway').expect(200)
    loggedOut.open()
    assert.equal((await page).status, 302)
    assert.equal(twilio.requests.length, 0)
    assert.doesNotMatch(sessionsIn(site.store).join(), /somebody/)
  })

  describe('while requests that share a refresh go on working', () => {
    /** Pages that work on until the gate opens. */
    function working(finish: Gate, change = false): SessionAppOptions['routes'] {
      return (app, tokens) =>
        app.get('/work', requireLogin({ loginPath: '/login' }), tokens.fresh(), (req, res) => {
          void finish.opened.then(() => {
            if (change) Object.assign(req.session, { note: 'taken' })
            res.json(req.twilioTokens)
          })
        })
    }

    for (const [what, tokens] of [
      ['that they waited for', () => expired()],
      ['in the background', () => expiring()]
    ] as const) {
      it(`${what} is not undone when they end: the old cookie gets 401, and the session stays gone`, async () => {
        for (const logout of ['/logout', '/destroy']) {
          twilio.requests.length = 0
          twilio.behave = rotating()
          const finish = gate()
          const site = sessionApp(twilio, { routes: working(finish) })
          const visitor = await visitorWith(site.app, tokens())
          const pages = [1, 2].map(() => visitor.get('/work').then((response) => response))
          await until(() => storedTokens(site)?.accessToken === 'access-1')
          await site.tokens.close()
          const cookie = await cookieOf(visitor)
          await visitor.post(logout).expect(200)
          finish.open()
          for (const { status } of await Promise.all(pages)) assert.equal(status, 200, 'they began before the logout')
          assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-|somebody/)
          assert.match(cookie, /^connect\.sid=/)
          await request(site.app).get('/guarded').set('Accept', 'application/json').set('Cookie', cookie).expect(401)
        }
      })
    }

    it('that save their session themselves: no token comes back', async () => {
      const finish = gate()
      const site = sessionApp(twilio, { session: { resave: true }, routes: working(finish, true) })
      const visitor = await visitorWith(site.app, expired())
      const page = visitor.get('/work').then((response) => response)
      await until(() => storedTokens(site)?.accessToken === 'access-1')
      await visitor.post('/destroy').expect(200)
      finish.open()
      await page
      // express-session itself has saved the copy that the request had loaded.
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-1/)
      await visitor.get('/fresh').expect(401)
      assert.deepEqual(twilio.requests.length, 1, 'and nothing is spent')
    })
  })

  describe('while the refresh is being written to the session store', () => {
    for (const [what, tokens] of [
      ['that the request waits for', () => expired()],
      ['in the background', () => expiring()]
    ] as const) {
      it(`${what}, by a store with slow writes: the session that the write brings back is destroyed again`, async () => {
        const [written, writing] = [gate(), gate()]
        const store = new SlowStore()
        const site = sessionApp(twilio, { store })
        const visitor = await visitorWith(site.app, tokens())
        store.beforeSet = () => {
          writing.open()
          return written.opened
        }
        const page = visitor.get('/fresh').then((response) => response)
        await writing.opened
        store.beforeSet = undefined
        await visitor.post('/destroy').expect(200)
        assert.deepEqual(sessionsIn(store), [])
        written.open()
        await page
        await site.tokens.close()
        assert.doesNotMatch(sessionsIn(store).join(), /access-|refresh-|somebody/)
        await visitor.get('/fresh').expect(401)
      })
    }

    for (const [what, report] of [
      ['an error with the code ENOENT', (done: Got) => done(Object.assign(new Error('no such session'), { code: 'ENOENT' }))],
      ['null', (done: Got) => done(null, null)],
      ['nothing at all', (done: Got) => done()]
    ] as const) {
      it(`by a store that reports a missing session with ${what}: it stays gone`, async () => {
        const store = new SlowStore()
        const site = sessionApp(twilio, { store })
        const visitor = await visitorWith(site.app, expired())
        store.missing = report
        assert.equal((await logOutDuring(visitor, '/fresh', '/destroy')).status, 401)
        assert.doesNotMatch(sessionsIn(store).join(), /access-|refresh-|somebody/)
      })
    }
  })

  describe('elsewhere', () => {
    it('is noticed by a connection that has held its copy of the session since: an error with status 401, and nothing is spent', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const connection = { session: storedSession(site), sessionID: 'held', sessionStore: site.store }
      await visitor.post('/destroy').expect(200)
      const error = await new Promise((resolve) => site.tokens.fresh()(connection as never, {} as never, resolve))
      assert.equal((error as { status?: number }).status, 401)
      assert.equal(twilio.requests.length, 0)
    })

    it('stays in the record for as long as an old copy of the session may turn up', async () => {
      await withClock(['Date'], async () => {
        const site = sessionApp(twilio, { session: { cookie: { maxAge: 7 * 24 * 3600 * 1000 } } })
        const visitor = await visitorWith(site.app, expired())
        const copy = storedSession(site)
        await visitor.post('/destroy').expect(200)
        mock.timers.tick(7 * 24 * 3600 * 1000 - 1000)
        const returning = await visitorWithSession(site.app, copy)
        await returning.get('/fresh').expect(401)
        assert.equal(twilio.requests.length, 0)
      })
    })

    it('in a session that has another login by now does not end that one', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const old = storedSession(site)
      await visitor.post('/keep').send(tokensOf({ accessToken: 'of another login' })).expect(200)
      const oldCopy = await visitorWithSession(site.app, old)
      await oldCopy.post('/drop').expect(200)
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'of another login')
    })
  })

  describe('while the record store is down', () => {
    it('succeeds, is reported once, takes effect in this process at once, and is recorded when the store is back', async () => {
      const memory = new MemoryRefreshes()
      let isDown = true
      const refuse = () => Promise.reject(new RefreshStoreError('Redis is gone: ECONNREFUSED'))
      const refreshes: Refreshes = {
        read: (...call) => (isDown ? refuse() : memory.read(...call)),
        acquire: (...call) => (isDown ? refuse() : memory.acquire(...call)),
        save: (...call) => (isDown ? refuse() : memory.save(...call)),
        release: (...call) => (isDown ? refuse() : memory.release(...call))
      }
      const site = sessionApp(twilio, { tokens: { refreshes } })
      const visitor = await visitorWith(site.app, expired())
      const copy = storedSession(site)
      await visitor.post('/destroy').expect(200)
      assert.deepEqual(sessionsIn(site.store), [])
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /^A logout could not be recorded: Redis is gone: ECONNREFUSED\./)
      const returning = await visitorWithSession(site.app, copy)
      await returning.get('/fresh').expect(401)
      isDown = false
      await site.tokens.close()
      const otherProcess = sessionApp(twilio, { tokens: { refreshes: memory } })
      const elsewhere = await visitorWithSession(otherProcess.app, copy)
      await elsewhere.get('/fresh').expect(401)
      assert.equal(twilio.requests.length, 0)
    })
  })

  describe('with a warn() that fails', () => {
    for (const [how, warn] of [
      ['throws', () => { throw new Error('the log is closed') }],
      ['rejects', () => Promise.reject(new Error('the log is closed'))]
    ] as const) {
      it(`continues if it ${how}, and the warning is emitted by the process`, async () => {
        const refuse = () => Promise.reject(new RefreshStoreError('Redis is gone'))
        const site = sessionApp(twilio, { tokens: { warn, refreshes: { read: refuse, acquire: refuse, save: refuse, release: refuse } } })
        const visitor = await visitorWith(site.app, expired())
        const emitted = once(process, 'warning') as Promise<[Error]>
        await visitor.post('/destroy').expect(200)
        assert.match((await emitted)[0].message, /^A logout could not be recorded/)
        assert.deepEqual(sessionsIn(site.store), [])
      })
    }
  })

  it('without a session or tokens does nothing', async () => {
    const { tokens } = sessionApp(twilio)
    for (const req of [{}, { session: {} }, { session: null }]) assert.equal(await new Promise((resolve) => tokens.drop()(req as never, {} as never, resolve)), undefined)
  })
})

describe('a login that replaces another one in the same session', () => {
  const twilio = startTwilio()

  /** A request of the old login arrives with its copy of the session just before the new login is stored. */
  function overtaken(other: object): RequestHandler {
    return (req, _res, next) => {
      const { sessionStore, sessionID } = req
      sessionStore.get(sessionID, (_error, stored) => sessionStore.set(sessionID, { ...stored, ...other } as SessionData, () => next()))
    }
  }

  it('is never used by a request of the old one, which is asked to log in, and stays in the session', async () => {
    const other = { login: 'another-login', generation: 0, receivedAt: Date.now(), accessToken: 'of another login', tokenType: 'Bearer', expiresAt: Date.now() + 3_600_000 }
    const site = sessionApp(twilio, { routes: (app) => void app.use('/guarded', overtaken({ passport: { user: 'another' }, [SESSION_KEY]: other })) })
    const visitor = await visitorWith(site.app, expired())
    await visitor.get('/guarded').set('Accept', 'text/html').expect(302)
    assert.equal(twilio.requests.length, 0)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'of another login')
    assert.deepEqual(storedSession(site).passport, { user: 'another' })
  })

  it('during a refresh is not overwritten by it, nor used by the request that waits, nor ended with it', async () => {
    for (const answer of [rotating(), INVALID_GRANT]) {
      twilio.requests.length = 0
      const answering = gate()
      twilio.behave = heldUntil(answering, answer)
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const waiting = visitor.get('/fresh').then((response) => response)
      await until(() => twilio.requests.length === 1)
      await visitor.post('/keep').send(tokensOf({ accessToken: 'of another login', refreshToken: 'refresh-other' })).expect(200)
      answering.open()
      const { body } = (await waiting) as { body: { accessToken?: string } }
      assert.notEqual(body.accessToken, 'of another login')
      assert.equal(storedTokens(site)?.accessToken, 'of another login')
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'of another login')
    }
  })
})

type Got = (error?: unknown, session?: SessionData | null) => void

/** A session store whose writes can be held back, and that reports missing sessions in its own way. */
class SlowStore extends session.MemoryStore {
  beforeSet: (() => Promise<void>) | undefined
  missing: ((done: Got) => void) | undefined

  override get(id: string, done: Got): void {
    super.get(id, (error: unknown, found) => {
      if (!error && !found && this.missing) this.missing(done)
      else done(error, found)
    })
  }

  override set(id: string, data: SessionData, done?: (error?: unknown) => void): void {
    // As a store does that sends its data at once.
    const sent = JSON.parse(JSON.stringify(data)) as SessionData
    if (this.beforeSet) void this.beforeSet().then(() => super.set(id, sent, done))
    else super.set(id, sent, done)
  }
}
