import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { mock } from 'node:test'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import request from 'supertest'
import { LoginStateError, requireLogin, TwilioStrategy, type TwilioProfile, type TwilioStrategyOptions, type Verify } from '../../lib'
import { ConcurrencyLimit, TooManyLoginsError } from '../../lib/login/concurrency-limit'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate'
import { withClock } from '../support/clock'
import { CLIENT_ID, CLIENT_SECRET, idClaims, unsigned } from '../support/jwt'
import { CALLBACK_URL, loginApp, sessionsIn, Visitor, type LoginApp, type LoginAppOptions } from '../support/login-app'
import { json, TwilioServer } from '../support/twilio-server'

const TOKENS = { access_token: unsigned({ sub: 'trn:us1:iam:user:US1' }), refresh_token: 'a-refresh-token', token_type: 'bearer', expires_in: 3600 }
const PROFILE: TwilioProfile = { provider: 'twilio', id: 'mine', displayName: 'Mine', _json: {}, _raw: '' }
const CALLBACK_PATH = '/auth/twilio/callback'
const giveUser: Verify = (_accessToken, _refreshToken, profile, done) => done(null, { id: profile?.id })

describe('TwilioStrategy in an application', () => {
  let twilio: TwilioServer
  beforeEach(async () => {
    twilio = await TwilioServer.start(json(201, TOKENS))
  })
  afterEach(() => twilio.stop())

  const strategyOptions = (): TwilioStrategyOptions => ({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url })
  const stateOf = (location: unknown) => new URL(String(location)).searchParams.get('State') ?? ''

  /** Never called: no visitor in these tests reaches Twilio's page. */
  const nobody = { login: () => Promise.reject(new Error('not called')) }

  function setUp(options: LoginAppOptions = {}): LoginApp & { visitor: Visitor } {
    const app = loginApp({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, url: twilio.url }, options)
    return { ...app, visitor: new Visitor(app.app, nobody) }
  }

  /** An app that answers a login with the user and the info from Passport. */
  function appFor(...strategies: TwilioStrategy[]) {
    const app = express().use(express.urlencoded()).use(session({ secret: 's', resave: false, saveUninitialized: false }))
    for (const [index, strategy] of strategies.entries()) {
      const authenticate = new passport.Passport().use(strategy).authenticate('twilio', { session: false }) as RequestHandler
      app.use(`/${index}`, authenticate, (req, res) => res.json({ user: req.user, info: { ...req.authInfo, tokens: undefined } }))
    }
    const onError: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, _next) => res.status(error.status ?? 500).json({ name: error.name, message: error.message })
    return request.agent(app.use(onError))
  }

  async function logIn(agent: ReturnType<typeof appFor>) {
    const begun = await agent.get('/0')
    return begun.status === 302 ? agent.get(`/0?code=c&state=${stateOf(begun.headers.location)}`) : begun
  }

  async function bodyOf(strategy: TwilioStrategy): Promise<unknown> {
    const { body } = (await logIn(appFor(strategy))) as { body: unknown }
    return body
  }

  describe('with async functions', () => {
    /** A strategy with another `userProfile`. */
    function withProfile(load: () => Promise<TwilioProfile>): TwilioStrategy {
      class Mine extends TwilioStrategy {
        override async userProfile(_accessToken: string, _done: unknown): Promise<TwilioProfile> {
          return load()
        }
      }
      return new Mine(strategyOptions(), giveUser)
    }
    const fail = () => Promise.reject(new Error('the database is gone'))

    it('uses the profile that an async userProfile resolves to, and passes its rejection to next', async () => {
      const good = await logIn(appFor(withProfile(() => Promise.resolve(PROFILE))))
      assert.deepEqual(good.body, { user: { id: 'mine' }, info: {} })
      const bad = await logIn(appFor(withProfile(fail)))
      assert.deepEqual([bad.status, bad.body], [500, { name: 'Error', message: 'the database is gone' }])
    })

    it('uses the profile of an async userProfile without a done parameter', async () => {
      class Mine extends TwilioStrategy {
        override userProfile(_accessToken: string): Promise<TwilioProfile> {
          return Promise.resolve(PROFILE)
        }
      }
      assert.deepEqual((await logIn(appFor(new Mine(strategyOptions(), giveUser)))).body, { user: { id: 'mine' }, info: {} })
    })

    it('has no profile if an async userProfile without a done parameter resolves to nothing, and waits for done if it has one', async () => {
      class Nobody extends TwilioStrategy {
        override userProfile(_accessToken: string): Promise<undefined> {
          return Promise.resolve(undefined)
        }
      }
      class Later extends TwilioStrategy {
        override userProfile(_accessToken: string, done: (error?: unknown, profile?: TwilioProfile) => void): Promise<undefined> {
          setImmediate(done, null, PROFILE)
          return Promise.resolve(undefined)
        }
      }
      assert.deepEqual(await bodyOf(new Nobody(strategyOptions(), giveUser)), { user: {}, info: {} })
      assert.deepEqual(await bodyOf(new Later(strategyOptions(), giveUser)), { user: { id: 'mine' }, info: {} })
    })

    it('uses what an async skipUserProfile resolves to, and passes its rejection to next', async () => {
      const skips: [NonNullable<TwilioStrategyOptions['skipUserProfile']>, string | undefined][] = [
        [() => Promise.resolve(true), undefined],
        [() => Promise.resolve(false), 'US1'],
        [(accessToken: string) => Promise.resolve(accessToken === TOKENS.access_token), undefined],
        [(accessToken: string) => accessToken !== TOKENS.access_token, 'US1'],
        [async (_accessToken: string, _done: unknown) => Promise.resolve(true), undefined],
        [async (_accessToken: string, _done: unknown) => Promise.resolve(false), 'US1']
      ]
      for (const [skipUserProfile, id] of skips) {
        const body = await bodyOf(new TwilioStrategy({ ...strategyOptions(), skipUserProfile }, giveUser))
        assert.deepEqual(body, { user: id === undefined ? {} : { id }, info: {} })
      }
      for (const skipUserProfile of [fail, (_accessToken: string, _done: unknown) => fail()]) {
        assert.equal((await logIn(appFor(new TwilioStrategy({ ...strategyOptions(), skipUserProfile }, giveUser)))).status, 500)
      }
    })

    it('uses what the async functions of a state store resolve to, and passes their rejections to next', async () => {
      const withStore = (store: object) => logIn(appFor(new TwilioStrategy({ ...strategyOptions(), store }, giveUser)))
      const store = async (_req: unknown, _done?: unknown) => Promise.resolve('the-state')
      const verify = async (_req: unknown, state: string, _done?: unknown) => Promise.resolve(state === 'the-state')
      assert.equal((await withStore({ store, verify })).status, 200)
      assert.equal((await withStore({ store: (_req: unknown) => Promise.resolve('the-state'), verify: (_req: unknown, _state: string) => Promise.resolve(true) })).status, 200)
      assert.equal((await withStore({ store, verify: (_req: unknown, _state: string) => Promise.resolve(false) })).status, 403)
      assert.equal((await withStore({ store, verify: (_req: unknown, _state: string) => Promise.resolve() })).status, 403)
      assert.match(JSON.stringify((await withStore({ store: (_req: unknown) => Promise.resolve(), verify })).body), /The state store returned no state/)
      for (const failing of [{ store: fail, verify }, { store, verify: fail }, { store, verify: (_req: unknown, _state: string, _meta: unknown, _done: unknown) => fail() }]) {
        assert.equal((await withStore(failing)).status, 500)
      }
    })

    it('uses the user that an async verify with a done parameter resolves to', async () => {
      const verify: Verify = async (_accessToken, _refreshToken, profile, _done) => Promise.resolve({ id: profile?.id })
      assert.deepEqual((await logIn(appFor(new TwilioStrategy(strategyOptions(), verify)))).body, { user: { id: 'US1' }, info: {} })
    })
  })

  it("has the ID token's profile, unless userProfile is overridden", async () => {
    twilio.behave = json(201, { ...TOKENS, id_token: unsigned(idClaims({ sub: 'trn:us1:iam:user:US2' })) })
    assert.deepEqual(await bodyOf(new TwilioStrategy(strategyOptions(), giveUser)), { user: { id: 'US2' }, info: {} })
  })

  it('sends no parameter of authorizationParams that is null or undefined', async () => {
    class Mine extends TwilioStrategy {
      override authorizationParams(): object {
        return { prompt: 'login', login_hint: null, audience: undefined }
      }
    }
    const { headers } = await appFor(new Mine(strategyOptions(), giveUser)).get('/0')
    const names = [...new URL(String(headers.location)).searchParams.keys()]
    assert.deepEqual([names.includes('prompt'), names.includes('login_hint'), names.includes('Audience')], [true, false, false])
  })

  it('converts a string that verify passes as info into an object with a message', async () => {
    const body = await bodyOf(new TwilioStrategy(strategyOptions(), (_a, _r, _p, done) => done(null, {}, 'welcome')))
    assert.deepEqual(body, { user: {}, info: { message: 'welcome' } })
  })

  it('passes an error to next, and stores nothing, if state is not a JSON value', async () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    for (const state of [{ big: 1n }, 1n, () => 'x', Symbol('x'), cycle]) {
      const { app, store, errors } = setUp({ authenticate: { state } })
      await request(app).get('/auth/twilio').expect(500)
      assert.ok(errors[0] instanceof TypeError)
      assert.match(errors[0].message, /^state must be a JSON value/)
      assert.deepEqual(sessionsIn(store), [])
    }
  })

  it('accepts a URL object as callbackURL, of the strategy and of the route', async () => {
    const sentTo = async (options: LoginAppOptions) => new URL(await setUp(options).visitor.begin()).searchParams.get('RedirectUri')
    assert.equal(await sentTo({ strategy: { callbackURL: new URL('https://app.example/cb') } }), 'https://app.example/cb')
    assert.equal(await sentTo({ authenticate: { callbackURL: new URL('https://app.example/other') } }), 'https://app.example/other')
  })

  it('sends an absolute callbackURL as it is registered, and completes any path', async () => {
    const sentTo = async (callbackURL: string) => new URL(await setUp({ strategy: { callbackURL } }).visitor.begin()).searchParams.get('RedirectUri')
    for (const url of ['https://App.example', 'HTTPS://app.example:443/cb', 'http://app.example/a/../cb']) assert.equal(await sentTo(url), url)
    assert.match((await sentTo('/auth:twilio/cb')) ?? '', /^http:\/\/127\.0\.0\.1:\d+\/auth:twilio\/cb$/)
  })

  it("checks the route's callbackURL like the option", async () => {
    for (const callbackURL of ['localhost:3000/cb', '//evil.example/cb', 'javascript:https://app.example/cb', 'cb', '', 7 as unknown as string]) {
      const { app, errors } = setUp({ authenticate: { callbackURL } })
      await request(app).get('/auth/twilio').expect(500)
      assert.match(errors[0]?.message ?? '', /^callbackURL (?:must be|is missing)/)
    }
  })

  it('begins a login for a form with a field named code', async () => {
    const agent = appFor(new TwilioStrategy(strategyOptions(), giveUser))
    const { headers } = await agent.post('/0').type('form').send({ code: 'the code of a voucher' }).expect(302)
    assert.ok(String(headers.location).startsWith(`${twilio.url}/v1/authorize?`))
    await agent.post('/0').type('form').send({ code: 'c', state: stateOf(headers.location) }).expect(200)
  })

  it("refuses a callback with an error and without a valid state, and keeps Twilio's reason on the error", async () => {
    const { visitor, errors } = setUp()
    for (const [query, reason] of [
      ['', 'missing'],
      [`&state=${'A'.repeat(44)}`, 'unknown']
    ] as const) {
      await visitor.get(`${CALLBACK_PATH}?error=unauthorized_client&error_description=Not%0Athis%20app${query}`).expect(403)
      const error = errors.pop()
      assert.ok(error instanceof LoginStateError)
      const cause = error.cause as Error & { code: string }
      assert.deepEqual([error.reason, cause.name, cause.code, cause.message], [reason, 'AuthorizationError', 'unauthorized_client', 'Twilio refused the login with unauthorized_client: Not this app.'])
    }
    await visitor.get(`${CALLBACK_PATH}?code=c`).expect(403)
    assert.equal(errors[0]?.cause, undefined)
  })

  it("refuses a login that another client's strategy began in the same session, and sends its code nowhere", async () => {
    for (const sessionKey of [undefined, 'shared']) {
      const options = { ...strategyOptions(), sessionKey }
      const agent = appFor(new TwilioStrategy(options, giveUser), new TwilioStrategy({ ...options, clientID: `OQ${'b'.repeat(32)}` }, giveUser))
      const state = stateOf((await agent.get('/0')).headers.location)
      await agent.get(`/1?code=c&state=${state}`).expect(403)
      assert.equal(twilio.requests.length, 0)
      await agent.get(`/0?code=c&state=${state}`).expect(200)
      twilio.requests.length = 0
    }
  })

  it('refuses a login that was begun for another callback URL of the same client', async () => {
    const agent = appFor(new TwilioStrategy(strategyOptions(), giveUser), new TwilioStrategy({ ...strategyOptions(), callbackURL: 'https://app.example/other' }, giveUser))
    const state = stateOf((await agent.get('/0')).headers.location)
    await agent.get(`/1?code=c&state=${state}`).expect(403)
    await agent.get(`/0?code=c&state=${state}`).expect(200)
  })

  it('keeps pending logins of different clients under different session keys', async () => {
    for (const clientID of [`OQ${'a'.repeat(32)}`, `OQ${'b'.repeat(32)}`]) {
      const { visitor, store } = setUp({ strategy: { clientID } })
      await visitor.begin()
      assert.deepEqual(Object.keys(JSON.parse(sessionsIn(store)[0] ?? '') as object), ['cookie', `oauth2:127.0.0.1:${clientID}`])
    }
  })

  it('drops the ninth pending login of a session, and those older than ten minutes, by default', async () => {
    const { visitor, errors } = setUp()
    const finish = (state: string | undefined) => visitor.get(`${CALLBACK_PATH}?error=access_denied&state=${state}`)
    await withClock(['Date'], async () => {
      const states: string[] = []
      for (let login = 0; login < 9; login++) states.push(stateOf(await visitor.begin()))
      await finish(states[0]).expect(403)
      await finish(states[1]).expect(302)
      mock.timers.tick(10 * 60_000 - 1)
      await finish(states[2]).expect(302)
      mock.timers.tick(1)
      await finish(states[3]).expect(403)
    })
    assert.deepEqual(errors.map((error) => error instanceof LoginStateError && error.reason), ['unknown', 'expired'])
  })

  it('keeps the newest pending login only if maxPendingLogins is 1', async () => {
    const { visitor, errors } = setUp({ strategy: { maxPendingLogins: 1 } })
    const [first, second] = [stateOf(await visitor.begin()), stateOf(await visitor.begin())]
    await visitor.get(`${CALLBACK_PATH}?code=c&state=${first}`).expect(403)
    await visitor.get(`${CALLBACK_PATH}?code=c&state=${second}`).expect(302)
    assert.deepEqual(errors.map((error) => error instanceof LoginStateError && error.reason), ['unknown'])
  })

  it('answers every request of a login with no-store and no-referrer', async () => {
    const { app, visitor } = setUp()
    const isPrivate = ({ headers }: request.Response) => assert.deepEqual([headers['cache-control'], headers['referrer-policy']], ['no-store', 'no-referrer'])
    const begun = await visitor.get('/auth/twilio').expect(302)
    isPrivate(begun)
    isPrivate(await visitor.get(`${CALLBACK_PATH}?error=access_denied&state=${stateOf((await visitor.get('/auth/twilio')).headers.location)}`).expect(302))
    isPrivate(await visitor.get(`${CALLBACK_PATH}?code=c&state=${stateOf(begun.headers.location)}`).expect(302))
    const refused = await visitor.get(`${CALLBACK_PATH}?code=c`).expect(403)
    isPrivate(refused)
    assert.equal(refused.headers['retry-after'], undefined)
    isPrivate(await visitor.get(`${CALLBACK_PATH}?code=c&code=c`).expect(400))
    isPrivate(await request(app).head('/auth/twilio').expect(400))
    const withoutErrorHandler = express().use(session({ secret: 's', resave: false, saveUninitialized: false })).use(new passport.Passport().use(new TwilioStrategy(strategyOptions(), giveUser)).authenticate('twilio') as RequestHandler)
    isPrivate(await request(withoutErrorHandler.set('env', 'test')).get('/?code=c').expect(403))
  })

  it("closes the connection if the application's error handler throws outside of Express", async () => {
    const authenticate = new passport.Passport().use(new TwilioStrategy(strategyOptions(), giveUser)).authenticate('twilio') as unknown as (req: object, res: object, next: () => void) => void
    const server = http.createServer((req, res) =>
      authenticate(req, res, () => {
        throw new Error('the error handler is broken')
      })
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      await assert.rejects(fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?code=c`), /fetch failed/)
    } finally {
      server.close()
    }
  })

  describe('with too many logins at once', () => {
    it('exchanges at most 250 codes at once, answers 503 with Retry-After, and can finish those logins later', async () => {
      const { app, errors } = setUp()
      const pending: (() => void)[] = []
      let isBusy: () => void = () => undefined
      const busy = new Promise<void>((resolve) => (isBusy = resolve))
      twilio.behave = (heard, response, socket) => {
        pending.push(() => json(201, TOKENS)(heard, response, socket))
        if (pending.length === 250) isBusy()
      }
      const server = http.createServer(app)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      try {
        const visitors = Array.from({ length: 251 }, () => request.agent(server))
        const callbacks = await Promise.all(visitors.map(async (visitor) => `${CALLBACK_PATH}?code=c&state=${stateOf((await visitor.get('/auth/twilio')).headers.location)}`))
        const answers = visitors.slice(0, 250).map((visitor, index) => visitor.get(callbacks[index] ?? '').then(({ status }) => status))
        await busy
        const refused = await visitors[250]?.get(callbacks[250] ?? '')
        assert.deepEqual([refused?.status, refused?.headers['retry-after']], [503, '5'])
        assert.match(errors[0]?.message ?? '', /^Too many people are logging in at the moment\./)
        assert.equal(pending.length, 250)
        for (const answer of pending) answer()
        assert.ok((await Promise.all(answers)).every((status) => status === 302))
        twilio.behave = json(201, TOKENS)
        assert.equal((await visitors[250]?.get(callbacks[250] ?? ''))?.status, 302)
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })

    it('requests at most 250 login pages from Twilio at once with resolveAuthorizeURL', async () => {
      const { app } = setUp({ strategy: { resolveAuthorizeURL: true } })
      const pending: (() => void)[] = []
      let isBusy: () => void = () => undefined
      const busy = new Promise<void>((resolve) => (isBusy = resolve))
      twilio.behave = ({ query }, response) => {
        pending.push(() => response.writeHead(302, { Location: `${twilio.url}/log-in?${query.toString()}` }).end())
        if (pending.length === 250) isBusy()
      }
      const server = http.createServer(app)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      try {
        const answers = Array.from({ length: 250 }, () => request(server).get('/auth/twilio').then(({ status }) => status))
        await busy
        await request(server).get('/auth/twilio').expect(503).expect('Retry-After', '5')
        for (const answer of pending) answer()
        assert.ok((await Promise.all(answers)).every((status) => status === 302))
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })

    it('counts an exchange that fails as finished', async () => {
      const limit = new ConcurrencyLimit(1)
      await assert.rejects(limit.run(() => Promise.reject(new Error('failed'))), /failed/)
      let finish: () => void = () => undefined
      const running = limit.run(() => new Promise<void>((resolve) => (finish = resolve)))
      await assert.rejects(limit.run(() => assert.fail('it was called')), (error) => error instanceof TooManyLoginsError && error.code === 'temporarily_unavailable')
      finish()
      await running
      assert.equal(await limit.run(() => Promise.resolve('done')), 'done')
    })

    it('are not used up by callbacks that wait for the app to check their state', async () => {
      let isHung = true
      const store = {
        store: (_req: unknown, ...more: unknown[]) => {
          const done = more.at(-1) as (error: null, state: string) => void
          done(null, 'state')
        },
        verify: (_req: unknown, _state: unknown, ...more: unknown[]) => {
          const done = more.at(-1) as (error: null, ok: boolean) => void
          if (!isHung) done(null, true)
        }
      }
      const { app } = setUp({ strategy: { store } })
      const server = app.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const hung = Array.from({ length: 300 }, () => http.get({ port, path: `${CALLBACK_PATH}?code=made-up-code&state=state` }).on('error', () => undefined))
      try {
        await once(server, 'request')
        while ((await new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)))) < 300) await new Promise(setImmediate)
        isHung = false
        await request(app).get(`${CALLBACK_PATH}?code=code-of-a-person&state=state`).expect(302)
      } finally {
        for (const one of hung) one.destroy()
        server.closeAllConnections()
        server.close()
      }
    })
  })

  describe('with HTTP/2', () => {
    it('completes a callbackURL that is a path from :authority', async () => {
      const strategy = new TwilioStrategy({ ...strategyOptions(), callbackURL: CALLBACK_PATH }, giveUser)
      const authenticate = new passport.Passport().use(strategy).authenticate('twilio', { session: false }) as unknown as (req: object, res: object, next: (error?: unknown) => void) => void
      const server = http2.createSecureServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, (req, res) => {
        Object.assign(req, { session: {} })
        authenticate(req, res, (error) => res.end(String(error)))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const origin = `https://localhost:${(server.address() as AddressInfo).port}`
      const client = http2.connect(origin, { ca: CERTIFICATE })
      try {
        const headers = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => client.request({ ':path': '/auth/twilio' }).on('response', resolve).on('error', reject))
        assert.equal(new URL(String(headers.location)).searchParams.get('RedirectUri'), origin + CALLBACK_PATH)
      } finally {
        client.close()
        await new Promise((resolve) => server.close(resolve))
      }
    })
  })

  describe('behind a proxy that strips a path prefix', () => {
    const forwarded = { Host: 'inner:3000', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'app.example', 'X-Forwarded-Prefix': '/shop' }

    it('adds X-Forwarded-Prefix to the callbackURL, the login path and the requested page if the proxy is trusted', async () => {
      const { app } = setUp({ strategy: { callbackURL: CALLBACK_PATH } })
      app.set('trust proxy', 1)
      const agent = request.agent(app)
      const guard = await agent.get('/account?x=1').set(forwarded).set('Accept', 'text/html').expect(302)
      assert.equal(guard.headers.location, '/shop/auth/twilio')
      const { headers } = await agent.get('/auth/twilio').set(forwarded)
      assert.equal(new URL(String(headers.location)).searchParams.get('RedirectUri'), 'https://app.example/shop/auth/twilio/callback')
      const finished = await agent.get(`${CALLBACK_PATH}?code=c&state=${stateOf(headers.location)}`).set(forwarded).expect(302)
      assert.equal(finished.headers.location, '/shop/account?x=1')
    })

    it('ignores X-Forwarded-Prefix if the proxy is not trusted', async () => {
      const { app } = setUp({ strategy: { callbackURL: CALLBACK_PATH } })
      const { headers } = await request(app).get('/auth/twilio').set(forwarded)
      assert.equal(new URL(String(headers.location)).searchParams.get('RedirectUri'), 'http://inner:3000/auth/twilio/callback')
    })

    const guarded = () => {
      const app = express().set('trust proxy', 1)
      app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }), requireLogin({ loginPath: '/auth/twilio' }), (_req, res) => void res.send('through'))
      return app
    }

    it('lets the login path through a guard of the whole app', async () => {
      const app = guarded()
      await request(app).get('/auth/twilio').set(forwarded).expect(200)
      await request(app).get('/auth/twilio/callback').set(forwarded).expect(200)
      const { headers } = await request(app).get('/page').set(forwarded).set('Accept', 'text/html').expect(302)
      assert.equal(headers.location, '/shop/auth/twilio')
    })

    it('does not let a page through because of X-Forwarded-Prefix, which a visitor may have sent', async () => {
      for (const prefix of ['/auth/twilio', '/auth/twilio/callback', '/auth']) {
        for (const path of ['/account', '/twilio/account']) await request(guarded()).get(path).set('X-Forwarded-Prefix', prefix).set('Accept', 'text/html').expect(302)
        await request(guarded()).delete('/users/7').set('X-Forwarded-Prefix', prefix).set('Accept', 'application/json').expect(401)
      }
    })
  })

  describe('with _oauth2', () => {
    class Open extends TwilioStrategy {
      get oauth2() {
        return this._oauth2
      }
    }
    class CountingAgent extends http.Agent {
      connectionCount = 0
      override createConnection(...args: Parameters<http.Agent['createConnection']>) {
        this.connectionCount++
        return super.createConnection(...args)
      }
    }
    const get = (strategy: Open, url: string) => new Promise((resolve) => strategy.oauth2.get(url, 'the-token', (...values: unknown[]) => resolve(values)))

    it('sends no token over plain http to another machine', async () => {
      const [error] = (await get(new Open(strategyOptions(), giveUser), 'http://api.example/user')) as [Error]
      assert.match(error.message, /^The URL must be an https URL, since secrets and tokens are sent there\./)
    })

    it('uses the agent of setAgent for logins, the client and get()', async () => {
      const strategy = new Open(strategyOptions(), giveUser)
      const agent = new CountingAgent()
      strategy.oauth2.setAgent(agent)
      assert.equal((await logIn(appFor(strategy))).status, 200)
      assert.equal(agent.connectionCount, 1)
      await strategy.client.refresh('r')
      assert.equal(agent.connectionCount, 2)
      await get(strategy, `${twilio.url}/x`)
      assert.equal(agent.connectionCount, 3)
      assert.throws(() => strategy.oauth2.setAgent(new https.Agent()), /^TypeError: agent is for the wrong protocol/)
    })

    it('sends customHeaders with get()', async () => {
      await get(new Open({ ...strategyOptions(), customHeaders: { 'X-Gateway-Key': 'key' } }, giveUser), `${twilio.url}/x`)
      assert.deepEqual([twilio.requests[0]?.headers['x-gateway-key'], twilio.requests[0]?.headers.authorization], ['key', 'Bearer the-token'])
    })

    it('sends the code to a tokenURL that ends with a slash as it is', async () => {
      assert.equal((await logIn(appFor(new Open({ ...strategyOptions(), tokenURL: `${twilio.url}/oauth/token/` }, giveUser)))).status, 200)
      assert.equal(twilio.requests[0]?.path, '/oauth/token/')
    })
  })
})
