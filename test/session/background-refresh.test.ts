import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { SessionTokens, TwilioOAuthClient } from '../../lib'
import { Troubles } from '../properties/troubles'
import { settled, withClock } from '../support/clock'
import { gate, until } from '../support/gate'
import { CLIENT_ID, CLIENT_SECRET } from '../support/jwt'
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
  spentAt,
  startTwilio,
  storedSession,
  storedTokens,
  tokensOf,
  visitorWith
} from '../support/session-app'
import { closedPort, json } from '../support/twilio-server'

describe('a refresh in the background', () => {
  const twilio = startTwilio()

  it('lets a request within leeway of the expiry go on at once with the live token, and the next one uses the new token', async () => {
    const answer = gate()
    twilio.behave = heldUntil(answer, rotating())
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, expiring())
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
    await until(() => twilio.requests.length === 1)
    for (let request = 0; request < 5; request++) assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0', 'nobody waits')
    answer.open()
    await site.tokens.close()
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    assert.equal(twilio.requests.length, 1)
  })

  it('begins within leeway of the expiry, and not before', async () => {
    await withClock(['Date'], async () => {
      const leeway = 20_000
      for (const [msLeft, refreshes] of [
        [leeway + 1, 0],
        [leeway, 1]
      ] as const) {
        const site = sessionApp(twilio, { tokens: { leeway } })
        const visitor = await visitorWith(site.app, tokensOf({ expiresAt: Date.now() + msLeft }))
        await visitor.get('/fresh').expect(200)
        await site.tokens.close()
        assert.equal(twilio.requests.length, refreshes)
      }
    })
  })

  it('is waited for by a request whose token has 10 s left or less', async () => {
    await withClock(['Date'], async () => {
      for (const [msLeft, accessToken] of [
        [10_001, 'access-0'],
        [10_000, 'access-1']
      ] as const) {
        twilio.behave = rotating()
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, tokensOf({ expiresAt: Date.now() + msLeft }))
        assert.equal(await accessTokenAt(visitor.get('/fresh')), accessToken)
        await site.tokens.close()
      }
    })
  })

  it('stores the new tokens beside what others have put into the session meanwhile', async () => {
    const answer = gate()
    twilio.behave = heldUntil(answer, rotating())
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, expiring())
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
    await visitor.put('/session').send({ cart: 'full' }).expect(200)
    answer.open()
    await site.tokens.close()
    assert.deepEqual([storedTokens(site)?.accessToken, storedSession(site).cart], ['access-1', 'full'])
  })

  it('is not lost when the request saves its own copy of the session after it', async () => {
    const finish = gate()
    const site = sessionApp(twilio, {
      routes: (app, tokens) =>
        app.get('/report', tokens.fresh(), async (req, res) => {
          await finish.opened
          Object.assign(req.session, { report: 'done' })
          res.json(req.twilioTokens)
        })
    })
    const visitor = await visitorWith(site.app, expiring())
    const report = accessTokenAt(visitor.get('/report'))
    await until(() => storedTokens(site)?.accessToken === 'access-1')
    finish.open()
    assert.equal(await report, 'access-0')
    assert.deepEqual([storedTokens(site)?.accessToken, storedSession(site).report], ['access-0', 'done'], 'the old copy was saved over the new one')
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0', 'it is alive, so nobody waits')
    await site.tokens.close()
    assert.deepEqual(spentAt(twilio), ['refresh-0'])
    await withClock(['Date'], async () => {
      mock.timers.tick(31_000)
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    })
    assert.deepEqual(spentAt(twilio), ['refresh-0'])
  })

  it('works with a session store that only has get and set', async () => {
    const { tokens } = sessionApp(twilio)
    let stored: Record<string, unknown> = {}
    const sessionStore = {
      get: (_id: string, done: (error: unknown, session: unknown) => void) => done(null, { ...stored }),
      set: (_id: string, session: object, done: () => void) => {
        stored = { ...session }
        done()
      }
    }
    const req = { session: {} as Record<string, unknown>, sessionID: 'one', sessionStore, authInfo: { tokens: expiring() } }
    assert.equal(await new Promise((resolve) => tokens.keep()(req as never, {} as never, resolve)), undefined)
    stored = { ...req.session }
    assert.equal(await new Promise((resolve) => tokens.fresh()({ session: { ...stored }, sessionID: 'one', sessionStore } as never, {} as never, resolve)), undefined)
    await tokens.close()
    assert.equal((stored[SESSION_KEY] as { accessToken: string }).accessToken, 'access-1')
  })

  it('that Twilio refuses permanently is noticed by the next request, which asks the person to log in', async () => {
    twilio.behave = INVALID_GRANT
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, expiring())
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
    await site.tokens.close()
    assert.equal(storedTokens(site), undefined)
    await visitor.get('/fresh').expect(401)
  })

  describe('that fails', () => {
    const troubles = new Troubles()
    beforeEach(() => troubles.watch())
    afterEach(() => troubles.unwatch())

    it('does no harm to the process, and the live token is used', async () => {
      for (const url of [`http://127.0.0.1:${await closedPort()}`, twilio.url]) {
        twilio.behave = BUSY
        const site = sessionApp({ url }, { client: { timeout: 50 } })
        const visitor = await visitorWith(site.app, expiring())
        assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
        await site.tokens.close()
        await settled()
        assert.deepEqual([await troubles.take(), site.errors], [[], []])
        assert.equal(storedTokens(site)?.refreshToken, 'refresh-0')
      }
    })

    it('is not tried again for 5 s, for any login; expired tokens are still refreshed', async () => {
      twilio.behave = BUSY
      const site = sessionApp(twilio)
      const [one, other, dead] = [await visitorWith(site.app, expiring()), await visitorWith(site.app, expiring()), await visitorWith(site.app, expired())]
      await withClock(['Date'], async () => {
        await one.get('/fresh').expect(200)
        await site.tokens.close()
        assert.equal(twilio.requests.length, 1)
        mock.timers.tick(4999)
        for (const visitor of [one, other]) assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
        await site.tokens.close()
        assert.equal(twilio.requests.length, 1)
        twilio.behave = rotating()
        assert.equal(await accessTokenAt(dead.get('/fresh')), 'access-1')
        mock.timers.tick(1)
        twilio.behave = rotating()
        assert.equal(await accessTokenAt(one.get('/fresh')), 'access-0')
        await site.tokens.close()
        assert.equal(await accessTokenAt(one.get('/fresh')), 'access-1')
      })
    })

    it('is reported once when Twilio refuses the app itself', async () => {
      twilio.behave = json(401, { code: 20003, message: 'Authentication Error', status: 401 })
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expiring())
      await visitor.get('/fresh').expect(200)
      await site.tokens.close()
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /^Twilio refuses to refresh tokens: /)
    })
  })

  describe('with refreshInBackground: false', () => {
    it('does not happen: a request within leeway of the expiry waits for the new token', async () => {
      const site = sessionApp(twilio, { tokens: { refreshInBackground: false } })
      const visitor = await visitorWith(site.app, expiring())
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      assert.equal(storedTokens(site)?.accessToken, 'access-1')
    })

    it('lets a request go on with the live token when Twilio is down, and not wait again for 5 s', async () => {
      twilio.behave = BUSY
      const site = sessionApp(twilio, { tokens: { refreshInBackground: false } })
      const visitor = await visitorWith(site.app, expiring())
      for (let request = 0; request < 3; request++) assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
      assert.equal(twilio.requests.length, 1)
    })
  })

  describe('on platforms that freeze a process after its response', () => {
    for (const name of ['AWS_LAMBDA_FUNCTION_NAME', 'VERCEL', 'NETLIFY', 'K_SERVICE', 'FUNCTION_TARGET', 'FUNCTIONS_WORKER_RUNTIME']) {
      it(`does not happen where ${name} is set: the request waits; refreshInBackground: true says otherwise`, async () => {
        const before = process.env[name]
        process.env[name] = 'something'
        try {
          for (const [refreshInBackground, accessToken] of [
            [undefined, 'access-1'],
            [true, 'access-0']
          ] as const) {
            twilio.behave = rotating()
            const site = sessionApp(twilio, { tokens: { refreshInBackground } })
            const visitor = await visitorWith(site.app, expiring())
            assert.equal(await accessTokenAt(visitor.get('/fresh')), accessToken)
            await site.tokens.close()
          }
        } finally {
          if (before === undefined) Reflect.deleteProperty(process.env, name)
          else process.env[name] = before
        }
      })
    }
  })

  describe('and tokens.close()', () => {
    it('resolves at once when nothing is under way', async () => {
      await new SessionTokens(new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET })).close()
    })

    it('waits until the session has the new tokens', async () => {
      const answer = gate()
      twilio.behave = heldUntil(answer, rotating())
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expiring())
      await visitor.get('/fresh').expect(200)
      let isClosed = false
      const closing = site.tokens.close().then(() => (isClosed = true))
      await until(() => twilio.requests.length === 1)
      await settled()
      assert.equal(isClosed, false)
      answer.open()
      await closing
      assert.equal(storedTokens(site)?.accessToken, 'access-1')
    })

    it('resolves although the refresh fails', async () => {
      twilio.behave = BUSY
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expiring())
      await visitor.get('/fresh').expect(200)
      await site.tokens.close()
    })
  })
})
