import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { inspect } from 'node:util'
import { TwilioIdTokenError, TwilioNetworkError, TwilioOAuthClient, TwilioResponseError, TwilioTimeoutError, TwilioTokenError, type TwilioOAuthClientOptions } from '../../lib'
import { CLIENT_ID, CLIENT_SECRET, idClaims, unsigned } from '../support/jwt'
import { inTurn, json, raw, text, TwilioServer, type Behaviour } from '../support/twilio-server'

const REDIRECT_URI = 'https://app.example/callback'
const TOKENS = { access_token: 'an-access-token', refresh_token: 'a-refresh-token', id_token: null, token_type: 'bearer', expires_in: 3600 }

describe('TwilioOAuthClient', () => {
  let twilio: TwilioServer
  beforeEach(async () => {
    twilio = await TwilioServer.start(json(201, TOKENS))
  })
  afterEach(async () => {
    mock.timers.reset()
    await twilio.stop()
  })

  function client(options: Partial<TwilioOAuthClientOptions> = {}): TwilioOAuthClient {
    return new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, baseURL: twilio.url, timeout: 1000, ...options })
  }

  async function errorOf(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      () => assert.fail('it was taken'),
      (error: unknown) => error
    )
  }

  async function tokenErrorOf(promise: Promise<unknown>): Promise<TwilioTokenError> {
    const error = await errorOf(promise)
    assert.ok(error instanceof TwilioTokenError, inspect(error))
    return error
  }

  const exchange = (options: Partial<TwilioOAuthClientOptions> = {}) => client(options).exchangeCode({ code: 'the-code', redirectURI: REDIRECT_URI, codeVerifier: 'the-verifier' })

  describe('sends people', () => {
    const parameters = { redirectURI: REDIRECT_URI, scope: 'a b', state: 'x&y', codeChallenge: 'ch', extra: { audience: 'aud', prompt: 'login', client_id: 'not this' } }

    it("to v1 in Twilio's names, with what the app adds", () => {
      const { origin, pathname, searchParams } = new URL(client().authorizationURL(parameters))
      assert.equal(origin + pathname, `${twilio.url}/v1/authorize`)
      assert.deepEqual(Object.fromEntries(searchParams), {
        ResponseType: 'code',
        ClientId: CLIENT_ID,
        RedirectUri: REDIRECT_URI,
        Scope: 'a b',
        State: 'x&y',
        CodeChallenge: 'ch',
        CodeChallengeMethod: 'S256',
        Audience: 'aud',
        prompt: 'login'
      })
    })

    it('to v2 in standard names, and with nothing that has no value', () => {
      const { pathname, searchParams } = new URL(client({ apiVersion: 'v2' }).authorizationURL({ redirectURI: REDIRECT_URI }))
      assert.equal(pathname, '/v2/authorize')
      assert.deepEqual(Object.fromEntries(searchParams), { response_type: 'code', client_id: CLIENT_ID, redirect_uri: REDIRECT_URI })
    })

    it('to an address of its own, whose query is kept', () => {
      const url = client({ authorizationURL: 'https://login.example/start?tenant=7' }).authorizationURL({ redirectURI: REDIRECT_URI })
      assert.ok(url.startsWith('https://login.example/start?tenant=7&ResponseType=code&'))
    })
  })

  describe('sends grants', () => {
    it('to v1, in the body, in its names, and nothing else', async () => {
      await exchange()
      await client().refresh('the-refresh-token', { scope: 'a' })
      await client().clientCredentials({ scope: 'b', audience: 'https://api.twilio.com' })
      const credentials = { ClientId: CLIENT_ID, ClientSecret: CLIENT_SECRET }
      assert.deepEqual(
        twilio.requests.map(({ method, path, form }) => [method, path, Object.fromEntries(form)]),
        [
          ['POST', '/v1/token', { GrantType: 'authorization_code', Code: 'the-code', RedirectUri: REDIRECT_URI, CodeVerifier: 'the-verifier', ...credentials }],
          ['POST', '/v1/token', { GrantType: 'refresh_token', RefreshToken: 'the-refresh-token', Scope: 'a', ...credentials }],
          ['POST', '/v1/token', { GrantType: 'client_credentials', Scope: 'b', Audience: 'https://api.twilio.com', ...credentials }]
        ]
      )
      for (const { headers } of twilio.requests) {
        assert.equal(headers.authorization, undefined)
        assert.equal(headers['content-type'], 'application/x-www-form-urlencoded')
        assert.equal(headers.accept, 'application/json')
      }
    })

    it('to v2, in standard names, with what the app adds, in headers too', async () => {
      const v2 = client({ apiVersion: 'v2', customHeaders: { 'X-App': 'mine', 'Content-Type': 'not this' } })
      await v2.exchangeCode({ code: 'c', redirectURI: REDIRECT_URI, extra: { account_sid: 'AC1', audience: 'a', code: 'not this' } })
      const [heard] = twilio.requests
      assert.deepEqual(Object.fromEntries(heard?.form ?? []), {
        account_sid: 'AC1',
        audience: 'a',
        code: 'c',
        grant_type: 'authorization_code',
        redirect_uri: REDIRECT_URI,
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET
      })
      assert.deepEqual([heard?.path, heard?.headers['x-app'], heard?.headers['content-type']], ['/v2/token', 'mine', 'application/x-www-form-urlencoded'])
    })

    it('and gives the tokens', async () => {
      for (const status of [200, 201]) {
        twilio.behave = json(status, TOKENS)
        const { accessToken, refreshToken, tokenType, expiresAt = 0, claims } = await exchange()
        assert.deepEqual([accessToken, refreshToken, tokenType, claims], ['an-access-token', 'a-refresh-token', 'bearer', {}])
        assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 5000)
      }
    })
  })

  it('keeps the refresh token when a refresh brings no new one', async () => {
    for (const answer of [{ ...TOKENS, refresh_token: null }, { access_token: 'a' }]) {
      twilio.behave = json(201, answer)
      assert.equal((await client().refresh('kept')).refreshToken, 'kept')
    }
  })

  it('can require an ID token of a code, and checks every one that comes', async () => {
    const required = { idToken: { required: true } }
    assert.ok((await errorOf(exchange(required))) instanceof TwilioIdTokenError)
    await client(required).refresh('r')
    await client(required).clientCredentials()
    twilio.behave = json(201, { ...TOKENS, id_token: unsigned(idClaims({ aud: 'another app' })) })
    assert.ok((await errorOf(exchange())) instanceof TwilioIdTokenError)
    assert.ok((await errorOf(client().clientCredentials())) instanceof TwilioIdTokenError)
    assert.equal((await client().refresh('r')).idToken, undefined)
    twilio.behave = json(201, { ...TOKENS, id_token: unsigned(idClaims()) })
    assert.equal(typeof (await exchange(required)).idToken, 'string')
    assert.equal(typeof (await client(required).refresh('r')).idToken, 'string')
  })

  describe('loses no tokens of a refresh for their ID token, and sends the refresh token once', () => {
    const keys = (timeout = 1000) => client({ timeout, idToken: { jwksURL: `${twilio.url}/keys` } })
    const refreshedWith = async (idToken: unknown, refreshing: TwilioOAuthClient, behaveAsKeys: Behaviour = json(500, {})) => {
      const tokens = json(201, { ...TOKENS, id_token: idToken })
      twilio.behave = (...call) => (call[0].path === '/keys' ? behaveAsKeys : tokens)(...call)
      const { accessToken, refreshToken, idToken: kept } = await refreshing.refresh('r')
      assert.deepEqual([accessToken, refreshToken, kept], ['an-access-token', 'a-refresh-token', undefined])
      assert.equal(twilio.requests.splice(0).filter(({ path }) => path === '/v1/token').length, 1)
    }

    it('where it does not hold, or is none', async () => {
      for (const idToken of [unsigned(idClaims({ aud: 'another app' })), unsigned(idClaims({ exp: 1 })), 'x', 'two words', 7, {}]) await refreshedWith(idToken, client())
      await refreshedWith(unsigned(idClaims()), client({ idToken: { jwks: { keys: [] } } }))
    })

    it('where its keys cannot be had', async () => {
      for (const behaveAsKeys of [json(500, {}), raw('', { end: true }), json(200, 'nonsense')]) await refreshedWith(unsigned(idClaims()), keys(), behaveAsKeys)
    })

    it('where its keys do not come before the end of the whole call', async () => {
      const tokens = json(201, { ...TOKENS, id_token: unsigned(idClaims()) })
      twilio.behave = (asked, response, socket) => {
        if (asked.path !== '/keys') setTimeout(() => tokens(asked, response, socket), 600)
      }
      const began = Date.now()
      assert.equal((await keys(700).refresh('r')).accessToken, 'an-access-token')
      assert.ok(Date.now() - began < 1200, 'the keys have no deadline of their own')
      assert.equal(twilio.requests.length, 2)
    })
  })

  it('does not keep what is wrong otherwise with the answer to a refresh', async () => {
    for (const wrong of [{ access_token: null }, { refresh_token: 7 }, { token_type: 'mac' }]) {
      twilio.behave = json(201, { ...TOKENS, id_token: 'x', ...wrong })
      assert.ok((await errorOf(client().refresh('r'))) instanceof TwilioResponseError)
    }
  })

  describe('tells what Twilio said', () => {
    it("in Twilio's own shape", async () => {
      const until = new Date(Date.now() + 60_000).toISOString()
      twilio.behave = json(429, { code: 20429, message: 'Too many requests', more_info: 'https://www.twilio.com/docs/errors/20429', status: 429, throttled_until: until })
      const error = await tokenErrorOf(exchange())
      assert.deepEqual(
        [error.name, error.code, error.status, error.twilioCode, error.moreInfo, error.uri, error.retryAt],
        ['TwilioTokenError', 'temporarily_unavailable', 429, 20429, 'https://www.twilio.com/docs/errors/20429', 'https://www.twilio.com/docs/errors/20429', Date.parse(until)]
      )
      assert.equal(error.message, 'Twilio answered 429 temporarily_unavailable: Too many requests. Try again later.')
    })

    it("in OAuth's shape", async () => {
      twilio.behave = json(400, { error: 'invalid_grant', error_description: 'The code is spent.', error_uri: 'https://example.com/e' })
      const error = await tokenErrorOf(exchange())
      assert.deepEqual([error.code, error.status, error.twilioCode, error.moreInfo], ['invalid_grant', 400, undefined, 'https://example.com/e'])
      assert.match(error.message, /invalid_grant: The code is spent\. The code or refresh token has been used, has expired or was revoked/)
    })

    it("by OAuth's name in its words, else by its status and the grant", async () => {
      const twilioError = (status: number, message: string) => json(status, { code: 20001, message, status })
      const cases = [
        [400, 'invalid_scope: no', 'invalid_scope'],
        [400, 'Bad things', 'invalid_request'],
        [401, 'Authenticate', 'invalid_client'],
        [403, 'Forbidden', 'unauthorized_client'],
        [404, 'Not found', 'invalid_request'],
        [500, 'Oops', 'server_error'],
        [503, 'Oops', 'server_error']
      ] as const
      for (const [status, message, code] of cases) {
        twilio.behave = twilioError(status, message)
        assert.equal((await tokenErrorOf(exchange())).code, code, message)
      }
      twilio.behave = twilioError(400, 'Bad things')
      assert.equal((await tokenErrorOf(client().clientCredentials())).code, 'invalid_request')
    })

    it('even with a status of success, or one that HTTP does not know: the app answers 502', async () => {
      for (const status of [200, 600, 999]) {
        twilio.behave = raw(`HTTP/1.1 ${status} Any\r\nContent-Length: 25\r\n\r\n{"error":"invalid_grant"}`)
        const error = await tokenErrorOf(exchange())
        assert.deepEqual([error.code, error.status], ['invalid_grant', 502])
      }
    })

    it('when a proxy says it in HTML: trouble is trouble, but a refusal has to be Twilio’s', async () => {
      twilio.behave = text(503, '<h1>Sorry</h1>', { 'Retry-After': '7' })
      const trouble = await tokenErrorOf(exchange())
      assert.equal(trouble.code, 'server_error')
      assert.ok(Math.abs((trouble.retryAt ?? 0) - Date.now() - 7000) < 2000)
      for (const status of [400, 401, 403, 404]) {
        twilio.behave = text(status, '<h1>Blocked</h1>')
        assert.ok((await errorOf(exchange())) instanceof TwilioResponseError)
      }
    })

    it('with Retry-After as a date, or none that makes sense', async () => {
      twilio.behave = text(503, '', { 'Retry-After': 'Fri, 01 Jan 2100 00:00:00 GMT' })
      assert.equal((await tokenErrorOf(exchange())).retryAt, Date.UTC(2100, 0))
      twilio.behave = text(503, '', { 'Retry-After': 'soon' })
      assert.equal((await tokenErrorOf(exchange())).retryAt, undefined)
    })
  })

  it('takes nothing for tokens that is none', async () => {
    for (const status of [202, 204, 301, 302, 307, 304]) {
      twilio.behave = status === 204 || status === 304 ? text(status, '') : json(status, TOKENS, { Location: `${twilio.url}/elsewhere` })
      assert.ok((await errorOf(exchange())) instanceof TwilioResponseError, String(status))
    }
    for (const body of ['', 'null', '[]', '7', '"text"', '{', 'access_token=a&token_type=bearer', '<html></html>', '['.repeat(100_000)]) {
      twilio.behave = text(201, body)
      assert.ok((await errorOf(exchange())) instanceof TwilioResponseError, body.slice(0, 20))
    }
  })

  describe('shows no secret, code or token in any error', () => {
    const cameBack = 'a-token-that-came-back'
    const calls = [
      { sent: [CLIENT_SECRET, 'the-code', 'the-verifier'], call: () => exchange() },
      { sent: [CLIENT_SECRET, 'the-refresh-token'], call: () => client({ timeout: 100 }).refresh('the-refresh-token') }
    ]

    async function assertHidden(call: () => Promise<unknown>, secrets: readonly string[]): Promise<void> {
      const shown = inspect(await errorOf(call()), { depth: 10, showHidden: true })
      for (const secret of secrets) assert.ok(!shown.includes(secret), shown)
    }

    it('when Twilio repeats what it was sent', async () => {
      for (const { sent, call } of calls) {
        const echo = sent.join(' and ')
        const answers = [
          json(400, { error: 'invalid_grant', error_description: echo, error_uri: `https://example.com/?${echo}` }),
          json(400, { error: echo }),
          json(401, { code: 20003, message: echo, more_info: echo, status: 401 })
        ]
        for (const answer of answers) {
          twilio.behave = answer
          await assertHidden(call, sent)
        }
      }
    })

    it('when what came back cannot be used', async () => {
      const answers = [
        json(201, { access_token: `${cameBack}\n` }),
        json(201, { access_token: 7, refresh_token: cameBack }),
        json(201, { access_token: cameBack, token_type: 'mac', id_token: cameBack }),
        text(201, cameBack),
        raw(`HTTP/1.1 201 Created\r\nbroken ${cameBack}\r\n\r\n`, { end: true })
      ]
      for (const { sent, call } of calls) {
        for (const answer of answers) {
          twilio.behave = answer
          await assertHidden(call, [...sent, cameBack])
        }
      }
      twilio.behave = json(201, { access_token: 'a', id_token: cameBack })
      await assertHidden(exchange, [CLIENT_SECRET, cameBack])
    })
  })

  describe('tries a refresh again', () => {
    const refresh = (options: Partial<TwilioOAuthClientOptions> = {}) => client({ timeout: 5000, ...options }).refresh('the-refresh-token')

    it('at most twice, after 5xx and broken connections', async () => {
      twilio.behave = inTurn(json(500, {}), raw('', { end: true }), json(201, TOKENS))
      assert.equal((await refresh()).accessToken, 'an-access-token')
      assert.equal(twilio.requests.length, 3)
      twilio.behave = json(503, {})
      assert.equal((await tokenErrorOf(refresh())).status, 503)
      assert.equal(twilio.requests.length, 6)
    })

    it('after 429 when Twilio says so, if that is before the deadline', async () => {
      twilio.behave = inTurn(json(429, { code: 20429, message: 'Slow down', status: 429, throttled_until: new Date(Date.now() + 50).toISOString() }), json(201, TOKENS))
      await refresh()
      assert.equal(twilio.requests.length, 2)
      twilio.behave = text(429, '', { 'Retry-After': '60' })
      assert.equal((await tokenErrorOf(refresh())).status, 429)
      assert.equal(twilio.requests.length, 3)
    })

    it('never after a refusal, after an answer that cannot be used, or after the deadline', async () => {
      const refusals = ['invalid_grant', 'invalid_client', 'unauthorized_client', 'unsupported_grant_type'].map((error) => json(200, { error }))
      for (const answer of [...refusals, json(503, { error: 'invalid_grant' }), json(400, { error: 'invalid_grant' }), json(401, { code: 20003, message: 'no', status: 401 }), text(201, 'garbage'), raw('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{', { end: true })]) {
        const heard = twilio.requests.length
        twilio.behave = answer
        await errorOf(refresh())
        assert.equal(twilio.requests.length, heard + 1)
      }
      const heard = twilio.requests.length
      twilio.behave = () => undefined
      assert.ok((await errorOf(refresh({ timeout: 60 }))) instanceof TwilioTimeoutError)
      assert.equal(twilio.requests.length, heard + 1)
    })

    it('and stops when its signal says so', async () => {
      twilio.behave = json(500, {})
      const reason = new Error('changed my mind')
      const controller = new AbortController()
      const ended = client().refresh('r', { signal: controller.signal })
      setTimeout(() => controller.abort(reason), 30)
      assert.equal(await errorOf(ended), reason)
    })
  })

  it('sends a code once, whatever happens', async () => {
    for (const answer of [json(500, {}), json(503, {}), text(429, '', { 'Retry-After': '0' }), raw('', { end: true })]) {
      const heard = twilio.requests.length
      twilio.behave = answer
      await errorOf(exchange())
      assert.equal(twilio.requests.length, heard + 1)
    }
  })

  it('passes a signal on to every call', async () => {
    twilio.behave = () => undefined
    const calls = [
      (signal: AbortSignal) => client().exchangeCode({ code: 'c', redirectURI: REDIRECT_URI, signal }),
      (signal: AbortSignal) => client().refresh('r', { signal }),
      (signal: AbortSignal) => client().clientCredentials({ signal }),
      (signal: AbortSignal) => client().resolveAuthorization({ redirectURI: REDIRECT_URI }, { signal })
    ]
    for (const call of calls) {
      const reason = new Error('changed my mind')
      assert.equal(await errorOf(call(AbortSignal.abort(reason))), reason)
    }
  })

  describe('asks Twilio where to send the browser', () => {
    const resolve = () => client().resolveAuthorization({ redirectURI: REDIRECT_URI, scope: 'a', state: 'the-state' })

    it('by redirect_to in the body, by Location, and by either', async () => {
      const page = 'https://www.twilio.com/authorize?client_id=x'
      for (const answer of [json(302, { redirect_to: page }), text(302, '', { Location: page }), json(302, { redirect_to: page }, { Location: 'https://www.twilio.com/other' }), json(302, { redirect_to: null }, { Location: page })]) {
        twilio.behave = answer
        assert.equal(await resolve(), page)
      }
      const [heard] = twilio.requests
      assert.deepEqual([heard?.method, heard?.path, heard?.query.get('State')], ['GET', '/v1/authorize', 'the-state'])
    })

    it('and follows only https under twilio.com, and the origin that was asked', async () => {
      for (const good of ['https://twilio.com/', 'https://login.eu.twilio.com/x', `${twilio.url}/authorize`, '/authorize?x=1']) {
        twilio.behave = json(302, { redirect_to: good })
        assert.equal(await resolve(), new URL(good, twilio.url).href)
      }
      const bad = ['http://www.twilio.com/', 'https://twilio.com.evil.example/', 'https://eviltwilio.com/', 'javascript:alert(1)', '//evil.example', 'https://x@www.twilio.com/', 'data:text/html,x', 'https://', '', 7, null, {}]
      for (const target of bad) {
        twilio.behave = json(302, { redirect_to: target })
        assert.ok((await errorOf(resolve())) instanceof TwilioResponseError, inspect(target))
      }
    })

    it('and tells when Twilio refuses, or answers something else', async () => {
      twilio.behave = json(400, { code: 20001, message: 'invalid_request: RedirectUri is not registered', status: 400 })
      assert.equal((await tokenErrorOf(resolve())).code, 'invalid_request')
      for (const answer of [json(200, { redirect_to: 'https://www.twilio.com/' }), text(404, 'Not found'), text(302, 'null')]) {
        twilio.behave = answer
        assert.ok((await errorOf(resolve())) instanceof TwilioResponseError)
      }
      await twilio.stop()
      assert.ok((await errorOf(resolve())) instanceof TwilioNetworkError)
      twilio = await TwilioServer.start()
    })
  })
})
