import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mock } from 'node:test'
import type { RequestHandler } from 'express'
import type session from 'express-session'
import passport from 'passport'
import request from 'supertest'
import { requireLogin, SessionTokens, TwilioOAuthClient, TwilioStrategy, type Middleware, type Refreshes, type TwilioTokens } from '../../lib'
import { Troubles } from '../properties/troubles'
import { withClock } from '../support/clock'
import { gate, turnstile, until } from '../support/gate'
import { CLIENT_ID, CLIENT_SECRET, nowInSeconds, unsigned } from '../support/jwt'
import { jsonOf, sessionsIn } from '../support/login-app'
import { ended, ending, rotating, sessionApp, tokensOf, visitorWith, type SessionApp, type SessionAppOptions } from '../support/session-app'
import { closedPort, inTurn, json, TwilioServer } from '../support/twilio-server'

/** What the only session of a store holds. */
function stored({ store }: Pick<SessionApp, 'store'>): Record<string, unknown> {
  const [only, ...others] = sessionsIn(store)
  assert.equal(others.length, 0)
  return JSON.parse(only ?? '{}') as Record<string, unknown>
}

/** Answers the refresh when the test says so. */
function held(behave: TwilioServer['behave'], { opened }: { opened: Promise<void> }): TwilioServer['behave'] {
  return (...call) => void opened.then(() => behave(...call))
}

const INVALID_GRANT = json(400, { error: 'invalid_grant', error_description: 'The refresh token is spent.' })
/** Longer than any call may take, so that nothing is tried again. */
const BUSY = json(503, { code: 20500, message: 'Internal server error', status: 503 }, { 'Retry-After': '120' })

