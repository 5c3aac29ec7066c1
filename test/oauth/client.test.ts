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
      () => assert.fail('it was accepted'),
      (error: unknown) => error
    )
  }

  async function tokenErrorOf(promise: Promise<unknown>): Promise<TwilioTokenError> {
    const error = await errorOf(promise)
    assert.ok(error instanceof TwilioTokenError, inspect(error))
    return error
  }

  const exchange = (options: Partial<TwilioOAuthClientOptions> = {}) => client(options).exchangeCode({ code: 'the-code', redirectURI: REDIRECT_URI, codeVerifier: 'the-verifier' })

  describe('builds the authorization URL', () => {
    const parameters = { redirectURI: REDIRECT_URI, scope: 'a b', state: 'x&y', codeChallenge: 'ch', extra: { audience: 'aud', prompt: 'login', client_id: 'not this' } }

    it("for v1 with Twilio's parameter names and the app's own parameters", () => {
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

    it('for v2 with the standard names, without parameters that have no value', () => {
      const { pathname, searchParams } = new URL(client({ apiVersion: 'v2' }).authorizationURL({ redirectURI: REDIRECT_URI }))
      assert.equal(pathname, '/v2/authorize')
      assert.deepEqual(Object.fromEntries(searchParams), { response_type: 'code', client_id: CLIENT_ID, redirect_uri: REDIRECT_URI })
    })

    it('from authorizationURL, whose query is kept', () => {
      const url = client({ authorizationURL: 'https://login.example/start?tenant=7' }).authorizationURL({ redirectURI: REDIRECT_URI })
      assert.ok(url.startsWith('https://login.example/start?tenant=7&ResponseType=code&'))
    })
  })

  describe('requests tokens', () => {
    it("from v1 with Twilio's parameter names in the body, and nothing else", async () => {
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

    it("from v2 with the standard names, the app's own parameters and customHeaders", async () => {
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

    it('and resolves to the tokens, for status 200 and 201', async () => {
      for (const status of [200, 201]) {
        twilio.behave = json(status, TOKENS)
        const { accessToken, refreshToken, tokenType, expiresAt = 0, claims } = await exchange()
        assert.deepEqual([accessToken, refreshToken, tokenType, claims], ['an-access-token', 'a-refresh-token', 'bearer', {}])
        assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 5000)
      }
    })
  })

  it('keeps the new tokens of a refresh whose ID token is of another type', async () => {
    for (const idToken of [7, '', null, {}]) {
      twilio.behave = json(201, { ...TOKENS, id_token: idToken })
      const { accessToken, idToken: kept } = await client().refresh('r')
      assert.deepEqual([accessToken, kept], ['an-access-token', undefined])
    }
  })

  it('that is not a JSON object is refused', async () => {
    for (const response of [json(200, []), json(200, 'text'), json(201, null)]) {
      twilio.behave = response
      assert.equal((await errorOf(exchange()) as Error).message, 'The token response is not a JSON object. Check baseURL and any proxy in between.')
    }
  })

  it('gets no tokens with its own credentials without a secret, and is told to set it if Twilio wants it', async () => {
    const publicClient = client({ apiVersion: 'v2', clientSecret: undefined })
    await assert.rejects(publicClient.clientCredentials(), { name: 'TypeError', message: /^clientCredentials\(\) needs clientSecret/ })
    assert.equal(twilio.requests.length, 0)
    twilio.behave = json(401, { error: 'invalid_client' })
    await assert.rejects(publicClient.exchangeCode({ code: 'c', redirectURI: REDIRECT_URI }), /No clientSecret is set/)
    await assert.rejects(exchange(), /Check clientID and clientSecret/)
  })

  it('accepts tokens that come with fields of an error', async () => {
    twilio.behave = json(201, { ...TOKENS, error: '', code: 0, message: 'OK', title: 'Created', status: 201 })
    assert.equal((await exchange()).accessToken, 'an-access-token')
  })

  it('keeps the refresh token if a refresh returns no new one', async () => {
    for (const response of [{ ...TOKENS, refresh_token: null }, { access_token: 'a' }]) {
      twilio.behave = json(201, response)
      assert.equal((await client().refresh('kept')).refreshToken, 'kept')
    }
  })

  it('can require an ID token for a code, and checks every ID token', async () => {
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

  describe('keeps the tokens of a refresh, which is sent once,', () => {
    const keys = (timeout = 1000) => client({ timeout, idToken: { jwksURL: `${twilio.url}/keys` } })
    const refreshedWith = async (idToken: unknown, refreshing: TwilioOAuthClient, behaveAsKeys: Behaviour = json(500, {})) => {
      const tokens = json(201, { ...TOKENS, id_token: idToken })
      twilio.behave = (...call) => (call[0].path === '/keys' ? behaveAsKeys : tokens)(...call)
      const { accessToken, refreshToken, idToken: kept } = await refreshing.refresh('r')
      assert.deepEqual([accessToken, refreshToken, kept], ['an-access-token', 'a-refresh-token', undefined])
      assert.equal(twilio.requests.splice(0).filter(({ path }) => path === '/v1/token').length, 1)
    }

    it('if the ID token is invalid', async () => {
      for (const idToken of [unsigned(idClaims({ aud: 'another app' })), unsigned(idClaims({ exp: 1 })), 'x', 'two words', 7, {}]) await refreshedWith(idToken, client())
      await refreshedWith(unsigned(idClaims()), client({ idToken: { jwks: { keys: [] } } }))
    })

    it('if the keys for the ID token cannot be fetched', async () => {
      for (const behaveAsKeys of [json(500, {}), raw('', { end: true }), json(200, 'nonsense')]) await refreshedWith(unsigned(idClaims()), keys(), behaveAsKeys)
    })

    it('if the keys for the ID token do not arrive before the deadline of the whole call', async () => {
      const tokens = json(201, { ...TOKENS, id_token: unsigned(idClaims()) })
      twilio.behave = (asked, response, socket) => {
        if (asked.path !== '/keys') setTimeout(() => tokens(asked, response, socket), 500)
      }
      const began = Date.now()
      assert.equal((await keys(1200).refresh('r')).accessToken, 'an-access-token')
      assert.ok(Date.now() - began < 1600, 'fetching the keys has no deadline of its own')
      assert.equal(twilio.requests.length, 2)
    })
  })

  it('rejects a refresh whose response is invalid in any other way', async () => {
    for (const wrong of [{ access_token: null }, { refresh_token: 7 }, { token_type: 'mac' }]) {
      twilio.behave = json(201, { ...TOKENS, id_token: 'x', ...wrong })
      assert.ok((await errorOf(client().refresh('r'))) instanceof TwilioResponseError)
    }
  })

  describe('rejects with the error that Twilio sent', () => {
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

    it("named by OAuth's name in its text, else by Twilio's number, else by its status", async () => {
      const twilioError = (status: number, message: string) => json(status, { code: 20001, message, status })
      const cases = [
        [400, 'invalid_scope: no', 'invalid_scope'],
        [400, 'Bad things', 'invalid_request'],
        [400, 'Bad things, not an invalid_grant_type', 'invalid_request'],
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
      const known = [
        [20003, 'invalid_client'],
        [20429, 'temporarily_unavailable'],
        [20500, 'server_error'],
        [70051, 'unauthorized_client']
      ] as const
      for (const [code, name] of known) {
        twilio.behave = json(400, { code, message: 'No', status: 400 })
        assert.equal((await tokenErrorOf(exchange())).code, name)
      }
    })

    it('and never calls an error invalid_grant, which ends a session, unless Twilio does', async () => {
      for (const message of ['No', 'Unknown refresh token 0123-invalid_grant']) {
        twilio.behave = json(400, { code: 20001, message, status: 400 })
        const error = await tokenErrorOf(client().refresh('0123-invalid_grant'))
        assert.equal(error.code, 'invalid_request')
        assert.match(error.message, /the code or refresh token may have been used or have expired: log in again\.$/)
      }
      twilio.behave = json(400, { code: 20001, message: 'invalid_grant: The refresh token was revoked.', status: 400 })
      assert.equal((await tokenErrorOf(client().refresh('r'))).code, 'invalid_grant')
    })

    it("in RFC 9457's shape (problem details)", async () => {
      const problem = { type: 'https://www.twilio.com/docs/errors/20003', title: 'Authentication Error', status: 401, code: 20003, detail: 'The client secret is wrong.' }
      twilio.behave = json(401, problem, { 'Content-Type': 'application/problem+json' })
      const error = await tokenErrorOf(exchange())
      assert.deepEqual([error.code, error.twilioStatus, error.twilioCode, error.moreInfo], ['invalid_client', 401, 20003, problem.type])
      assert.match(error.message, /^Twilio answered 401 invalid_client: The client secret is wrong\. Check clientID and clientSecret/)
      twilio.behave = json(400, { type: 'about:blank', title: 'invalid_scope: Bad Request' })
      const untyped = await tokenErrorOf(exchange())
      assert.deepEqual([untyped.code, untyped.twilioCode, untyped.moreInfo], ['invalid_scope', undefined, undefined])
      twilio.behave = json(201, { title: 'No', status: 403 })
      assert.deepEqual(['unauthorized_client', 403, 502], await tokenErrorOf(exchange()).then(({ code, twilioStatus, status }) => [code, twilioStatus, status]))
    })

    it('and names the missing permission, not the secret, if the app lacks one', async () => {
      const missing = 'Authorization Error: required permission twilio/oauth/token/create is missing'
      for (const status of [401, 403]) {
        twilio.behave = json(status, { code: 70051, message: missing, status })
        const error = await tokenErrorOf(exchange())
        assert.deepEqual([error.code, error.status, error.twilioCode], ['unauthorized_client', 502, 70051])
        assert.equal(error.message, `Twilio answered ${status} unauthorized_client: ${missing}. Grant the OAuth app this permission in the Twilio Console.`)
      }
    })

    it("with a status for the visitor that is 502 for the app's own mistakes", async () => {
      const cases = [
        [401, { code: 20003, message: 'Authenticate', status: 401 }, 502],
        [401, { error: 'invalid_client' }, 502],
        [400, { error: 'invalid_scope' }, 502],
        [400, { error: 'not_in_any_rfc' }, 502],
        [404, { code: 20404, message: 'Not found', status: 404 }, 502],
        [400, { error: 'invalid_grant' }, 400],
        [429, { code: 20429, message: 'Slow down', status: 429 }, 429],
        [503, { code: 20500, message: 'Oops', status: 503 }, 503]
      ] as const
      for (const [twilioStatus, body, status] of cases) {
        twilio.behave = json(twilioStatus, body)
        const error = await tokenErrorOf(exchange())
        assert.deepEqual([error.status, error.twilioStatus], [status, twilioStatus], JSON.stringify(body))
      }
      twilio.behave = json(401, { code: 20003, message: 'Authenticate', status: 401 })
      assert.match((await tokenErrorOf(exchange())).message, /clientSecret/)
    })

    it('and ignores fields of the wrong type', async () => {
      twilio.behave = json(400, { error: 'invalid_grant', error_description: { a: 1 }, error_uri: 7, code: '7', status: 'x' })
      const error = await tokenErrorOf(exchange())
      assert.equal(error.message, 'Twilio answered 400 invalid_grant. The code or refresh token has been used, has expired or was revoked, or callbackURL differs from the registered redirect URI. Log in again.')
      assert.deepEqual([error.twilioCode, error.moreInfo], [undefined, undefined])
      for (const body of [{ error: { type: 'invalid_grant' } }, { code: '20003', message: 'No' }, { code: 20003, message: 7 }, { title: 'No' }, { title: 7, type: 'x', status: 400 }]) {
        twilio.behave = json(400, body)
        assert.ok((await errorOf(exchange())) instanceof TwilioResponseError, JSON.stringify(body))
      }
    })

    it('whose text is not changed by a code too short to be a secret', async () => {
      twilio.behave = json(400, { code: 20001, message: 'The code is incorrect', status: 400 })
      assert.match((await errorOf(client().exchangeCode({ code: 'c', redirectURI: REDIRECT_URI })) as Error).message, /: The code is incorrect\./)
    })

    it('even with a status of success or an unknown one, which is 502 for the visitor', async () => {
      for (const status of [200, 600, 999]) {
        twilio.behave = raw(`HTTP/1.1 ${status} Any\r\nContent-Length: 25\r\n\r\n{"error":"invalid_grant"}`)
        const error = await tokenErrorOf(exchange())
        assert.deepEqual([error.code, error.status], ['invalid_grant', 502])
      }
    })

    it('by status alone if a proxy answers 5xx in HTML, but not if it answers 4xx', async () => {
      twilio.behave = text(503, '<h1>Sorry</h1>', { 'Retry-After': '7' })
      const error = await tokenErrorOf(exchange())
      assert.equal(error.code, 'server_error')
      assert.ok(Math.abs((error.retryAt ?? 0) - Date.now() - 7000) < 2000)
      for (const status of [400, 401, 403, 404]) {
        twilio.behave = text(status, '<h1>Blocked</h1>')
        assert.ok((await errorOf(exchange())) instanceof TwilioResponseError)
      }
    })

    it('with a Retry-After of seconds or a date, and nothing else', async () => {
      twilio.behave = text(503, '', { 'Retry-After': 'Fri, 01 Jan 2100 00:00:00 GMT' })
      assert.equal((await tokenErrorOf(exchange())).retryAt, Date.UTC(2100, 0))
      for (const wrong of ['soon', '7 seconds', '7 mar', '-7', '7.5', '2100-01-01', 'Foo, 01 Bar 2100 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT (about)']) {
        twilio.behave = text(503, '', { 'Retry-After': wrong })
        assert.equal((await tokenErrorOf(exchange())).retryAt, undefined, wrong)
      }
      for (const wrong of ['soon', '7 mar', 7, null, '2100-99-99T00:00:00Z']) {
        twilio.behave = json(503, { code: 20500, message: 'No', throttled_until: wrong })
        assert.equal((await tokenErrorOf(exchange())).retryAt, undefined, String(wrong))
      }
    })
  })

  it('rejects with TwilioResponseError if the response is neither tokens nor an error', async () => {
    for (const status of [202, 204, 301, 302, 307, 304]) {
      twilio.behave = status === 204 || status === 304 ? text(status, '') : json(status, TOKENS, { Location: `${twilio.url}/elsewhere` })
      assert.ok((await errorOf(exchange())) instanceof TwilioResponseError, String(status))
    }
    for (const body of ['', 'null', '[]', '7', '"text"', '{', 'access_token=a&token_type=bearer', '<html></html>', '['.repeat(100_000)]) {
      twilio.behave = text(201, body)
      assert.ok((await errorOf(exchange())) instanceof TwilioResponseError, body.slice(0, 20))
    }
  })

  describe('shows no secret, code or token in its errors', () => {
    const cameBack = 'a-token-that-came-back'
    const basic = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')
    const calls = [
      { sent: [CLIENT_SECRET, 'the-code', 'the-verifier'], call: () => exchange() },
      { sent: [CLIENT_SECRET, 'the-refresh-token'], call: () => client({ timeout: 100 }).refresh('the-refresh-token') }
    ]

    async function assertHidden(call: () => Promise<unknown>, secrets: readonly string[]): Promise<void> {
      const shown = inspect(await errorOf(call()), { depth: 10, showHidden: true })
      for (const secret of secrets) assert.ok(!shown.includes(secret), shown)
    }

    it('when Twilio repeats what it was sent (SEC-21)', async () => {
      for (const { sent, call } of calls) {
        const echo = sent.join(' and ')
        const encoded = [basic, ...sent.map((secret) => Buffer.from(`"${secret}"`).toString('base64'))]
        const answers = [
          json(400, { error: 'invalid_grant', error_description: echo, error_uri: `https://example.com/?${echo}` }),
          json(400, { error: echo }),
          json(401, { code: 20003, message: echo, more_info: echo, status: 401 }),
          json(401, { code: 20003, message: encoded.join(' and '), more_info: `https://example.com/?${basic}`, status: 401 }),
          json(400, { error: basic })
        ]
        for (const answer of answers) {
          twilio.behave = answer
          await assertHidden(call, [...sent, ...encoded])
        }
      }
    })

    it('when a response cannot be used', async () => {
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

  describe('retries a refresh', () => {
    const refresh = (options: Partial<TwilioOAuthClientOptions> = {}) => client({ timeout: 5000, ...options }).refresh('the-refresh-token')

    it('and names the whole time limit, not what was left of it, if there is no response to the retry', async () => {
      twilio.behave = inTurn(json(503, {}), () => undefined)
      await assert.rejects(refresh({ timeout: 400 }), { name: 'TwilioTimeoutError', message: /^\S+ did not send a complete response within 400 ms\./ })
    })

    it('at most twice, after 5xx and a broken connection', async () => {
      twilio.behave = inTurn(json(500, {}), raw('', { end: true }), json(201, TOKENS))
      assert.equal((await refresh()).accessToken, 'an-access-token')
      assert.equal(twilio.requests.length, 3)
      twilio.behave = json(503, {})
      assert.equal((await tokenErrorOf(refresh())).status, 503)
      assert.equal(twilio.requests.length, 6)
    })

    it('after 429 at the time that Twilio gives, if that is before the deadline', async () => {
      twilio.behave = inTurn(json(429, { code: 20429, message: 'Slow down', status: 429, throttled_until: new Date(Date.now() + 50).toISOString() }), json(201, TOKENS))
      await refresh()
      assert.equal(twilio.requests.length, 2)
      twilio.behave = text(429, '', { 'Retry-After': '60' })
      assert.equal((await tokenErrorOf(refresh())).status, 429)
      assert.equal(twilio.requests.length, 3)
    })

    it('never after a refusal, an invalid response or the deadline', async () => {
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

    it('until its signal is aborted, even during a pause', async () => {
      twilio.behave = json(500, {})
      const reason = new Error('aborted by the test')
      const controller = new AbortController()
      const ended = client().refresh('r', { signal: controller.signal })
      setTimeout(() => controller.abort(reason), 30)
      assert.equal(await errorOf(ended), reason)
    })
  })

  it('never retries a code', async () => {
    for (const answer of [json(500, {}), json(503, {}), text(429, '', { 'Retry-After': '0' }), raw('', { end: true })]) {
      const heard = twilio.requests.length
      twilio.behave = answer
      await errorOf(exchange())
      assert.equal(twilio.requests.length, heard + 1)
    }
  })

  it('can abort every call', async () => {
    twilio.behave = () => undefined
    const calls = [
      (signal: AbortSignal) => client().exchangeCode({ code: 'c', redirectURI: REDIRECT_URI, signal }),
      (signal: AbortSignal) => client().refresh('r', { signal }),
      (signal: AbortSignal) => client().clientCredentials({ signal }),
      (signal: AbortSignal) => client().resolveAuthorization({ redirectURI: REDIRECT_URI }, { signal })
    ]
    for (const call of calls) {
      const reason = new Error('aborted by the test')
      assert.equal(await errorOf(call(AbortSignal.abort(reason))), reason)
    }
  })

  describe('asks Twilio for the URL of its login page', () => {
    const resolve = () => client().resolveAuthorization({ redirectURI: REDIRECT_URI, scope: 'a', state: 'the-state' })

    it('and reads it from redirect_to in the body, else from the Location header', async () => {
      const page = 'https://www.twilio.com/authorize?client_id=x'
      for (const answer of [json(302, { redirect_to: page }), text(302, '', { Location: page }), json(302, { redirect_to: page }, { Location: 'https://www.twilio.com/other' }), json(302, { redirect_to: null }, { Location: page })]) {
        twilio.behave = answer
        assert.equal(await resolve(), page)
      }
      const [heard] = twilio.requests
      assert.deepEqual([heard?.method, heard?.path, heard?.query.get('State'), heard?.headers.accept], ['GET', '/v1/authorize', 'the-state', 'application/json'])
    })

    it('and accepts only https at twilio.com, and the origin of the request (SEC-12)', async () => {
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

    it('and rejects if Twilio refuses, or responds with something else', async () => {
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
