import assert from 'node:assert/strict'
import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'
import session from 'express-session'
import request from 'supertest'
import { renewableCookieSession } from '../../lib'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { jsonOf, loginApp, Visitor, type AccountPage } from '../support/login-app'
import { accessTokenAt, BUSY, cookieOf, expired, expiring, heldUntil, INVALID_GRANT, rotating, SESSION_KEY, sessionApp, spentAt, startTwilio, visitorWith } from '../support/session-app'
import { gate, until } from '../support/gate'
import { closedPort } from '../support/twilio-server'

const cookies = () => cookieSession({ name: 'session', keys: ['of the tests'] })

describe('with cookie-session', () => {
  describe('and renewableCookieSession()', () => {
    let sandbox: Sandbox
    before(async () => {
      sandbox = await startSandbox()
    })
    after(() => sandbox.stop())

    const sessions = () => [cookies(), renewableCookieSession() as unknown as RequestHandler]

    for (const serializer of [false, true]) {
      it(`a login, a refresh and a logout work${serializer ? ', with tokens.serializer()' : ''}`, async () => {
        const { app, errors } = loginApp(sandbox, { sessions: sessions(), serializer, tokens: { secret: 'a secret of 32 characters or more' } })
        const visitor = new Visitor(app, sandbox)
        await visitor.get('/account?tab=2').expect(302)
        const callback = await visitor.logIn()
        assert.equal(callback.headers.location, '/account?tab=2')
        const before = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
        await visitor.agent.post('/expire').expect(204)
        const after = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
        assert.notEqual(after.accessToken, before.accessToken)
        assert.equal(jsonOf<AccountPage>(await visitor.get('/account').expect(200)).accessToken, after.accessToken)
        await visitor.agent.post('/logout').expect(204)
        await visitor.get('/account').expect(302)
        assert.deepEqual(errors, [])
        assert.equal(sandbox.counts.reuses, 0)
      })
    }

    it('a login drops what was in the session, unless keepSessionInfo is set', async () => {
      for (const keepSessionInfo of [false, true]) {
        const { app } = loginApp(sandbox, { sessions: sessions(), callback: { keepSessionInfo } })
        const visitor = new Visitor(app, sandbox)
        await visitor.agent.put('/cart').expect(204)
        await visitor.logIn()
        const { cart } = jsonOf<{ cart?: string }>(await visitor.get('/session'))
        assert.equal(cart, keepSessionInfo ? 'full' : undefined)
        await visitor.get('/account').expect(200)
      }
    })

    it('a person who is logged in can log in again', async () => {
      const { app, errors } = loginApp(sandbox, { sessions: sessions() })
      const visitor = new Visitor(app, sandbox)
      await visitor.logIn()
      const before = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      await visitor.logIn()
      const after = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      assert.notEqual(after.accessToken, before.accessToken)
      assert.deepEqual(errors, [])
    })

    it('the cookie holds no functions, and a logout leaves nothing of the person in it', async () => {
      const { app } = loginApp(sandbox, { sessions: sessions() })
      const visitor = new Visitor(app, sandbox)
      await visitor.logIn()
      assert.deepEqual(Object.keys(jsonOf<object>(await visitor.get('/session'))).sort(), ['passport', `twilioTokens:${sandbox.clientID}`])
      await visitor.agent.post('/logout').expect(204)
      assert.deepEqual(jsonOf<object>(await visitor.get('/session')), { passport: {} })
    })
  })

  it('and without it, Passport says what is missing', async () => {
    const sandbox = await startSandbox()
    try {
      const { app, errors } = loginApp(sandbox, { sessions: cookies() })
      const visitor = new Visitor(app, sandbox)
      const { status } = await visitor.tryToLogIn()
      assert.equal(status, 500)
      assert.match(String(errors[0]), /regenerate/)
    } finally {
      await sandbox.stop()
    }
  })

  describe('tokens.fresh()', () => {
    const twilio = startTwilio()

    it('refreshes expired tokens, encrypted, and puts them into the cookie of each request that shares the refresh', async () => {
      const site = sessionApp(twilio, { sessions: cookies(), tokens: { secret: 'a secret of 32 characters or more' } })
      const visitor = await visitorWith(site.app, expired())
      const answer = gate()
      twilio.behave = heldUntil(answer, rotating())
      const pages = [1, 2, 3].map(() => visitor.get('/fresh').then((response) => response))
      await until(() => twilio.requests.length === 1)
      answer.open()
      for (const page of await Promise.all(pages)) {
        assert.equal(jsonOf<{ accessToken: string }>(page).accessToken, 'access-1')
        assert.match(String(page.headers['set-cookie']), /session=/)
      }
      for (const path of ['/of', '/fresh']) assert.equal(await accessTokenAt(visitor.get(path)), 'access-1')
      assert.equal(twilio.requests.length, 1)
      await visitor.post('/drop').expect(200)
      await visitor.get('/fresh').expect(401)
    })

    it('puts what a refresh in the background brought into the next response', async () => {
      const site = sessionApp(twilio, { sessions: cookies() })
      const visitor = await visitorWith(site.app, expiring())
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
      await site.tokens.close()
      assert.equal(await accessTokenAt(visitor.get('/of')), 'access-0', 'the cookie could not be changed any more')
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      assert.equal(await accessTokenAt(visitor.get('/of')), 'access-1')
      assert.deepEqual(spentAt(twilio), ['refresh-0'])
    })

    describe('with an old copy of the cookie', () => {
      /** An app, a visitor with expired tokens, and the cookies that the visitor has now. */
      async function start() {
        const site = sessionApp(twilio, { sessions: cookies() })
        const visitor = await visitorWith(site.app, expired())
        const old = await cookieOf(visitor)
        assert.match(old, /session=/)
        return { visitor, freshWithOld: () => request(site.app).get('/fresh').set('Cookie', old) }
      }

      it('finds the newest tokens, and spends nothing twice', async () => {
        const { visitor, freshWithOld } = await start()
        assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
        assert.equal(await accessTokenAt(freshWithOld()), 'access-1')
        assert.equal(twilio.requests.length, 1)
      })

      it('gets no tokens after a logout, once its own have expired', async () => {
        const { visitor, freshWithOld } = await start()
        await visitor.post('/drop').expect(200)
        await freshWithOld().expect(401)
        assert.equal(twilio.requests.length, 0)
      })
    })

    it('removes refused tokens from the cookie, and keeps them when Twilio is busy', async () => {
      const { app } = sessionApp(twilio, { sessions: cookies() })
      const visitor = await visitorWith(app, expired())
      twilio.behave = BUSY
      await visitor.get('/fresh').expect(503)
      assert.equal(await accessTokenAt(visitor.get('/of')), 'access-0')
      const other = await visitorWith(app, expired())
      twilio.behave = INVALID_GRANT
      await other.get('/fresh').expect(401)
      assert.equal((await other.get('/of')).body, null)
      assert.equal(SESSION_KEY in ((await other.get('/session')).body as object), false)
    })

    it('uses a live token while Twilio is down', async () => {
      const { app } = sessionApp({ url: `http://127.0.0.1:${await closedPort()}` }, { sessions: cookies(), client: { timeout: 50 } })
      const visitor = await visitorWith(app, expiring())
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
    })
  })
})