describe("Twilio's tokens in the session", () => {
  let twilio: TwilioServer
  before(async () => {
    twilio = await TwilioServer.start()
  })
  beforeEach(() => {
    twilio.requests.length = 0
    twilio.behave = rotating()
  })
  after(() => twilio.stop())

  describe('are told what is wrong with their options', () => {
    const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET })

    it('a secret that is none', () => {
      for (const secret of ['', [], [''], ['new', ''], 7 as never, ['new', null as never]]) {
        assert.throws(() => new SessionTokens(client, { secret }), { name: 'TypeError', message: /^secret is missing: it must be a long random text/ })
      }
    })

    it('a leeway that is no time', () => {
      for (const leeway of [-1, NaN, '60' as never, null as never]) assert.throws(() => new SessionTokens(client, { leeway }), { name: 'TypeError', message: /^leeway must be a number of ms/ })
      assert.ok(new SessionTokens(client, { leeway: 0 }))
    })

    it('a client of Redis where what redisRefreshes makes of it should be', () => {
      for (const refreshes of [{ eval: () => undefined }, 'redis', null]) {
        assert.throws(() => new SessionTokens(client, { refreshes: refreshes as never }), { name: 'TypeError', message: /^refreshes must be what redisRefreshes\(redis\) gives/ })
      }
    })

    it('once, when nothing keeps tokens, and somebody who is logged in is asked to log in again', async () => {
      const warnings: string[] = []
      const ask = (fresh: Middleware) =>
        request((req: IncomingMessage, res: ServerResponse) => fresh(Object.assign(req, { user: { id: 'US1' }, session: {} }), res, () => res.end()))
          .get('/')
          .expect(401)
      const tokens = new SessionTokens(client, { warn: (message) => warnings.push(message) })
      await ask(tokens.fresh())
      await ask(tokens.fresh())
      assert.deepEqual(warnings.map((warning) => warning.includes('tokens.keep() is in no route')), [true])
      const kept = new SessionTokens(client, { warn: (message) => warnings.push(message) })
      kept.keep()
      await ask(kept.fresh())
      assert.equal(warnings.length, 1)
    })

    it('neither a strategy nor a client', () => {
      for (const nothing of [undefined, null, {}, 'twilio', { client: {} }]) {
        assert.throws(() => new SessionTokens(nothing as never), { name: 'TypeError', message: /^SessionTokens needs the TwilioStrategy or the TwilioOAuthClient/ })
      }
      const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: '/cb' }, () => undefined)
      assert.ok(new SessionTokens(strategy))
      assert.ok(new SessionTokens(client))
    })
  })

  describe('are kept at the callback', () => {
    it('under one key of the session, without the claims, which the token tells again', async () => {
      const accessToken = unsigned({ sub: 'trn:us1:iam:user:US1' })
      const site = sessionApp(twilio)
      const tokens = tokensOf({ accessToken, idToken: 'id-0', scope: 'offline_access' })
      const visitor = await visitorWith(site.app, tokens)
      const { claims, ...kept } = tokens
      assert.deepEqual(stored(site).twilioTokens, kept)
      assert.deepEqual((await visitor.get('/of')).body, { ...kept, claims })
    })

    it('and are on the request right away', async () => {
      const { app } = sessionApp(twilio)
      const response = await request(app).post('/keep').send(tokensOf({ expiresAt: 1 }))
      assert.deepEqual(response.body, tokensOf({ expiresAt: 1 }))
    })

    it('and where there was no login, an error says where keep() belongs', async () => {
      const { app, errors } = sessionApp(twilio)
      await request(app).post('/keep').expect(500)
      for (const nothing of [{}, { accessToken: 7 }, []]) await request(app).post('/keep').send(nothing).expect(500)
      assert.equal(errors.length, 4)
      for (const { message } of errors) assert.match(message, /^tokens\.keep\(\) found no login with Twilio\. Put it after passport\.authenticate/)
    })

    it('and where there is no session, an error says what to add', async () => {
      const { app, errors } = sessionApp(twilio, { sessions: (_req, _res, next) => next(), routes: (app, tokens) => app.post('/bare', asIfLoggedIn, tokens.keep()) })
      await request(app).post('/bare').expect(500)
      assert.match(errors[0]?.message ?? '', /^There is no req\.session\. Add session middleware before this route: app\.use\(session\(/)
    })
  })

  describe('are encrypted with a secret', () => {
    it('so that no token stands in the session store', async () => {
      const site = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      const visitor = await visitorWith(site.app, { idToken: 'id-0' })
      assert.match(String(stored(site).twilioTokens), /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/)
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-0|refresh-0|id-0/)
      const { accessToken, refreshToken, idToken } = jsonOf<TwilioTokens>(await visitor.get('/of'))
      assert.deepEqual([accessToken, refreshToken, idToken], ['access-0', 'refresh-0', 'id-0'])
    })

    it('and stay so when they are refreshed', async () => {
      const site = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      const visitor = await visitorWith(site.app, ended())
      assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-/)
      assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
      assert.equal(twilio.requests.length, 1)
    })

    it('and are read with an older secret, and put away with the newest', async () => {
      const sealedByOld = sessionApp(twilio, { tokens: { secret: 'old' } })
      await visitorWith(sealedByOld.app, tokensOf())
      const session = stored(sealedByOld)

      for (const path of ['/of', '/fresh']) {
        const rotated = sessionApp(twilio, { tokens: { secret: ['new', 'old'] } })
        const visitor = await visitorWithSession(rotated.app, session)
        assert.equal(jsonOf<TwilioTokens>(await visitor.get(path).expect(200)).accessToken, 'access-0')
        const rewritten = stored(rotated)
        assert.notEqual(rewritten.twilioTokens, session.twilioTokens)

        const later = sessionApp(twilio, { tokens: { secret: 'new' } })
        const returning = await visitorWithSession(later.app, rewritten)
        assert.equal(jsonOf<TwilioTokens>(await returning.get(path).expect(200)).accessToken, 'access-0')
        assert.deepEqual(stored(later), rewritten, 'and then they stay as they are')
        assert.deepEqual([...rotated.warnings, ...later.warnings], [])
      }
      assert.equal(twilio.requests.length, 0)
    })

    it('and ones from before there was a secret are encrypted when they are met', async () => {
      const plain = sessionApp(twilio)
      await visitorWith(plain.app, tokensOf())
      const site = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      const visitor = await visitorWithSession(site.app, stored(plain))
      await visitor.get('/fresh').expect(200)
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-0/)
      assert.equal(jsonOf<TwilioTokens>(await visitor.get('/of')).accessToken, 'access-0')
    })
  })

  describe('that cannot be read', () => {
    async function unreadable(): Promise<unknown[]> {
      const other = sessionApp(twilio, { tokens: { secret: 'another secret' } })
      await visitorWith(other.app, tokensOf())
      const own = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      await visitorWith(own.app, tokensOf())
      const sealed = String(stored(own).twilioTokens)
      const changed = `${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`
      return [stored(other).twilioTokens, changed, 'hunter2', '', '....', 7, null, [], {}, { accessToken: 'hunter2' }, { accessToken: 'hunter2', tokenType: 7 }]
    }

    it('count as none, are cleaned away, and are told of once, without their content', async () => {
      const site = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      for (const garbage of await unreadable()) {
        const visitor = await visitorWithSession(site.app, { twilioTokens: garbage, other: 'stays' })
        assert.equal((await visitor.get('/of').expect(200)).body, null)
        const cleaned = jsonOf<Record<string, unknown>>(await visitor.get('/session'))
        assert.deepEqual([cleaned.twilioTokens, cleaned.other], [undefined, 'stays'])
      }
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /could not be read, and were dropped.*secret: \[new, old\]/)
      assert.doesNotMatch(site.warnings.join(), /hunter2/)
    })

    it('send people to log in again', async () => {
      const site = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      const visitor = await visitorWithSession(site.app, { twilioTokens: 'garbage' })
      await visitor.get('/fresh').expect(401)
      assert.doesNotMatch((await visitor.get('/session')).text, /twilioTokens/)
    })

    it('include encrypted ones, where there is no secret any more', async () => {
      const sealed = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      await visitorWith(sealed.app, tokensOf())
      const site = sessionApp(twilio)
      const visitor = await visitorWithSession(site.app, stored(sealed))
      assert.equal((await visitor.get('/of')).body, null)
      assert.equal(site.warnings.length, 1)
    })

    it('are told of as a warning of the process, unless the app listens itself', async () => {
      const { app } = sessionApp(twilio, { tokens: { warn: undefined } })
      const visitor = await visitorWithSession(app, { twilioTokens: 'garbage' })
      const warned = once(process, 'warning') as Promise<[Error]>
      await visitor.get('/of')
      const [{ name, message }] = await warned
      assert.deepEqual([name, message.includes('could not be read')], ['PassportTwilioWarning', true])
    })
  })

  describe('are none', () => {
    it('in a request without a session', async () => {
      const { tokens } = sessionApp(twilio)
      assert.equal(await tokens.of({}), undefined)
      assert.equal(await tokens.of({ session: null }), undefined)
      assert.equal(await tokens.of({ session: {} }), undefined)
    })

    it('after a logout', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app)
      await visitor.post('/drop').expect(200)
      assert.equal((await visitor.get('/of')).body, null)
      assert.equal('twilioTokens' in stored(site), false)
      await visitor.get('/fresh').expect(401)
      await request(site.app).post('/drop').expect(200)
    })
  })

  describe('are fresh', () => {
    it('without a word to Twilio, while they live', async () => {
      for (const tokens of [tokensOf(), tokensOf({ expiresAt: undefined })]) {
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, tokens)
        assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-0')
      }
      assert.equal(twilio.requests.length, 0)
    })

    it('by one refresh, and what it brought is in the session when the answer is there', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended())
      const { expiresAt, ...tokens } = jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200))
      assert.deepEqual(tokens, { accessToken: 'access-1', refreshToken: 'refresh-1', tokenType: 'bearer', claims: {} })
      assert.ok((expiresAt ?? 0) > Date.now() + 3_500_000)
      assert.deepEqual(stored(site).twilioTokens, { accessToken: 'access-1', refreshToken: 'refresh-1', tokenType: 'bearer', expiresAt })
      assert.equal(twilio.requests.length, 1)
      await visitor.get('/fresh').expect(200)
      assert.equal(twilio.requests.length, 1)
    })

    it('when they are within leeway of their end, and not before', async () => {
      await withClock(['Date'], async () => {
        const leeway = 5000
        const inTime = await visitorWith(sessionApp(twilio, { tokens: { leeway } }).app, tokensOf({ expiresAt: Date.now() + leeway + 1 }))
        await inTime.get('/fresh').expect(200)
        assert.equal(twilio.requests.length, 0)
        const late = await visitorWith(sessionApp(twilio, { tokens: { leeway } }).app, tokensOf({ expiresAt: Date.now() + leeway }))
        await late.get('/fresh').expect(200)
        assert.equal(twilio.requests.length, 1)
      })
    })

    it('and a refresh that brings neither refresh token, ID token nor scope keeps the old ones', async () => {
      twilio.behave = inTurn(json(201, { access_token: 'access-1', refresh_token: null, id_token: null, scope: null, expires_in: 1 }), json(201, { access_token: 'access-2' }))
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended({ idToken: 'id-0', scope: 'offline_access' }))
      for (const accessToken of ['access-1', 'access-2']) {
        const tokens = jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200))
        assert.deepEqual([tokens.accessToken, tokens.refreshToken, tokens.idToken, tokens.scope], [accessToken, 'refresh-0', 'id-0', 'offline_access'])
      }
      assert.deepEqual(
        twilio.requests.map(({ form }) => form.get('RefreshToken')),
        ['refresh-0', 'refresh-0']
      )
    })

    it('and a refresh that brings all of them keeps the new ones', async () => {
      const idToken = unsigned({ aud: CLIENT_ID, exp: nowInSeconds() + 60 })
      twilio.behave = rotating({ id_token: idToken, scope: 'less' })
      const visitor = await visitorWith(sessionApp(twilio).app, ended({ idToken: 'id-0', scope: 'offline_access' }))
      const tokens = jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200))
      assert.deepEqual([tokens.refreshToken, tokens.idToken, tokens.scope], ['refresh-1', idToken, 'less'])
    })

    it('for 50 requests at once by one refresh', async () => {
      const all = turnstile(50)
      const site = sessionApp(twilio, { routes: (app) => app.use('/fresh', (_req, _res, next) => void all().then(() => next())) })
      const visitor = await visitorWith(site.app, ended())
      const answers = await Promise.all(Array.from({ length: 50 }, () => visitor.get('/fresh')))
      assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${(body as TwilioTokens).accessToken}`)), new Set(['200 access-1']))
      assert.equal(twilio.requests.length, 1)
    })

    it('although a slow request saves its old copy of the session after the refresh', async () => {
      const [loaded, finish] = [gate(), gate()]
      const site = sessionApp(twilio, { routes: (app) => app.get('/slow', slow(loaded, finish)) })
      const visitor = await visitorWith(site.app, ended())
      const report = visitor.get('/slow').then((response) => response)
      await loaded.opened
      await visitor.get('/fresh').expect(200)
      finish.open()
      await report
      const overwritten = stored(site) as { twilioTokens: TwilioTokens; report: unknown }
      assert.deepEqual([overwritten.twilioTokens.accessToken, overwritten.report], ['access-0', 'done'], 'the old copy was saved over the new one')

      assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
      assert.equal(twilio.requests.length, 1)
      const mended = stored(site) as { twilioTokens: TwilioTokens; report: unknown }
      assert.deepEqual([mended.twilioTokens.refreshToken, mended.report], ['refresh-1', 'done'])
    })

    it('although the old copy is several refreshes behind', async () => {
      twilio.behave = rotating({ expires_in: 60 })
      const [loaded, finish] = [gate(), gate()]
      const site = sessionApp(twilio, { routes: (app) => app.get('/slow', slow(loaded, finish)) })
      await withClock(['Date'], async () => {
        const visitor = await visitorWith(site.app, ended())
        const report = visitor.get('/slow').then((response) => response)
        await loaded.opened
        for (const accessToken of ['access-1', 'access-2', 'access-3']) {
          assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, accessToken)
          mock.timers.tick(60_000)
        }
        finish.open()
        await report
        assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-4')
      })
      assert.deepEqual(
        twilio.requests.map(({ form }) => form.get('RefreshToken')),
        ['refresh-0', 'refresh-1', 'refresh-2', 'refresh-3']
      )
    })

    describe('although Twilio gives the same access token', () => {
      for (const [refreshToken, name] of [
        [null, 'and no refresh token'],
        ['refresh-0', 'and the same refresh token'],
        ['refresh-1', 'with another refresh token']
      ] as const) {
        it(`${name}: Twilio is asked again by the next request whose token is stale`, async () => {
          await withClock(['Date'], async () => {
            const accessToken = unsigned({ iat: nowInSeconds() - 3570, exp: nowInSeconds() + 30 })
            twilio.behave = json(201, { access_token: accessToken, refresh_token: refreshToken, expires_in: 30 })
            const visitor = await visitorWith(sessionApp(twilio).app, ending({ accessToken }))
            assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, accessToken)
            mock.timers.tick(20_000)
            await visitor.get('/fresh').expect(200)
            assert.equal(twilio.requests.length, 2)
            mock.timers.tick(20_000)
            twilio.behave = json(201, { access_token: 'access-1', expires_in: 3600 })
            assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
            assert.equal(twilio.requests.length, 3)
          })
        })
      }

      it('again and again, in turn with another: it is asked anew, once for all who ask at once', async () => {
        const answer = gate()
        twilio.behave = held(json(201, { access_token: 'access-1', expires_in: 3600 }), answer)
        const inTurns = mock.fn(({ accessToken }: { accessToken: string }) => Promise.resolve({ tokens: ended({ accessToken: accessToken === 'one' ? 'other' : 'one' }), at: 1 }))
        const site = sessionApp(twilio, { tokens: { refreshes: { once: inTurns } } })
        const visitor = await visitorWith(site.app, ended({ accessToken: 'one' }))
        const asked = Promise.all([visitor.get('/fresh'), visitor.get('/fresh')])
        await until(() => inTurns.mock.callCount() === 4)
        answer.open()
        assert.deepEqual((await asked).map((response) => jsonOf<TwilioTokens>(response).accessToken), ['access-1', 'access-1'])
        assert.equal(twilio.requests.length, 1)
      })
    })

    it('and renewed before their time, where the app has learnt that Twilio takes them no more', async () => {
      for (const secret of [undefined, 'a secret that is long enough for everybody']) {
        twilio.behave = rotating()
        const site = sessionApp(twilio, { tokens: { secret } })
        const visitor = await visitorWith(site.app)
        await visitor.post('/expire').expect(200)
        assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
        assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
      }
      await request(sessionApp(twilio).app).post('/expire').expect(200)
    })

    it("by the application's own refreshes, if it has any", async () => {
      const asked: unknown[] = []
      const refreshes: Refreshes = {
        once: (spent, _refresh, limits) => {
          asked.push(spent, limits)
          return Promise.resolve({ tokens: tokensOf({ accessToken: 'from elsewhere' }), at: Date.now() })
        }
      }
      await withClock(['Date'], async () => {
        const site = sessionApp(twilio, { tokens: { refreshes }, client: { timeout: 4321 } })
        const stale = ended()
        const visitor = await visitorWith(site.app, stale)
        assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'from elsewhere')
        assert.deepEqual(asked, [stale, { deadline: Date.now() + 4321 }])
        assert.equal(twilio.requests.length, 0)
        assert.equal((stored(site).twilioTokens as TwilioTokens).accessToken, 'from elsewhere')
      })
    })
  })

  describe('without a refresh token', () => {
    it('are used while they live, and then the person logs in again', async () => {
      const { app } = sessionApp(twilio)
      const living = await visitorWith(app, ending({ refreshToken: undefined }))
      assert.equal(jsonOf<TwilioTokens>(await living.get('/fresh').expect(200)).accessToken, 'access-0')
      const dead = await visitorWith(app, ended({ refreshToken: undefined }))
      await dead.get('/fresh').expect(401)
      assert.equal(twilio.requests.length, 0)
    })
  })

  describe('when Twilio is down', () => {
    it('are used while they live', async () => {
      const site = sessionApp({ url: `http://127.0.0.1:${await closedPort()}` }, { client: { timeout: 50 } })
      const visitor = await visitorWith(site.app, ending())
      assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-0')
      assert.deepEqual(site.errors, [])
    })

    it('and have ended, the answer is 503 and says when to come back; the session keeps them, and the next refresh is good', async () => {
      await withClock(['Date'], async () => {
        for (const [behave, retryAfter] of [
          [BUSY, '120'],
          [json(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: new Date(Date.now() + 90_000).toISOString() }), '90'],
          [json(200, 'nonsense'), '5']
        ] as const) {
          twilio.behave = behave
          const site = sessionApp(twilio)
          const visitor = await visitorWith(site.app, ended())
          const before = stored(site).twilioTokens
          const response = await visitor.get('/guarded').set('Accept', 'text/html').expect(503)
          assert.equal(jsonOf<Error>(response).name, 'TwilioUnavailableError')
          assert.equal(response.headers['retry-after'], retryAfter)
          assert.deepEqual(stored(site).twilioTokens, before)
          assert.ok(site.errors[0]?.cause instanceof Error)
          twilio.behave = rotating()
          assert.equal(jsonOf<TwilioTokens>(await visitor.get('/guarded').expect(200)).accessToken, 'access-1')
        }
      })
    })

    describe('or slow', () => {
      /** Whether a request has been answered by the time that one after it is. */
      const answered = (asked: Promise<unknown>, visitor: ReturnType<typeof request.agent>) => Promise.race([asked.then(() => 'answered'), visitor.get('/session').then(() => 'waiting')])

      it('are used while they live, and for a while nobody waits; what it brings in the end is kept', async () => {
        const answer = gate()
        twilio.behave = held(rotating(), answer)
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, ending())
        const other = await visitorWith(site.app, ending({ refreshToken: 'refresh-other' }))
        await withClock(['setTimeout'], async () => {
          const patient = visitor.get('/fresh').then((response) => response)
          await until(() => twilio.requests.length === 1)
          mock.timers.tick(999)
          assert.equal(await answered(patient, visitor), 'waiting')
          mock.timers.tick(1)
          assert.equal(jsonOf<TwilioTokens>(await patient).accessToken, 'access-0')

          const impatient = other.get('/fresh').then((response) => response)
          await until(() => twilio.requests.length === 2)
          mock.timers.tick(1)
          assert.equal(jsonOf<TwilioTokens>(await impatient).accessToken, 'access-0')
        })
        answer.open()
        const refreshed = async () => jsonOf<TwilioTokens>(await visitor.get('/fresh')).accessToken === 'access-1'
        while (!(await refreshed()));
        assert.equal(twilio.requests.filter(({ form }) => form.get('RefreshToken') === 'refresh-0').length, 1)
      })

      describe('in the end, what it brings', () => {
        /** Has a request go on without its refresh, and gives what lets Twilio answer that. */
        async function goOnWithout(visitor: ReturnType<typeof request.agent>, page = '/fresh'): Promise<{ page: Promise<request.Response>; answer: () => void }> {
          const { opened, open } = gate()
          twilio.behave = held(rotating(), { opened })
          const asked = visitor.get(page).then((response) => response)
          await withClock(['setTimeout'], async () => {
            await until(() => twilio.requests.length === 1)
            mock.timers.tick(1000)
            await visitor.get('/session')
          })
          return { page: asked, answer: open }
        }
        const accessTokenIn = (site: SessionApp) => (stored(site).twilioTokens as TwilioTokens | undefined)?.accessToken

        it('is in the session when it is there, beside what others have put there, and is found when all else is forgotten', async () => {
          const site = sessionApp(twilio)
          const visitor = await visitorWith(site.app, ending())
          const { page, answer } = await goOnWithout(visitor)
          assert.equal(jsonOf<TwilioTokens>(await page).accessToken, 'access-0')
          await visitor.put('/session').send({ cart: 'full' }).expect(200)
          answer()
          await until(() => accessTokenIn(site) === 'access-1')
          assert.equal(stored(site).cart, 'full')
          await withClock(['Date'], async () => {
            mock.timers.tick(11 * 60_000)
            assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
          })
          assert.equal(twilio.requests.length, 1)
        })

        it('is in the session encrypted, where there is a secret', async () => {
          const site = sessionApp(twilio, { tokens: { secret: 'one secret' } })
          const visitor = await visitorWith(site.app, ending())
          const before = stored(site).twilioTokens
          const { page, answer } = await goOnWithout(visitor)
          await page
          answer()
          await until(() => stored(site).twilioTokens !== before)
          assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-/)
          assert.equal(jsonOf<TwilioTokens>(await visitor.get('/of')).accessToken, 'access-1')
        })

        it('is in the session also when the request saves its own copy after that', async () => {
          for (const broken of [false, true]) {
            twilio.requests.length = 0
            const finish = gate()
            const report: RequestHandler = async (req, res) => {
              await finish.opened
              Object.assign(req.session, { report: 'done' })
              res.json(req.twilioTokens)
            }
            const site = sessionApp(twilio, { routes: (app, tokens) => app.get('/report', tokens.fresh(), report) })
            const visitor = await visitorWith(site.app, ending())
            const { page, answer } = await goOnWithout(visitor, '/report')
            const get = mock.method(site.store, 'get')
            if (broken) get.mock.mockImplementation((_id: string, done: (error: unknown) => void) => done(new Error('the network is down')))
            answer()
            await until(() => (broken ? get.mock.callCount() > 0 : accessTokenIn(site) === 'access-1'))
            await turns()
            get.mock.restore()
            finish.open()
            assert.equal(jsonOf<TwilioTokens>(await page).accessToken, 'access-0')
            assert.deepEqual([accessTokenIn(site), stored(site).report], ['access-1', 'done'])
          }
        })

        for (const [what, path, sent, left] of [
          ['a session that is gone', '/destroy', undefined, undefined],
          ['a session whose tokens were dropped', '/drop', undefined, undefined],
          ['a session that has others by now', '/keep', tokensOf({ accessToken: 'of-another-login' }), 'of-another-login']
        ] as const) {
          it(`is kept out of ${what}`, async () => {
            const finish = gate()
            const site = sessionApp(twilio, { routes: (app, tokens) => app.get('/long', tokens.fresh(), (_req, res) => void finish.opened.then(() => res.json(null))) })
            const visitor = await visitorWith(site.app, ending())
            const { page, answer } = await goOnWithout(visitor, '/long')
            await visitor.post(path).send(sent).expect(200)
            const get = mock.method(site.store, 'get')
            answer()
            await until(() => get.mock.callCount() > 0)
            await turns()
            finish.open()
            await page
            const [only] = sessionsIn(site.store).map((session) => (JSON.parse(session) as { twilioTokens?: TwilioTokens }).twilioTokens?.accessToken)
            assert.equal(only, left)
            assert.doesNotMatch(sessionsIn(site.store).join(), /access-1/)
          })
        }

        it('is in the session of a store that has no functions of its own for it', async () => {
          const { tokens } = sessionApp(twilio)
          const { claims: _claims, ...kept } = ending()
          let inStore: object = { twilioTokens: kept }
          const sessionStore = {
            get: (_id: string, done: (error: unknown, session: unknown) => void) => done(null, { ...inStore }),
            set: (_id: string, session: object, done: () => void) => {
              inStore = session
              done()
            }
          }
          const { opened, open } = gate()
          twilio.behave = held(rotating(), { opened })
          await withClock(['setTimeout'], async () => {
            const passed = new Promise((resolve) => tokens.fresh()({ session: { ...inStore }, sessionID: 'one', sessionStore } as never, {} as never, resolve))
            await until(() => twilio.requests.length === 1)
            mock.timers.tick(1000)
            assert.equal(await passed, undefined)
          })
          open()
          await until(() => (inStore as { twilioTokens: TwilioTokens }).twilioTokens.accessToken === 'access-1')
        })
      })

      it('and refuses in the end, the next request is told', async () => {
        const answer = gate()
        twilio.behave = held(INVALID_GRANT, answer)
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, ending())
        await withClock(['setTimeout'], async () => {
          const patient = visitor.get('/fresh').then((response) => response)
          await until(() => twilio.requests.length === 1)
          mock.timers.tick(1000)
          assert.equal((await patient).status, 200)
        })
        answer.open()
        while ((await visitor.get('/fresh')).status === 200);
        assert.equal('twilioTokens' in stored(site), false)
      })

      it('are waited for once more after Twilio was quick', async () => {
        const answer = gate()
        twilio.behave = rotating()
        const site = sessionApp(twilio)
        const quick = await visitorWith(site.app, ending())
        await withClock(['setTimeout'], async () => {
          assert.equal(jsonOf<TwilioTokens>(await quick.get('/fresh')).accessToken, 'access-1')
          mock.timers.tick(5000)
          twilio.behave = held(rotating(), answer)
          const visitor = await visitorWith(site.app, ending({ accessToken: 'of another' }))
          const patient = visitor.get('/fresh').then((response) => response)
          await until(() => twilio.requests.length === 2)
          mock.timers.tick(999)
          assert.equal(await answered(patient, visitor), 'waiting')
          answer.open()
          assert.equal(jsonOf<TwilioTokens>(await patient).accessToken, 'access-1')
        })
      })

      it('and have ended, are waited for', async () => {
        const answer = gate()
        twilio.behave = held(rotating(), answer)
        const visitor = await visitorWith(sessionApp(twilio).app, ended())
        await withClock(['setTimeout'], async () => {
          const waiting = visitor.get('/fresh').then((response) => response)
          await until(() => twilio.requests.length === 1)
          mock.timers.tick(5000)
          assert.equal(await answered(waiting, visitor), 'waiting')
          answer.open()
          assert.equal(jsonOf<TwilioTokens>(await waiting).accessToken, 'access-1')
        })
      })
    })
  })

  describe('when another process takes too long to refresh them', () => {
    it('and have ended, are waited for no longer than a call to Twilio may take', async () => {
      const never = mock.fn(() => new Promise<never>(() => undefined))
      const site = sessionApp(twilio, { client: { timeout: 2000 }, tokens: { refreshes: { once: never } } })
      const visitor = await visitorWith(site.app, ended())
      await withClock(['setTimeout'], async () => {
        const waiting = visitor.get('/fresh').then((response) => response)
        await until(() => never.mock.callCount() === 1)
        mock.timers.tick(2100)
        assert.equal((await waiting).status, 503)
      })
      assert.match(String(site.errors[0]?.cause), /^TwilioTimeoutError: Another process/)
    })
  })

  describe('when the app has answered before they are there', () => {
    const troubles = new Troubles()
    beforeEach(() => troubles.watch())
    afterEach(() => troubles.unwatch())

    for (const [what, answer] of [
      ['are there at last', rotating()],
      ['are refused', INVALID_GRANT],
      ['cannot be had', BUSY]
    ] as const) {
      it(`nothing happens to the process, nor to the answer, when they ${what}`, async () => {
        const [limit, answering] = [gate(), gate()]
        twilio.behave = held(answer, answering)
        const site = sessionApp(twilio, {
          routes: (app) =>
            app.use('/fresh', (_req, res, next) => {
              void limit.opened.then(() => res.status(504).send('too slow'))
              next()
            })
        })
        const visitor = await visitorWith(site.app, ended())
        const waiting = visitor.get('/fresh').then((response) => response)
        await until(() => twilio.requests.length === 1)
        limit.open()
        assert.equal((await waiting).status, 504)
        answering.open()
        const get = mock.method(site.store, 'get')
        await until(() => get.mock.callCount() + site.errors.length > 0)
        await turns()
        assert.deepEqual(await troubles.take(), [])
        assert.deepEqual(site.errors.map(({ name }) => name).filter((name) => name !== 'Error'), answer === BUSY ? ['TwilioUnavailableError'] : [])
      })
    }

    it('and what is thrown further on is an error of the app, and not of the process', async () => {
      const { tokens } = sessionApp(twilio)
      const [broken, given, destroy] = [new Error('of the app'), mock.fn(), gate()]
      for (const breaks of [1, 2]) {
        twilio.behave = rotating()
        given.mock.resetCalls()
        const { claims: _claims, ...kept } = ended({ accessToken: `access-0-${breaks}` })
        const next = (error?: unknown) => {
          given(error)
          if (given.mock.callCount() <= breaks) throw broken
        }
        tokens.fresh()({ session: { twilioTokens: kept } } as never, { destroy: destroy.open } as never, next)
        await until(() => given.mock.callCount() === 2)
        assert.deepEqual(given.mock.calls.map((call) => call.arguments as unknown[]), [[undefined], [broken]])
      }
      await destroy.opened
      assert.deepEqual(await troubles.take(), [])
    })
  })

  describe('whose refresh Twilio refuses', () => {
    it('are dropped, and an API call is answered 401', async () => {
      twilio.behave = INVALID_GRANT
      for (const tokens of [ended(), ending()]) {
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, tokens)
        const response = await visitor.get('/guarded').set('Accept', 'application/json').expect(401)
        assert.match(String(response.headers['www-authenticate']), /^Bearer/)
        assert.equal(jsonOf<{ error: string }>(response).error, 'login_required')
        assert.equal('twilioTokens' in stored(site), false)
      }
    })

    it('are dropped, and a browser is sent to log in, and comes back', async () => {
      twilio.behave = INVALID_GRANT
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended())
      const { headers } = await visitor.get('/guarded?page=2').set('Accept', 'text/html').expect(302)
      assert.equal(headers.location, '/login')
      const { twilioTokens, returnTo } = stored(site)
      assert.deepEqual([twilioTokens, returnTo], [undefined, '/guarded?page=2'])
    })

    it('are replaced, where another process was first and left its own in the session', async () => {
      const answer = gate()
      twilio.behave = held(INVALID_GRANT, answer)
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended())
      const waiting = visitor.get('/fresh').then((response) => response)
      await until(() => twilio.requests.length === 1)
      await visitor.post('/keep').send(tokensOf({ accessToken: 'newer', refreshToken: 'newer' })).expect(200)
      answer.open()
      assert.equal(jsonOf<TwilioTokens>(await waiting).accessToken, 'newer')
      assert.equal((stored(site).twilioTokens as TwilioTokens).refreshToken, 'newer')
    })

    it('are not replaced by ones that have ended themselves', async () => {
      const answer = gate()
      twilio.behave = held(INVALID_GRANT, answer)
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended())
      const waiting = visitor.get('/fresh').then((response) => response)
      await until(() => twilio.requests.length === 1)
      await visitor.post('/keep').send(ended({ accessToken: 'newer', refreshToken: 'newer' })).expect(200)
      answer.open()
      assert.equal((await waiting).status, 401)
    })

    for (const [what, status, answer] of [
      ["the app's own credentials", 401, { code: 20003, message: 'Authentication Error', status: 401 }],
      ['what the app may not do', 403, { code: 20403, message: 'Forbidden', status: 403 }],
      ['an app that is not there any more', 404, { code: 20404, message: 'Not found', status: 404 }],
      ['an app of another kind', 400, { error: 'unauthorized_client' }],
      ['how the app asks', 400, { error: 'invalid_request' }],
      ['what nobody has heard of', 400, { error: 'not_today' }],
      ['how the app asks, which is told with status 200', 200, { error: 'unsupported_grant_type' }]
    ] as const) {
      it(`because of ${what}, stay in the session until that is mended, and are used while they live`, async () => {
        twilio.behave = json(status, answer)
        const site = sessionApp(twilio)
        const dead = await visitorWith(site.app, ended())
        await dead.get('/guarded').set('Accept', 'text/html').expect(302)
        assert.equal((stored(site).twilioTokens as TwilioTokens).refreshToken, 'refresh-0')
        const living = await visitorWith(site.app, ending({ refreshToken: 'refresh-living' }))
        assert.equal(jsonOf<TwilioTokens>(await living.get('/fresh').expect(200)).accessToken, 'access-0')
        twilio.behave = rotating()
        assert.equal(jsonOf<TwilioTokens>(await dead.get('/fresh').expect(200)).accessToken, 'access-1')
      })
    }
  })

  describe('of somebody who logs out during a refresh', () => {
    /** Asks for a page whose tokens are being refreshed, logs out, and only then lets Twilio answer. */
    async function logOutDuring(visitor: ReturnType<typeof request.agent>, page: string, logout: string, answer: TwilioServer['behave'] = rotating()): Promise<request.Response> {
      const answering = gate()
      twilio.behave = held(answer, answering)
      const waiting = visitor.get(page).set('Accept', 'text/html').then((response) => response)
      await until(() => twilio.requests.length === 1)
      await visitor.post(logout).expect(200)
      answering.open()
      return waiting
    }

    /** A page that saves something else in the session, and a logout as Passport does it. */
    const routes: SessionAppOptions['routes'] = (app, tokens) => {
      app.get('/note', requireLogin({ loginPath: '/login' }), tokens.fresh(), (req, res) => {
        Object.assign(req.session, { note: 'taken' })
        res.json(null)
      })
      app.post('/logout', withPassport, tokens.drop(), (req, res, next) => req.logout((error: unknown) => (error ? next(error) : res.json(null))))
      app.post('/logout-halfway', withPassport, tokens.drop(), (req, res, next) => {
        req.session.regenerate = () => req.session
        req.logout(next)
        res.json(null)
      })
    }

    it('do not come back: with the session', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended())
      assert.equal((await logOutDuring(visitor, '/fresh', '/destroy')).status, 401)
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-|somebody/)
      await visitor.get('/fresh').expect(401)
    })

    it('do not come back: while the session goes on', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended())
      assert.equal((await logOutDuring(visitor, '/fresh', '/drop')).status, 200, 'the request itself was begun before')
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-/)
      await visitor.get('/fresh').expect(401)
    })

    it('do not come back with something else that the request saves', async () => {
      const site = sessionApp(twilio, { routes })
      const visitor = await visitorWith(site.app, ended())
      await logOutDuring(visitor, '/note', '/drop')
      const { note, twilioTokens } = stored(site)
      assert.deepEqual([note, twilioTokens], ['taken', undefined])
    })

    for (const [how, answer] of [
      ['is answered', rotating()],
      ['is refused', INVALID_GRANT],
      ['is refused for the app', json(400, { error: 'unauthorized_client' })]
    ] as const) {
      it(`do not come back, nor does the login, when the refresh ${how} after Passport has renewed the session (SEC-30)`, async () => {
        const site = sessionApp(twilio, { routes })
        const visitor = await visitorWith(site.app, ended())
        await visitor.put('/session').send({ passport: { user: 'somebody' }, cart: 'of somebody' }).expect(200)
        const { status, headers } = await logOutDuring(visitor, '/note', '/logout', answer)
        assert.deepEqual([status, headers.location], [302, '/login'])
        assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-|somebody|taken/)
        const left = sessionsIn(site.store).map((session) => Object.keys(JSON.parse(session) as object).sort().join())
        assert.deepEqual(left.sort(), ['cookie', 'cookie,returnTo'], 'the new session, and of the old one the way back')
      })
    }

    it('do not come back when Passport has logged out, and has not renewed the session yet', async () => {
      const site = sessionApp(twilio, { routes })
      const visitor = await visitorWith(site.app, ended())
      await visitor.put('/session').send({ passport: { user: 'somebody' }, cart: 'stays' }).expect(200)
      assert.equal((await logOutDuring(visitor, '/note', '/logout-halfway')).status, 302)
      const { passport: login, twilioTokens, cart } = stored(site)
      assert.deepEqual([login, twilioTokens, cart], [undefined, undefined, 'stays'])
    })
  })

  describe('of a session that gets others during a refresh', () => {
    for (const [what, others, afterwards] of [
      ['that live', tokensOf({ accessToken: 'of another login', refreshToken: 'refresh-other' }), 'of another login'],
      ['that have ended, and are refreshed in their turn', ended({ accessToken: 'of another login', refreshToken: 'refresh-other' }), 'refreshed-too']
    ] as const) {
      it(`are not saved over those, ${what}`, async () => {
        const answering = gate()
        twilio.behave = held(rotating(), answering)
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, ended())
        const waiting = visitor.get('/fresh').then((response) => response)
        await until(() => twilio.requests.length === 1)
        await visitor.post('/keep').send(others).expect(200)
        twilio.behave = json(201, { access_token: 'refreshed-too', expires_in: 3600 })
        answering.open()
        assert.equal(jsonOf<TwilioTokens>(await waiting).accessToken, afterwards)
        assert.equal((stored(site).twilioTokens as TwilioTokens).accessToken, afterwards)
      })
    }

    it('that cannot be read here leave them to whoever can, and are used once', async () => {
      const answering = gate()
      twilio.behave = held(rotating(), answering)
      const site = sessionApp(twilio, { tokens: { secret: 'one secret' } })
      const visitor = await visitorWith(site.app, ended())
      const waiting = visitor.get('/fresh').then((response) => response)
      await until(() => twilio.requests.length === 1)
      await visitor.put('/session').send({ twilioTokens: 'sealed with a newer secret' }).expect(200)
      answering.open()
      assert.equal(jsonOf<TwilioTokens>(await waiting).accessToken, 'access-1')
      assert.equal(stored(site).twilioTokens, 'sealed with a newer secret')
    })
  })

  describe('when the session store is in trouble', () => {
    it('at saving, are used all the same, with one warning', async () => {
      const site = sessionApp(twilio)
      for (let login = 0; login < 2; login++) {
        twilio.behave = rotating()
        const visitor = await visitorWith(site.app, ended({ accessToken: `access-0-${login}` }))
        const set = mock.method(site.store, 'set', (_id: string, _session: session.SessionData, done?: (error?: unknown) => void) => done?.(new Error('the disk is full')), { times: 1 })
        assert.equal(jsonOf<TwilioTokens>(await visitor.get('/fresh').expect(200)).accessToken, 'access-1')
        assert.equal(set.mock.callCount() > 0, true)
      }
      assert.deepEqual(site.warnings.length, 1)
      assert.match(site.warnings[0] ?? '', /could not be saved at once/)
    })

    it('at reading, go on with the copy of the request', async () => {
      const answer = gate()
      twilio.behave = held(rotating(), answer)
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, ended())
      const waiting = visitor.get('/fresh').then((response) => response)
      await until(() => twilio.requests.length === 1)
      const get = mock.method(site.store, 'get', (_id: string, done: (error: unknown) => void) => done(new Error('the network is down')), { times: 1 })
      answer.open()
      assert.equal((await waiting).status, 200)
      assert.equal(get.mock.callCount(), 1)
      assert.equal((stored(site).twilioTokens as TwilioTokens).accessToken, 'access-1')
    })
  })
})

/** Lets what is under way come to its end, as far as it waits for nothing from outside. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Passport's own `req.logout`, for whoever the session says is logged in. */
const withPassport: RequestHandler = (() => {
  const authenticator = new passport.Passport()
  authenticator.deserializeUser((_user: unknown, done) => done(null, { id: 'somebody' }))
  return authenticator.session() as RequestHandler
})()

const asIfLoggedIn: RequestHandler = (req, _res, next) => {
  req.authInfo = { tokens: tokensOf() }
  next()
}

/** Has its session loaded, and saves it much later. */
function slow(loaded: { open(): void }, finish: { opened: Promise<void> }): RequestHandler {
  return async (req, res) => {
    loaded.open()
    await finish.opened
    Object.assign(req.session, { report: 'done' })
    res.end()
  }
}

/** Somebody whose session already holds something. */
async function visitorWithSession(app: SessionApp['app'], session: Readonly<Record<string, unknown>>): Promise<ReturnType<typeof request.agent>> {
  const { cookie: _cookie, ...data } = session
  const visitor = request.agent(app)
  await visitor.put('/session').send(data).expect(200)
  return visitor
}
