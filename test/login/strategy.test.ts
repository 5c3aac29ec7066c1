import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import { AuthTokenRefresh } from 'passport-oauth2-refresh'
import request from 'supertest'
import { TwilioNetworkError, TwilioResponseError, TwilioStrategy, TwilioTokenError, type TwilioProfile, type TwilioStrategyOptions, type VerifyWithRequestAndParameters } from '../../lib'
import { fromCallback } from '../../lib/util/from-callback'
import { CLIENT_ID, CLIENT_SECRET, unsigned } from '../support/jwt'
import { CALLBACK_URL, jsonOf, loginApp, sessionsIn, Visitor, type LoginApp, type LoginAppOptions } from '../support/login-app'
import { json, TwilioServer } from '../support/twilio-server'

const PERSON = { sub: 'trn:us1:iam:user:US1', act: { sub: 'trn:us1:iam:account:AC1' } }
const TOKENS = { access_token: unsigned(PERSON), refresh_token: 'a-refresh-token', id_token: null, token_type: 'bearer', expires_in: 3600 }

interface ErrorPage {
  readonly name: string
  readonly message: string
}

describe('TwilioStrategy', () => {
  let twilio: TwilioServer
  beforeEach(async () => {
    twilio = await TwilioServer.start(json(201, TOKENS))
  })
  afterEach(() => twilio.stop())

  /** Never called: these tests request the callback themselves. */
  const nobody = { login: () => Promise.reject(new Error('nobody logs in here')) }

  function setUp(options: LoginAppOptions = {}): LoginApp & { visitor: Visitor } {
    const app = loginApp({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, url: twilio.url }, options)
    return { ...app, visitor: new Visitor(app.app, nobody) }
  }

  async function begin(visitor: Visitor): Promise<URL> {
    return new URL(await visitor.begin())
  }

  const stateOf = (url: URL) => url.searchParams.get('State') ?? url.searchParams.get('state') ?? ''

  /** The callback of a login that has just been begun. */
  async function callback(visitor: Visitor, extra = ''): Promise<string> {
    return `/auth/twilio/callback?code=the-code&state=${stateOf(await begin(visitor))}${extra}`
  }

  it('begins a login with the parameter names of v1 (SEC-38)', async () => {
    const { visitor } = setUp()
    const url = await begin(visitor)
    assert.equal(url.pathname, '/v1/authorize')
    assert.deepEqual(Object.fromEntries(url.searchParams), { ResponseType: 'code', ClientId: CLIENT_ID, RedirectUri: CALLBACK_URL, Scope: 'offline_access', State: stateOf(url) })
  })

  it('begins a login with the parameter names and PKCE of v2, and sends the verifier with the code (SEC-04)', async () => {
    const { visitor } = setUp({ strategy: { apiVersion: 'v2' } })
    const url = await begin(visitor)
    const { code_challenge: challenge, ...rest } = Object.fromEntries(url.searchParams)
    assert.deepEqual(rest, { response_type: 'code', client_id: CLIENT_ID, redirect_uri: CALLBACK_URL, scope: 'offline_access', state: stateOf(url), code_challenge_method: 'S256' })
    await visitor.get(`/auth/twilio/callback?code=c&state=${stateOf(url)}`).expect(302)
    const verifier = twilio.requests[0]?.form.get('code_verifier') ?? ''
    assert.equal(createHash('sha256').update(verifier).digest('base64url'), challenge)
  })

  it('uses PKCE on v1 with pkce: true, and not on v2 with pkce: false', async () => {
    for (const pkce of [true, 'S256'] as const) {
      const one = setUp({ strategy: { pkce } })
      const url = await begin(one.visitor)
      await one.visitor.get(`/auth/twilio/callback?code=c&state=${stateOf(url)}`).expect(302)
      assert.equal(createHash('sha256').update(twilio.requests.pop()?.form.get('CodeVerifier') ?? '').digest('base64url'), url.searchParams.get('CodeChallenge'))
    }
    const two = await begin(setUp({ strategy: { apiVersion: 'v2', pkce: false } }).visitor)
    assert.equal(two.searchParams.get('code_challenge'), null)
  })

  it('requests the scope of the strategy or the route, a string or an array', async () => {
    const scopeOf = async (options: LoginAppOptions) => (await begin(setUp(options).visitor)).searchParams.get('Scope')
    assert.equal(await scopeOf({ strategy: { scope: ['a', 'b'] } }), 'a b')
    assert.equal(await scopeOf({ strategy: { scope: ['a', 'b'], scopeSeparator: ',' } }), 'a,b')
    assert.equal(await scopeOf({ strategy: { scope: 'a' }, authenticate: { scope: ['c', 'd'] } }), 'c d')
  })

  it("returns the application's state, any JSON value, in info.state, and sends a one-time value to Twilio", async () => {
    for (const state of ['text', { cart: [1, 2], name: 'é' }, 0, false]) {
      const infos: unknown[] = []
      const visitor = setUpInfo(infos, { state })
      const oneTime = stateOf(await begin(visitor))
      assert.match(oneTime, /^[\w-]{44}$/)
      await visitor.get(`/auth/twilio/callback?code=c&state=${oneTime}`).expect(200)
      assert.deepEqual((infos[0] as { state: unknown }).state, state)
    }
  })

  it('adds the tokens to the info that verify passes', async () => {
    const infos: unknown[] = []
    const visitor = setUpInfo(infos)
    await visitor.get(await callback(visitor)).expect(200)
    const info = infos[0] as { tokens: { accessToken: string; refreshToken: string; claims: unknown }; hello: string; state?: unknown }
    assert.deepEqual([info.tokens.accessToken, info.tokens.refreshToken, info.tokens.claims, info.hello], [TOKENS.access_token, 'a-refresh-token', PERSON, 'there'])
    assert.ok(!('state' in info))
  })

  /** An app whose callback records the info that Passport passes to an application. */
  function setUpInfo(infos: unknown[], authenticate: object = {}): Visitor {
    const app = express()
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url }, (_accessToken, _refreshToken, _profile, done) =>
      done(null, { id: '1' }, { hello: 'there' })
    )
    const authenticator = new passport.Passport().use(strategy)
    app.use(session({ secret: 's', resave: false, saveUninitialized: false }))
    app.get('/auth/twilio', authenticator.authenticate('twilio', authenticate) as RequestHandler)
    app.get('/auth/twilio/callback', (req, res, next) => {
      const take = authenticator.authenticate('twilio', (error: unknown, user: unknown, info: unknown, status: unknown) => {
        infos.push(info)
        res.json({ error: error instanceof Error ? error.message : undefined, user, status })
      }) as RequestHandler
      void take(req, res, next)
    })
    return new Visitor(app, nobody)
  }

  it("is a Passport failure with Twilio's description if the person denies access", async () => {
    const infos: unknown[] = []
    const visitor = setUpInfo(infos, { state: 'mine' })
    const state = stateOf(await begin(visitor))
    const answer = await visitor.get(`/auth/twilio/callback?error=access_denied&error_description=Not%20today&state=${state}`)
    assert.equal(jsonOf<{ user: unknown }>(answer).user, false)
    assert.deepEqual(infos, [{ message: 'Not today', state: 'mine' }])
    const { visitor: redirected } = setUp()
    const denied = await redirected.get(`/auth/twilio/callback?Error=access_denied&State=${stateOf(await begin(redirected))}`)
    assert.equal(denied.headers.location, '/denied')
  })

  it('passes any other error in the callback to next, with its code', async () => {
    const { visitor, errors } = setUp()
    const state = stateOf(await begin(visitor))
    await visitor.get(`/auth/twilio/callback?error=temporarily_unavailable&error_description=Busy%0Anow&error_uri=https://x.example/&state=${state}`).expect(503)
    const [error] = errors as (Error & { code: string; uri: string })[]
    assert.deepEqual([error?.name, error?.code, error?.uri, error?.message], ['AuthorizationError', 'temporarily_unavailable', 'https://x.example/', 'Twilio refused the login with temporarily_unavailable: Busy now.'])
  })

  it('refuses an error in the callback without a valid state (SEC-03)', async () => {
    const { visitor, errors } = setUp()
    for (const query of ['error=access_denied', 'error=server_error&state=made-up', `error=access_denied&state=${'A'.repeat(44)}`]) await visitor.get(`/auth/twilio/callback?${query}`).expect(403)
    assert.ok(errors.every(({ name }) => name === 'LoginStateError'))
  })

  it('refuses a missing, forged or used state with 403, and can still finish the logins of other tabs (SEC-02)', async () => {
    const { visitor, errors } = setUp()
    const [own, denied] = [stateOf(await begin(visitor)), stateOf(await begin(visitor))]
    await visitor.get(`/auth/twilio/callback?error=access_denied&state=${denied}`).expect(302)
    for (const state of ['', `&state=${'B'.repeat(44)}`, `&state=${denied}`, `&state=${own.slice(0, -1)}`]) await visitor.get(`/auth/twilio/callback?code=c${state}`).expect(403)
    assert.deepEqual(errors.map((error) => (error as Error & { reason: string }).reason), ['missing', 'unknown', 'used', 'unknown'])
    assert.equal(twilio.requests.length, 0)
    await visitor.get(`/auth/twilio/callback?code=c&state=${own}`).expect(302)
  })

  it('refuses a code or state that is repeated or an object with 400, and can still finish the login (SEC-08)', async () => {
    for (const parser of ['simple', 'extended', false] as const) {
      const { app, visitor } = setUp()
      app.set('query parser', parser)
      const state = stateOf(await begin(visitor))
      for (const query of [`code=a&code=b&state=${state}`, `code=a&state=${state}&state=${state}`, `code[x]=a&state=${state}`, `code=a&state[x]=${state}`, `code=a&error=b&state=${state}`]) {
        const answer = await visitor.get(`/auth/twilio/callback?${query}`).expect(400)
        assert.equal(jsonOf<ErrorPage>(answer).name, 'AuthorizationError')
      }
      await visitor.get(`/auth/twilio/callback?code=c&state=${state}`).expect(302)
    }
  })

  it('does not finish a login for a HEAD request or a prefetch (SEC-09)', async () => {
    const { visitor } = setUp()
    const path = await callback(visitor)
    await visitor.agent.head(path).expect(400)
    for (const [header, value] of [
      ['Sec-Purpose', 'prefetch;prerender'],
      ['Purpose', 'prefetch'],
      ['X-Moz', 'prefetch'],
      ['X-Purpose', 'preview']
    ] as const) {
      await visitor.get(path).set(header, value).expect(400)
    }
    assert.equal(twilio.requests.length, 0)
    await visitor.get(path).expect(302)
  })

  it('finishes a login whose callback is a POST', async () => {
    const { app, agent } = poster()
    const begun = await agent.get('/').expect(302)
    const state = stateOf(new URL(String(begun.headers.location)))
    await agent.post('/').type('form').send({ code: 'c', state }).expect(200, 'US1')
    await request(app).post('/').type('form').send({ code: 'c', state }).expect(403)
  })

  /** An app that handles the login and its callback at the same path. */
  function poster() {
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url }, (_a, _r, profile, done) => done(null, { id: profile?.id }))
    const authenticate = new passport.Passport().use(strategy).authenticate('twilio', { session: false }) as RequestHandler
    const app = express()
      .use(express.urlencoded({ extended: true }))
      .use(express.json())
      .use(session({ secret: 's', resave: false, saveUninitialized: false }))
      .use(authenticate, (req, res) => res.send(req.user?.id))
    const onError: express.ErrorRequestHandler = (error: Error & { status?: number }, _req, res, _next) => res.sendStatus(error.status ?? 500)
    app.use(onError)
    return { app, agent: request.agent(app) }
  }

  it('passes an error to next that says to add session middleware if there is no session', async () => {
    const { strategy } = setUp()
    const app = express().use(new passport.Passport().use(strategy).authenticate('twilio') as RequestHandler)
    const errors: Error[] = []
    const onError: express.ErrorRequestHandler = (error: Error, _req, res, _next) => {
      errors.push(error)
      res.sendStatus(500)
    }
    app.use(onError)
    for (const path of ['/', '/?code=c&state=s']) await request(app).get(path).expect(500)
    for (const { message } of errors) assert.match(message, /There is no req\.session\. Add session middleware before this route: app\.use\(session\(/)
  })

  it('passes errors of Twilio to next by their class, and logs nobody in', async () => {
    const { visitor, errors } = setUp()
    for (const [behave, kind, status] of [
      [json(400, { error: 'invalid_grant' }), TwilioTokenError, 400],
      [json(200, null), TwilioResponseError, 502]
    ] as const) {
      twilio.behave = behave
      await visitor.get(await callback(visitor)).expect(status)
      assert.ok(errors.at(-1) instanceof kind)
    }
    twilio.behave = (_request, _response, socket) => socket.destroy()
    await visitor.get(await callback(visitor)).expect(502)
    assert.ok(errors.at(-1) instanceof TwilioNetworkError)
    await visitor.get('/account').expect(302)
  })

  it('leads to the requested page at the next login if the code exchange fails', async () => {
    const { visitor } = setUp()
    await visitor.get('/account?x=1').expect(302)
    twilio.behave = json(500, {})
    await visitor.get(await callback(visitor)).expect(500)
    twilio.behave = json(201, TOKENS)
    const { headers } = await visitor.get(await callback(visitor)).expect(302)
    assert.equal(headers.location, '/account?x=1')
  })

  it('leads to the requested page at the next login if resolveAuthorizeURL fails', async () => {
    const { visitor } = setUp({ strategy: { resolveAuthorizeURL: true } })
    await visitor.get('/account?x=1').expect(302)
    twilio.behave = json(500, {})
    await visitor.get('/auth/twilio').expect(500)
    twilio.behave = ({ query }, response) => void response.writeHead(302, { Location: `${twilio.url}/log-in?${query.toString()}` }).end()
    const path = await callback(visitor)
    twilio.behave = json(201, TOKENS)
    const { headers } = await visitor.get(path).expect(302)
    assert.equal(headers.location, '/account?x=1')
  })

  it("passes what the application's own callback throws to its error handler", async () => {
    const app = express()
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url }, (_a, _r, _p, done) => done(null, { id: '1' }))
    const authenticator = new passport.Passport().use(strategy)
    let calls = 0
    app.use(session({ secret: 's', resave: false, saveUninitialized: false }))
    app.use((req, res, next) => {
      const careless = (_error: unknown, user?: { id?: string } | false | null) => {
        calls++
        if (user) throw new Error('careless with a user')
        res.send((user as unknown as { id: string }).id)
      }
      void (authenticator.authenticate('twilio', careless) as RequestHandler)(req, res, next)
    })
    const errors: Error[] = []
    const onError: express.ErrorRequestHandler = (error: Error, _req, res, _next) => {
      errors.push(error)
      res.sendStatus(500)
    }
    app.use(onError)
    const agent = request.agent(app)
    await agent.get('/?code=c').expect(500)
    assert.match(errors[0]?.message ?? '', /Cannot read properties of undefined/)
    const begun = await agent.get('/').expect(302)
    await agent.get(`/?code=c&state=${stateOf(new URL(String(begun.headers.location)))}`).expect(500)
    assert.equal(errors[1]?.message, 'careless with a user')
    assert.equal(calls, 2, 'each outcome is passed on once')
  })

  it('does not begin a login for a HEAD request or a prefetch, and keeps the requested page', async () => {
    const { visitor } = setUp()
    await visitor.get('/account?x=1').expect(302)
    await visitor.agent.head('/auth/twilio').expect(400)
    await visitor.get('/auth/twilio').set('Sec-Purpose', 'prefetch').expect(400)
    const { headers } = await visitor.get(await callback(visitor)).expect(302)
    assert.equal(headers.location, '/account?x=1')
  })

  it('leaves no pending login in the session after a login', async () => {
    const { visitor, store } = setUp()
    await visitor.get('/account').expect(302)
    await visitor.get(await callback(visitor)).expect(302)
    const [only = ''] = sessionsIn(store)
    assert.deepEqual(Object.keys(JSON.parse(only) as object).sort(), ['cookie', 'passport', `twilioTokens:${CLIENT_ID}`])
  })

  describe('with a callbackURL that is a path', () => {
    const options: LoginAppOptions = { strategy: { callbackURL: '/auth/twilio/callback' } }
    const redirectURI = async ({ app }: LoginApp, headers: Readonly<Record<string, string>>) =>
      new URL(String((await request(app).get('/auth/twilio').set(headers)).headers.location)).searchParams.get('RedirectUri')
    const forwarded = { Host: 'inner:3000', 'X-Forwarded-Proto': 'https, http', 'X-Forwarded-Host': 'app.example' }

    it('completes it from the Host header, and ignores X-Forwarded-* headers', async () => {
      assert.equal(await redirectURI(setUp(options), forwarded), 'http://inner:3000/auth/twilio/callback')
    })

    it('completes it from X-Forwarded-* headers with the proxy option or trust proxy', async () => {
      assert.equal(await redirectURI(setUp({ strategy: { ...options.strategy, proxy: true } }), forwarded), 'https://app.example/auth/twilio/callback')
      const behind = setUp(options)
      behind.app.set('trust proxy', 1)
      assert.equal(await redirectURI(behind, forwarded), 'https://app.example/auth/twilio/callback')
    })

    it('completes it from X-Forwarded-* headers only of proxies that Express trusts (SEC-13)', async () => {
      const behind = setUp(options)
      for (const [trusted, expected] of [
        ['10.0.0.0/8', 'http://inner:3000/auth/twilio/callback'],
        ['loopback', 'https://app.example/auth/twilio/callback']
      ] as const) {
        behind.app.set('trust proxy', trusted)
        assert.equal(await redirectURI(behind, forwarded), expected)
      }
    })

    it('refuses a request with an invalid Host header with 400', async () => {
      const { app } = setUp(options)
      await request(app).get('/auth/twilio').set('Host', 'a b').expect(400)
    })
  })

  it("uses the route's callbackURL", async () => {
    const { visitor } = setUp({ authenticate: { callbackURL: 'https://other.example/cb' } })
    assert.equal((await begin(visitor)).searchParams.get('RedirectUri'), 'https://other.example/cb')
  })

  describe('as a strategy of passport-oauth2', () => {
    const verifyNobody = () => undefined
    const strategyOptions = (): TwilioStrategyOptions => ({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url })

    /** Runs a strategy without Passport's other parts, with a session that the test can inspect. */
    function run(strategy: TwilioStrategy, { url, session: held, options = {} }: { url: string; session: object; options?: object }): Promise<{ redirect?: string; user?: unknown; info?: unknown; failure?: unknown }> {
      return new Promise((resolve, reject) => {
        const app = express().use((req, _res, next) => {
          Object.assign(req, { session: held })
          next()
        })
        const perRequest = Object.create(strategy) as TwilioStrategy
        Object.assign(perRequest, {
          redirect: (redirect: string) => resolve({ redirect }),
          success: (user: unknown, info: unknown) => resolve({ user, info }),
          fail: (failure: unknown) => resolve({ failure }),
          error: reject
        })
        app.use((req, res) => {
          perRequest.authenticate(req, options)
          res.end()
        })
        void request(app).get(url).then(undefined, reject)
      })
    }

    /** A complete login with {@link run}. */
    async function logInWith(strategy: TwilioStrategy, held: object = {}): Promise<{ user?: unknown; info?: unknown; failure?: unknown; sentTo: URL }> {
      const { redirect = '' } = await run(strategy, { url: '/', session: held })
      const sentTo = new URL(redirect)
      return { ...(await run(strategy, { url: `/?code=c&state=${stateOf(sentTo)}`, session: held })), sentTo }
    }

    it('lets a subclass add parameters', async () => {
      class Mine extends TwilioStrategy {
        override authorizationParams(): object {
          return { audience: 'aud', prompt: 'login', nothing: undefined, number: 7 }
        }
        override tokenParams(): object {
          return { account_sid: 'AC1' }
        }
      }
      const { sentTo } = await logInWith(new Mine(strategyOptions(), (_a, _r, _p, done) => done(null, {})))
      assert.deepEqual([sentTo.searchParams.get('Audience'), sentTo.searchParams.get('prompt'), sentTo.searchParams.get('number'), sentTo.searchParams.has('nothing')], ['aud', 'login', '7', false])
      assert.equal(twilio.requests[0]?.form.get('account_sid'), 'AC1')
    })

    it('lets a subclass load the profile', async () => {
      class Mine extends TwilioStrategy {
        override userProfile(accessToken: string, done: (error?: unknown, profile?: TwilioProfile) => void): void {
          if (accessToken === TOKENS.access_token) done(null, { provider: 'twilio', id: 'mine', displayName: 'Mine', _json: {}, _raw: '' })
          else done(new Error('no profile'))
        }
      }
      const strategy = new Mine(strategyOptions(), (_a, _r, profile, done) => done(null, { id: profile?.id }))
      assert.deepEqual((await logInWith(strategy)).user, { id: 'mine' })
      twilio.behave = json(201, { ...TOKENS, access_token: 'another' })
      await assert.rejects(logInWith(strategy), /no profile/)
    })

    it('loads the profile for an access token with userProfile()', async () => {
      const strategy = new TwilioStrategy(strategyOptions(), verifyNobody)
      const [profile] = await fromCallback<[TwilioProfile?]>((done) => strategy.userProfile(TOKENS.access_token, done))
      assert.deepEqual([profile?.id, profile?.accountSid], ['US1', 'AC1'])
    })

    it('loads no profile if skipUserProfile is true or results in true, and passes its errors on', async () => {
      const seen: unknown[] = []
      const skips: TwilioStrategyOptions['skipUserProfile'][] = [true, () => true, (_accessToken: string, done: (error: unknown, skip?: boolean) => void) => done(null, true), false, () => false, undefined]
      for (const skipUserProfile of skips) {
        await logInWith(
          new TwilioStrategy({ ...strategyOptions(), skipUserProfile }, (_a, _r, profile, done) => {
            seen.push(profile?.id)
            done(null, {})
          })
        )
      }
      assert.deepEqual(seen, [undefined, undefined, undefined, 'US1', 'US1', 'US1'])
      const failing = new TwilioStrategy({ ...strategyOptions(), skipUserProfile: (_accessToken: string, done: (error: unknown) => void) => done(new Error('cannot say')) }, verifyNobody)
      await assert.rejects(logInWith(failing), /cannot say/)
    })

    it('passes the request and the token response to verify', async () => {
      const given: unknown[] = []
      const verify: VerifyWithRequestAndParameters = (req, accessToken, refreshToken, params, profile, done) => {
        given.push(req.url.split('?')[0], accessToken, refreshToken, params, profile?.id)
        done(null, { id: '1' })
      }
      await logInWith(new TwilioStrategy({ ...strategyOptions(), passReqToCallback: true }, verify))
      assert.deepEqual(given, ['/', TOKENS.access_token, 'a-refresh-token', TOKENS, 'US1'])
    })

    it("is a failure with verify's reason if verify passes no user, and an error if it rejects", async () => {
      const { failure } = await logInWith(new TwilioStrategy(strategyOptions(), (_a, _r, _p, done) => done(null, false, { message: 'who is that?' })))
      assert.deepEqual(failure, { message: 'who is that?' })
      await assert.rejects(logInWith(new TwilioStrategy(strategyOptions(), () => Promise.reject(new Error('the database is gone')))), /the database is gone/)
    })

    it('calls a state store of the application with the arguments that it takes', async () => {
      const calls: unknown[][] = []
      const metadata = { authorizationURL: `${twilio.url}/v1/authorize`, tokenURL: `${twilio.url}/v1/token`, clientID: CLIENT_ID, callbackURL: CALLBACK_URL }
      type Done = (error: unknown, ...values: unknown[]) => void
      /** Records the arguments of a call, except for the request and the callback. */
      const note = (...given: unknown[]) => calls.push(given)
      const stores: object[] = [
        { store: (_req: object, done: Done) => done(null, 'S0'), verify: (_req: object, state: string, done: Done) => done(null, state === 'S0', 'mine') },
        {
          store(_req: object, meta: object, done: Done) {
            note(meta)
            done(null, 'S1')
          },
          verify: (_req: object, _state: string, done: Done) => done(null, true)
        },
        {
          store(_req: object, state: unknown, meta: object, done: Done) {
            note(state, meta)
            done(null, 'S2')
          },
          verify(_req: object, _state: string, meta: object, done: Done) {
            note(meta)
            done(null, true, { mine: true })
          }
        },
        {
          store(_req: object, verifier: string, state: unknown, meta: object, done: Done) {
            note(verifier.length, state, meta)
            done(null, 'S3')
          },
          verify: (_req: object, _state: string, _meta: object, done: Done) => done(null, 'the-verifier', 'mine')
        }
      ]
      const states: unknown[] = []
      for (const [index, store] of stores.entries()) {
        const strategy = new TwilioStrategy({ ...strategyOptions(), store, pkce: index === 3 }, (_a, _r, _p, done) => done(null, { id: '1' }))
        const { redirect = '' } = await run(strategy, { url: '/', session: {}, options: { state: 'app' } })
        assert.equal(stateOf(new URL(redirect)), `S${index}`)
        const { info } = await run(strategy, { url: `/?code=c&state=S${index}`, session: {} })
        states.push((info as { state?: unknown }).state)
      }
      assert.deepEqual(states, ['mine', undefined, { mine: true }, 'mine'])
      assert.deepEqual(calls, [[metadata], ['app', metadata], [metadata], [43, 'app', metadata]])
      assert.equal(twilio.requests.at(-1)?.form.get('CodeVerifier'), 'the-verifier')
    })

    it('keeps the requested page in the session if the application has its own state store', async () => {
      type Done = (error: unknown, ...values: unknown[]) => void
      const store = { store: (_req: object, done: Done) => done(null, 'S'), verify: (_req: object, _state: string, done: Done) => done(null, true) }
      const { visitor } = setUp({ strategy: { store } })
      await visitor.get('/account?x=1').expect(302)
      await visitor.get('/auth/twilio').expect(302)
      const { headers } = await visitor.get('/auth/twilio/callback?code=c&state=S').expect(302)
      assert.equal(headers.location, '/account?x=1')
    })

    it('begins no login if the state store returns no state', async () => {
      type Done = (error: unknown, ...values: unknown[]) => void
      for (const state of [undefined, '', 7]) {
        const store = { store: (_req: object, done: Done) => done(null, state), verify: () => assert.fail() }
        await assert.rejects(run(new TwilioStrategy({ ...strategyOptions(), store }, verifyNobody), { url: '/', session: {} }), /The state store returned no state/)
      }
    })

    it('refuses the callback if the state store rejects the state, and passes its errors on', async () => {
      type Done = (error: unknown, ...values: unknown[]) => void
      const refusing = { store: (_req: object, done: Done) => done(null, 'S'), verify: (_req: object, _state: string, done: Done) => done(null, false, { message: 'no' }) }
      const strategy = (store: object) => new TwilioStrategy({ ...strategyOptions(), store }, verifyNobody)
      await assert.rejects(run(strategy(refusing), { url: '/?code=c&state=S', session: {} }), { name: 'LoginStateError', reason: 'unknown' })
      await assert.rejects(run(strategy(refusing), { url: '/?code=c', session: {} }), { name: 'LoginStateError', reason: 'missing' })
      const failing = { store: (_req: object, done: Done) => done(new Error('store is gone')), verify: () => assert.fail() }
      await assert.rejects(run(strategy(failing), { url: '/', session: {} }), /store is gone/)
    })

    it('keeps pending logins under sessionKey', async () => {
      const held: Record<string, unknown> = {}
      await run(new TwilioStrategy({ ...strategyOptions(), sessionKey: 'mine' }, verifyNobody), { url: '/', session: held })
      assert.deepEqual(Object.keys(held), ['mine'])
    })

    it('shows no secret when it is printed or serialized (SEC-22)', () => {
      class Mine extends TwilioStrategy {
        override name = 'mine'
        get oauth2() {
          return this._oauth2
        }
      }
      const customHeaders = { 'X-Gateway-Key': 'a-key-of-the-gateway' }
      const strategy = new Mine({ ...strategyOptions(), customHeaders }, verifyNobody)
      const perRequest = Object.create(strategy) as Mine
      for (const one of [strategy, perRequest, strategy.client, strategy.oauth2, { strategy }]) {
        for (const shown of [inspect(one, { showHidden: false, depth: 10 }), JSON.stringify(one)]) {
          for (const secret of [CLIENT_SECRET, 'a-key-of-the-gateway']) assert.ok(!shown.includes(secret), shown)
        }
      }
      assert.match(inspect(strategy), /name: 'mine'/)
    })

    it('works with passport-oauth2-refresh', async () => {
      const refresh = new AuthTokenRefresh()
      refresh.use(new TwilioStrategy({ ...strategyOptions(), apiVersion: 'v1' }, verifyNobody))
      const [accessToken, refreshToken] = await new Promise<unknown[]>((resolve, reject) =>
        refresh.requestNewAccessToken('twilio', 'the-refresh-token', { scope: 'a' }, (error, ...values: unknown[]) => (error ? reject(new Error('failed')) : resolve(values)))
      )
      assert.deepEqual([accessToken, refreshToken], [TOKENS.access_token, 'a-refresh-token'])
      assert.deepEqual(Object.fromEntries(twilio.requests[0]?.form ?? []), { GrantType: 'refresh_token', RefreshToken: 'the-refresh-token', Scope: 'a', ClientId: CLIENT_ID, ClientSecret: CLIENT_SECRET })
    })

    it("calls Twilio through _oauth2 with Twilio's parameter names, and within the timeout", async () => {
      class Open extends TwilioStrategy {
        get oauth2() {
          return this._oauth2
        }
      }
      const { oauth2 } = new Open({ ...strategyOptions(), timeout: 100 }, verifyNobody)
      const authorize = new URL(oauth2.getAuthorizeUrl({ redirect_uri: CALLBACK_URL, scope: 'a', state: 's', extra: 'x' }))
      assert.deepEqual(Object.fromEntries(authorize.searchParams), { extra: 'x', ResponseType: 'code', ClientId: CLIENT_ID, RedirectUri: CALLBACK_URL, Scope: 'a', State: 's' })
      assert.ok(oauth2.getAuthorizeUrl().includes('ResponseType=code'))

      const exchanged = await new Promise<unknown[]>((resolve) => oauth2.getOAuthAccessToken('c', { grant_type: 'authorization_code', redirect_uri: CALLBACK_URL }, (...values: unknown[]) => resolve(values)))
      assert.deepEqual(exchanged, [null, TOKENS.access_token, 'a-refresh-token', TOKENS])
      assert.equal(twilio.requests[0]?.form.get('Code'), 'c')

      const get = (path: string) => new Promise<unknown[]>((resolve) => oauth2.get(twilio.url + path, 'the-access-token', (...values: unknown[]) => resolve(values)))
      twilio.behave = json(200, { ok: true })
      assert.deepEqual(await get('/x'), [null, '{"ok":true}', { statusCode: 200 }])
      assert.deepEqual([twilio.requests[1]?.headers.authorization, twilio.requests[1]?.query.size], ['Bearer the-access-token', 0])
      twilio.behave = json(404, {})
      assert.deepEqual(await get('/x'), [{ statusCode: 404, data: '{}' }])
      const got = await new Promise<unknown[]>((resolve) => oauth2.getProtectedResource(`${twilio.url}/y`, 'the-access-token', (...values: unknown[]) => resolve(values)))
      assert.deepEqual(got, [{ statusCode: 404, data: '{}' }])
      assert.equal(twilio.requests[3]?.headers.authorization, 'Bearer the-access-token')
      twilio.behave = () => undefined
      const [error] = await get('/x')
      assert.equal((error as Error).name, 'TwilioTimeoutError')
    })
  })

  it('keeps simultaneous logins apart, even if passport.authenticate is given the strategy itself', async () => {
    const people = new Map([
      ['code-of-amara', 'US-amara'],
      ['code-of-jonas', 'US-jonas']
    ])
    const waiting: (() => void)[] = []
    twilio.behave = ({ form }, response) => {
      const answer = () => json(201, { ...TOKENS, access_token: unsigned({ sub: people.get(form.get('Code') ?? '') }) })({} as never, response, {} as never)
      waiting.push(answer)
      // Waits for both requests, and then answers the first one last.
      if (waiting.length === 2) for (const next of waiting.reverse()) next()
    }
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url }, (_a, _r, profile, done) => done(null, { id: profile?.id }))
    const app = express()
    app.use(session({ secret: 's', resave: false, saveUninitialized: false }))
    app.use(passport.authenticate(strategy, { session: false }) as RequestHandler, (req, res) => {
      res.json(req.user)
    })
    const [amara, jonas] = [request.agent(app), request.agent(app)]
    const finish = async (agent: typeof amara, code: string) => {
      const { headers } = await agent.get('/')
      return () => agent.get(`/?code=${code}&state=${stateOf(new URL(String(headers.location)))}`)
    }
    const finishes = [await finish(amara, 'code-of-amara'), await finish(jonas, 'code-of-jonas')]
    const answers = await Promise.all(finishes.map((go) => go()))
    assert.deepEqual(answers.map((answer) => jsonOf<unknown>(answer)), [{ id: 'US-amara' }, { id: 'US-jonas' }])
  })

  it('works without Express', async () => {
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url }, (_a, _r, profile, done) => done(null, { id: profile?.id }))
    const held: Record<string, unknown> = {}
    const authenticate = new passport.Passport().use(strategy).authenticate('twilio', { session: false }) as unknown as (req: object, res: object, next: (error?: unknown) => void) => void
    const server = http.createServer((req, res) => {
      Object.assign(req, { session: held })
      authenticate(req, res, (error) => res.end(error instanceof Error ? error.name : JSON.stringify((req as http.IncomingMessage & { user: unknown }).user)))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const begun = await fetch(url, { redirect: 'manual' })
    const state = stateOf(new URL(begun.headers.get('location') ?? ''))
    assert.equal(await (await fetch(`${url}/?code=c&state=${state}`)).text(), '{"id":"US1"}')
    assert.equal(await (await fetch(`${url}/?code=c&state=${state}`)).text(), 'LoginStateError')
    server.closeAllConnections()
    server.close()
  })
})