describe('renewableCookieSession()', () => {
  const use = (req: object) => new Promise((resolve) => renewableCookieSession()(req as never, {} as never, resolve))

  it('leaves sessions alone that can be renewed already, and requests without a session', async () => {
    const [regenerate, save] = [() => undefined, () => undefined]
    const own = { session: { regenerate, save } }
    await use(own)
    assert.deepEqual([own.session.regenerate, own.session.save], [regenerate, save])
    for (const req of [{}, { session: null }, { session: {}, sessionStore: new session.MemoryStore() }]) {
      const before = structuredClone({ ...req, sessionStore: undefined })
      assert.equal(await use(req), undefined)
      assert.deepEqual({ ...req, sessionStore: undefined }, before)
      assert.equal('regenerate' in Object(req.session ?? {}), false)
    }
  })

  it('adds methods that no serialization and no loop sees', async () => {
    const req = { session: { some: 'thing' } }
    await use(req)
    assert.deepEqual([JSON.stringify(req.session), Object.keys(req.session)], ['{"some":"thing"}', ['some']])
    assert.equal(typeof (req.session as unknown as { regenerate: unknown }).regenerate, 'function')
  })

  it('renews a session again and again', async () => {
    const req: { session: Record<string, unknown> } = { session: { some: 'thing' } }
    await use(req)
    for (let time = 0; time < 3; time++) {
      const before = req.session
      await new Promise<void>((resolve) => (req.session.regenerate as (done: () => void) => void)(resolve))
      assert.notEqual(req.session, before)
      assert.deepEqual(req.session, { passport: {} })
      await new Promise<void>((resolve) => (req.session.save as (done: () => void) => void)(resolve))
    }
  })
})
