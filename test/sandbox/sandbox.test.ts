import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mock } from 'node:test'
import { compactVerify, createRemoteJWKSet, decodeJwt } from 'jose'
import { TwilioOAuthClient, TwilioTokenError } from '../../lib'
import { DIALECTS, encodeParameters, type ApiVersion, type OAuthParameters } from '../../lib/oauth/dialect'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../lib/sandbox'

const REDIRECT_URI = 'http://localhost:3000/auth/twilio/callback'
const VERSIONS: readonly ApiVersion[] = ['v1', 'v2']

interface TwilioErrorBody {
  readonly code: number
  readonly message: string
  readonly more_info: string
  readonly status: number
  readonly throttled_until?: string
}

describe('startSandbox()', () => {
  let sandbox: Sandbox

  /** With accountLogins, one app can use every grant, and tokens name people. */
  async function start(options: SandboxOptions = {}): Promise<Sandbox> {
    await (sandbox as Sandbox | undefined)?.stop()
    sandbox = await startSandbox({ accountLogins: true, ...options })
    return sandbox
  }

  beforeEach(async () => {
    await start()
  })
  afterEach(async () => {
    mock.timers.reset()
    await sandbox.stop()
  })

  function client(apiVersion: ApiVersion = 'v1', options: { clientID?: string; clientSecret?: string } = {}): TwilioOAuthClient {
    return new TwilioOAuthClient({ clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url, apiVersion, ...options })
  }

  async function codeFor(apiVersion: ApiVersion = 'v1', { scope = 'offline_access', codeChallenge }: { scope?: string; codeChallenge?: string } = {}): Promise<string> {
    const callback = await sandbox.login(client(apiVersion).authorizationURL({ redirectURI: REDIRECT_URI, scope, state: 's', codeChallenge }))
    return new URL(callback).searchParams.get('code') ?? ''
  }

  async function post(apiVersion: ApiVersion, parameters: OAuthParameters, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const body = encodeParameters(DIALECTS[apiVersion], { client_id: sandbox.clientID, client_secret: sandbox.clientSecret, ...parameters })
    return fetch(sandbox.url + DIALECTS[apiVersion].tokenPath, { method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } })
  }

  async function assertTwilioError(answer: Response, status: number, message: RegExp): Promise<TwilioErrorBody> {
    const body = (await answer.json()) as TwilioErrorBody
    assert.equal(answer.status, status, body.message)
    assert.equal(body.status, status)
    assert.equal(body.more_info, `https://www.twilio.com/docs/errors/${body.code}`)
    assert.match(body.message, message)
    return body
  }

  async function assertRefused(promise: Promise<unknown>, code: string): Promise<void> {
    await assert.rejects(promise, (error) => error instanceof TwilioTokenError && error.code === code)
  }

  for (const apiVersion of VERSIONS) {
    describe(`on ${apiVersion}`, () => {
      it('accepts an authorization code once, and revokes its tokens when it is reused', async () => {
        const code = await codeFor(apiVersion)
        const tokens = await client(apiVersion).exchangeCode({ code, redirectURI: REDIRECT_URI })
        await assertRefused(client(apiVersion).exchangeCode({ code, redirectURI: REDIRECT_URI }), 'invalid_grant')
        assert.equal(sandbox.counts.reuses, 1)
        await assertRefused(client(apiVersion).refresh(tokens.refreshToken ?? ''), 'invalid_grant')
        const { status } = await fetch(`${sandbox.apiURL}/2010-04-01/Accounts.json`, { headers: { Authorization: `Bearer ${tokens.accessToken}` } })
        assert.equal(status, 401, 'the access token is revoked too')
      })

      it('accepts a refresh token once, and revokes all tokens of the login when it is reused', async () => {
        const first = await client(apiVersion).exchangeCode({ code: await codeFor(apiVersion), redirectURI: REDIRECT_URI })
        const second = await client(apiVersion).refresh(first.refreshToken ?? '')
        assert.notEqual(second.refreshToken, first.refreshToken)
        await assertRefused(client(apiVersion).refresh(first.refreshToken ?? ''), 'invalid_grant')
        await assertRefused(client(apiVersion).refresh(second.refreshToken ?? ''), 'invalid_grant')
        assert.deepEqual({ ...sandbox.counts }, { codes: 1, refreshes: 1, clientCredentials: 0, reuses: 1 })
      })

      it('accepts an authorization code for five minutes', async () => {
        mock.timers.enable({ apis: ['Date'], now: Date.now() })
        const [inTime, tooLate] = [await codeFor(apiVersion), await codeFor(apiVersion)]
        mock.timers.tick(5 * 60_000 - 1)
        await client(apiVersion).exchangeCode({ code: inTime, redirectURI: REDIRECT_URI })
        mock.timers.tick(1)
        await assertRefused(client(apiVersion).exchangeCode({ code: tooLate, redirectURI: REDIRECT_URI }), 'invalid_grant')
      })

      it('accepts an authorization code only from the app it was issued to, with the same redirect URI', async () => {
        const other = { clientID: `OQ${'1'.repeat(32)}`, clientSecret: 'another secret' }
        await start({ apps: [{}, other] })
        const code = await codeFor(apiVersion)
        await assertRefused(client(apiVersion, other).exchangeCode({ code, redirectURI: REDIRECT_URI }), 'invalid_grant')
        await assertRefused(client(apiVersion).exchangeCode({ code, redirectURI: `${REDIRECT_URI}/` }), 'invalid_grant')
        await client(apiVersion).exchangeCode({ code, redirectURI: REDIRECT_URI })
      })

      it('checks the PKCE code verifier against the code challenge', async () => {
        const codeVerifier = 'a-code-verifier-of-at-least-43-characters-00'
        const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')
        const code = await codeFor(apiVersion, { codeChallenge })
        await assertRefused(client(apiVersion).exchangeCode({ code, redirectURI: REDIRECT_URI }), 'invalid_grant')
        await assertRefused(client(apiVersion).exchangeCode({ code, redirectURI: REDIRECT_URI, codeVerifier: 'another verifier' }), 'invalid_grant')
        await client(apiVersion).exchangeCode({ code, redirectURI: REDIRECT_URI, codeVerifier })
        const codeWithoutChallenge = await codeFor(apiVersion)
        await assertRefused(client(apiVersion).exchangeCode({ code: codeWithoutChallenge, redirectURI: REDIRECT_URI, codeVerifier }), 'invalid_grant')
      })

      it('returns null instead of an ID token without the scope openid, and instead of a refresh token without offline_access', async () => {
        const answer = await post(apiVersion, { grant_type: 'authorization_code', code: await codeFor(apiVersion, { scope: 'a b' }), redirect_uri: REDIRECT_URI })
        assert.equal(answer.status, DIALECTS[apiVersion].tokenStatus)
        const { access_token: accessToken, ...rest } = (await answer.json()) as Record<string, unknown>
        assert.deepEqual(rest, { refresh_token: null, id_token: null, token_type: 'Bearer', expires_in: 3600 })
        assert.equal(decodeJwt(String(accessToken)).scope, 'a b')
      })

      it('refuses a parameter that is given twice, or by its name in the other version', async () => {
        const [own, other] = apiVersion === 'v1' ? ['GrantType', 'grant_type'] : ['grant_type', 'GrantType']
        const url = sandbox.url + DIALECTS[apiVersion].tokenPath
        const credentials = encodeParameters(DIALECTS[apiVersion], { client_id: sandbox.clientID, client_secret: sandbox.clientSecret })
        const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
        const twice = `${own}=client_credentials&${own}=client_credentials&${credentials}`
        await assertTwilioError(await fetch(url, { method: 'POST', headers, body: twice }), 400, /invalid_request: .* more than once/)
        await assertTwilioError(await fetch(url, { method: 'POST', headers, body: `${other}=client_credentials&${credentials}` }), 400, /not a parameter of this version/)
      })
    })
  }

  it('refuses an authorization code of the other API version', async () => {
    await assertRefused(client('v2').exchangeCode({ code: await codeFor('v1'), redirectURI: REDIRECT_URI }), 'invalid_grant')
  })

  it('refuses a wrong client secret, an unknown client ID, a missing client ID and Basic authentication, with errors in Twilio’s format', async () => {
    const wrong = await assertTwilioError(await post('v1', { grant_type: 'client_credentials', client_secret: 'wrong' }), 401, /^invalid_client: /)
    assert.equal(wrong.code, 20003)
    await assertTwilioError(await post('v1', { grant_type: 'client_credentials', client_id: `OQ${'0'.repeat(32)}` }), 401, /^invalid_client: /)
    await assertTwilioError(await post('v1', { grant_type: 'client_credentials', client_id: undefined }), 400, /ClientId is missing/)
    const basic = Buffer.from(`${sandbox.clientID}:${sandbox.clientSecret}`).toString('base64')
    const inHeader = await post('v1', { grant_type: 'client_credentials', client_secret: undefined }, { Authorization: `Basic ${basic}` })
    await assertTwilioError(inHeader, 401, /^invalid_client: /)
    const onlyInHeader = await post('v1', { grant_type: 'client_credentials', client_id: undefined, client_secret: undefined }, { Authorization: `Basic ${basic}` })
    await assertTwilioError(onlyInHeader, 401, /^invalid_client: The client ID and secret must be sent in the body, as ClientId and ClientSecret/)
  })

  it('refuses a body that is not form-encoded, an unknown path, method or grant type', async () => {
    await assertTwilioError(await post('v1', { grant_type: 'client_credentials' }, { 'Content-Type': 'application/json' }), 400, /x-www-form-urlencoded/)
    await assertTwilioError(await fetch(`${sandbox.url}/v1/token`), 405, /GET is not allowed/)
    await assertTwilioError(await fetch(`${sandbox.url}/v1/userinfo`), 404, /nothing at/)
    for (const path of ['//authorize', '//v1/token', '//x:y', '///']) await assertTwilioError(await fetch(sandbox.url + path), 404, new RegExp(`nothing at ${path}\\.$`))
    await assertTwilioError(await post('v1', { grant_type: 'password' }), 400, /^unsupported_grant_type: /)
  })

  it('narrows the scope at a refresh, but never widens it', async () => {
    const tokens = await client().exchangeCode({ code: await codeFor('v1', { scope: 'a b offline_access' }), redirectURI: REDIRECT_URI })
    await assertRefused(client().refresh(tokens.refreshToken ?? '', { scope: 'a c' }), 'invalid_scope')
    const less = await client().refresh(tokens.refreshToken ?? '', { scope: 'a' })
    assert.equal(less.claims.scope, 'a')
    const all = await client().refresh(less.refreshToken ?? '')
    assert.equal(all.claims.scope, 'a b offline_access')
  })

  it('accepts a refresh token repeatedly, and returns null for a new one, with rotateRefreshTokens: false', async () => {
    await start({ rotateRefreshTokens: false })
    const code = await codeFor()
    const { refresh_token: refreshToken } = (await (await post('v1', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI })).json()) as { refresh_token: string }
    for (let time = 0; time < 2; time++) {
      const body = (await (await post('v1', { grant_type: 'refresh_token', refresh_token: refreshToken })).json()) as { refresh_token: unknown; access_token: unknown }
      assert.equal(body.refresh_token, null)
      assert.equal(typeof body.access_token, 'string')
    }
  })

  describe('authorize endpoint', () => {
    const authorize = (query: Readonly<Record<string, string>>) =>
      fetch(`${sandbox.url}/v1/authorize?${new URLSearchParams({ ResponseType: 'code', ClientId: sandbox.clientID, RedirectUri: REDIRECT_URI, ...query }).toString()}`, { redirect: 'manual' })

    it('redirects to the consent page with standard parameter names, in redirect_to and, unless locationHeader is false, in Location', async () => {
      const answer = await authorize({ Scope: 'offline_access', State: 'xvz' })
      assert.equal(answer.status, 302)
      const { redirect_to: page } = (await answer.json()) as { redirect_to: string }
      assert.equal(answer.headers.get('location'), page)
      const { response_type, client_id, redirect_uri, scope, state } = Object.fromEntries(new URL(page).searchParams)
      assert.deepEqual({ response_type, client_id, redirect_uri, scope, state }, { response_type: 'code', client_id: sandbox.clientID, redirect_uri: REDIRECT_URI, scope: 'offline_access', state: 'xvz' })
      await start({ locationHeader: false })
      assert.equal((await authorize({})).headers.get('location'), null)
    })

    it('refuses a redirect URI that does not match a registered one exactly', async () => {
      await start({ apps: [{ redirectURIs: ['https://app.example/callback'] }] })
      assert.equal((await authorize({ RedirectUri: 'https://app.example/callback' })).status, 302)
      for (const other of ['https://app.example/callback/', 'https://app.example/callback?x=1', 'https://APP.example/callback', 'http://localhost/callback']) {
        await assertTwilioError(await authorize({ RedirectUri: other }), 400, /not registered/)
      }
    })

    it('accepts any redirect URI on this machine, and no other, when none is registered', async () => {
      for (const local of ['http://127.0.0.1:1234/x', 'http://[::1]:9/y']) assert.equal((await authorize({ RedirectUri: local })).status, 302)
      for (const other of ['https://evil.example/', 'not a URI', 'javascript://localhost/%0aalert(1)', 'data://localhost/', 'http://localhost@evil.example/', 'http://localhost/#x']) await assertTwilioError(await authorize({ RedirectUri: other }), 400, /not registered/)
    })

    it('refuses an unknown client ID, a response type other than code, and a code challenge that is not S256', async () => {
      await assertTwilioError(await authorize({ ClientId: `OQ${'0'.repeat(32)}` }), 401, /^invalid_client: /)
      await assertTwilioError(await authorize({ ResponseType: 'token' }), 400, /^unsupported_response_type: /)
      await assertTwilioError(await authorize({ CodeChallenge: 'x'.repeat(43), CodeChallengeMethod: 'plain' }), 400, /S256/)
      await assertTwilioError(await authorize({ CodeChallenge: 'short', CodeChallengeMethod: 'S256' }), 400, /not a SHA-256/)
    })
  })

  describe('consent page', () => {
    async function open(options: { scope?: string; redirectURI?: string } = {}): Promise<{ answer: Response; page: string }> {
      const { scope = 'openid offline_access made-up', redirectURI = REDIRECT_URI } = options
      const answer = await fetch(await client().resolveAuthorization({ redirectURI, scope, state: '"><script>alert(1)</script>' }))
      return { answer, page: await answer.text() }
    }

    it('shows the name of the app, what it requests, and who can sign in in which role, with HTML escaped', async () => {
      await start({ apps: [{ name: 'Parcels & Co <b>' }] })
      const { page } = await open()
      assert.match(page, /Parcels &amp; Co &lt;b&gt; wants to use your Twilio account/)
      assert.match(page, /Know who you are/)
      assert.match(page, /Stay connected while you are away/)
      assert.match(page, /made-up/)
      for (const { name, email, accountName, role = 'owner' } of sandbox.people) assert.ok(page.includes(`${name}, ${role}`) && page.includes(`${email} · ${accountName}`))
      assert.match(page, /Approve access/)
      assert.match(page, /Deny/)
      assert.doesNotMatch(page, /<script|<b>/)
    })

    it('has a Content-Security-Policy that allows only its own style, and no framing', async () => {
      const { answer, page } = await open()
      const policy = answer.headers.get('content-security-policy') ?? ''
      const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? ''
      assert.ok(policy.includes(`'sha256-${createHash('sha256').update(style).digest('base64')}'`))
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /frame-ancestors 'none'/)
    })

    it('can be submitted only once', async () => {
      const { page } = await open()
      const form = new URLSearchParams({ request: /name="request" value="([^"]+)"/.exec(page)?.[1] ?? '', person: sandbox.people[0]?.userSid ?? '', decision: 'approve' })
      const submit = () => fetch(`${sandbox.url}/authorize`, { method: 'POST', body: form, redirect: 'manual' })
      assert.equal((await submit()).status, 302)
      const again = await submit()
      assert.equal(again.status, 400)
      assert.match(await again.text(), /already been approved or denied/)
    })

    it('redirects back with the query of the redirect URI, the state, and access_denied when access is denied', async () => {
      const callback = new URL(await sandbox.login(client().authorizationURL({ redirectURI: `${REDIRECT_URI}?tenant=7`, scope: 'a', state: 'x&y' })))
      assert.equal(callback.searchParams.get('tenant'), '7')
      assert.equal(callback.searchParams.get('state'), 'x&y')
      const denied = new URL(await sandbox.login(client().authorizationURL({ redirectURI: REDIRECT_URI, scope: 'a' }), { deny: true }))
      assert.deepEqual(Object.fromEntries(denied.searchParams), { error: 'access_denied', error_description: 'The user denied access.' })
    })

    it('rejects login() with the message that the browser would show, or when the person is unknown', async () => {
      await assert.rejects(sandbox.login(client().authorizationURL({ redirectURI: 'https://evil.example/', scope: 'a' })), /400: invalid_request: The redirect URI is not registered/)
      await assert.rejects(sandbox.login(`${sandbox.url}/authorize?request=unknown`), /This request cannot be approved This request has expired/)
      await assert.rejects(sandbox.login(client().authorizationURL({ redirectURI: REDIRECT_URI }), { as: 'nobody' }), /No person in the sandbox has the name or email address nobody/)
    })

    it('rejects login() for a URL that is not the sandbox’s, and accepts localhost for 127.0.0.1', async () => {
      const expected = `login() takes the URL that the app redirects the browser to (its Location header). It must start with ${sandbox.url}/, but is `
      const wrongURLs: [unknown, string][] = [
        ['/auth/twilio', '/auth/twilio'],
        [undefined, 'undefined'],
        [`${REDIRECT_URI}?code=a-code`, REDIRECT_URI],
        [`${sandbox.url}1/v1/authorize`, `${sandbox.url}1/v1/authorize`]
      ]
      for (const [url, shown] of wrongURLs) {
        await assert.rejects(sandbox.login(url as string), { name: 'TypeError', message: `${expected}${shown}. Check that the app's baseURL is the sandbox's url.` })
      }
      const authorizeURL = client().authorizationURL({ redirectURI: REDIRECT_URI, scope: 'a' })
      assert.match(await sandbox.login(authorizeURL.replace('127.0.0.1', 'localhost')), /code=/)
    })

    it('signs in as the person that login() names', async () => {
      const [, person] = sandbox.people
      const callback = new URL(await sandbox.login(client().authorizationURL({ redirectURI: REDIRECT_URI, scope: 'openid' }), { as: person?.name }))
      const { idToken, claims } = await client().exchangeCode({ code: callback.searchParams.get('code') ?? '', redirectURI: REDIRECT_URI })
      assert.equal(decodeJwt(idToken ?? '').email, person?.email)
      assert.equal(claims.sub, `trn:us1:iam:user:${person?.userSid ?? ''}`)
      assert.deepEqual(claims.act, { sub: `trn:us1:iam:account:${person?.accountSid ?? ''}` })
    })
  })

  it('signs its tokens with the key that is published at jwksURL', async () => {
    const tokens = await client().exchangeCode({ code: await codeFor('v1', { scope: 'openid' }), redirectURI: REDIRECT_URI })
    const keys = createRemoteJWKSet(new URL(sandbox.jwksURL))
    await compactVerify(tokens.accessToken, keys)
    await compactVerify(tokens.idToken ?? '', keys)
  })

  it('issues access tokens with the lifetime accessTokenTTL, fractions of a second included', async () => {
    await start({ accessTokenTTL: 0.25 })
    const requestedAt = Date.now()
    const { claims, expiresAt = 0 } = await client().clientCredentials()
    assert.ok(Math.abs(Number(claims.exp) - Number(claims.iat) - 0.25) < 1e-6)
    assert.ok(expiresAt >= requestedAt + 249 && expiresAt <= Date.now() + 250)
  })

  describe('Twilio API', () => {
    const get = (path: string, accessToken?: string) =>
      fetch(`${sandbox.apiURL}/2010-04-01${path}`, { headers: accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` } })

    async function logIn(): Promise<string> {
      return (await client().exchangeCode({ code: await codeFor(), redirectURI: REDIRECT_URI })).accessToken
    }

    it('requires an access token that is valid, not expired and not revoked', async () => {
      const accessToken = await logIn()
      assert.equal((await get('/Accounts.json', accessToken)).status, 200)
      const [header = '', payload = ''] = accessToken.split('.')
      for (const wrong of [undefined, 'no-token', 'a.b.c', `${header}.${payload}.forged`]) assert.equal((await assertTwilioError(await get('/Accounts.json', wrong), 401, /Authenticate/)).code, 20003)
      sandbox.expireAccessTokens()
      await assertTwilioError(await get('/Accounts.json', accessToken), 401, /expired or revoked/)
      const revoked = await logIn()
      sandbox.revokeAll()
      await assertTwilioError(await get('/Accounts.json', revoked), 401, /expired or revoked/)
    })

    it('lists the account of the person who logged in and its phone numbers, page by page, and no other account’s', async () => {
      const accessToken = await logIn()
      const [own, other] = sandbox.people
      const { accounts } = (await (await get('/Accounts.json', accessToken)).json()) as { accounts: { sid: string; friendly_name: string }[] }
      assert.deepEqual(accounts.map(({ sid, friendly_name }) => [sid, friendly_name]), [[own?.accountSid, own?.accountName]])
      assert.equal((await get(`/Accounts/${own?.accountSid ?? ''}.json`, accessToken)).status, 200)
      const numbers = (await (await get(`/Accounts/${own?.accountSid ?? ''}/IncomingPhoneNumbers.json?PageSize=2`, accessToken)).json()) as {
        incoming_phone_numbers: unknown[]
        next_page_uri: string
        previous_page_uri: unknown
      }
      assert.equal(numbers.incoming_phone_numbers.length, 2)
      assert.equal(numbers.previous_page_uri, null)
      const next = (await (await get(numbers.next_page_uri.replace('/2010-04-01', ''), accessToken)).json()) as { incoming_phone_numbers: unknown[]; next_page_uri: unknown }
      assert.equal(next.incoming_phone_numbers.length, 1)
      assert.equal(next.next_page_uri, null)
      await assertTwilioError(await get(`/Accounts/${other?.accountSid ?? ''}/Messages.json`, accessToken), 404, /not found/)
      await assertTwilioError(await get(`/Accounts/${own?.accountSid ?? ''}/Calls.json`, accessToken), 404, /not found/)
    })

    it('sends a message and lists it', async () => {
      const accessToken = await logIn()
      const path = `/2010-04-01/Accounts/${sandbox.people[0]?.accountSid ?? ''}/Messages.json`
      const send = (form: Readonly<Record<string, string>>) =>
        fetch(sandbox.apiURL + path, { method: 'POST', body: new URLSearchParams(form), headers: { Authorization: `Bearer ${accessToken}` } })
      await assertTwilioError(await send({ To: '+15550100' }), 400, /To, From and Body/)
      assert.equal((await send({ To: '+15550100', From: '+15550101', Body: 'Hello' })).status, 201)
      const { messages } = (await (await get(path.replace('/2010-04-01', ''), accessToken)).json()) as { messages: { body: string; status: string }[] }
      assert.deepEqual([messages[0]?.body, messages[0]?.status], ['Hello', 'queued'])
      await assertTwilioError(await fetch(`${sandbox.apiURL}/2010-04-01/Accounts.json`, { method: 'POST', headers: { Authorization: `Bearer ${accessToken}` } }), 405, /not allowed/)
    })

    it('acts for the app’s own account with client credentials', async () => {
      const { accessToken, claims } = await client().clientCredentials()
      assert.equal(claims.sub, `trn:us1:iam:oauthapp:${sandbox.clientID}`)
      const { accounts } = (await (await get('/Accounts.json', accessToken)).json()) as { accounts: { sid: string }[] }
      assert.equal(accounts[0]?.sid, sandbox.people[0]?.accountSid)
    })
  })

  describe('failNext()', () => {
    const requestToken = () => post('v1', { grant_type: 'client_credentials' })

    it('makes one request fail per call, in order, and then requests succeed again', async () => {
      sandbox.failNext('token', 'server error')
      sandbox.failNext('token', 'throttled')
      assert.equal((await assertTwilioError(await requestToken(), 500, /^server_error: /)).code, 20500)
      const throttled = await requestToken()
      assert.equal(throttled.headers.get('retry-after'), '1')
      const { code, throttled_until: until = '' } = await assertTwilioError(throttled, 429, /Too many requests/)
      assert.equal(code, 20429)
      assert.ok(Date.parse(until) > Date.now())
      assert.equal((await requestToken()).status, 201)
    })

    it('sends a custom response, an HTML error, an empty body or invalid JSON', async () => {
      sandbox.failNext('token', { status: 200, body: 'null', headers: { 'Content-Type': 'application/json' } })
      assert.equal(await (await requestToken()).text(), 'null')
      sandbox.failNext('token', 'html error')
      assert.match(await (await requestToken()).text(), /502 Bad Gateway/)
      sandbox.failNext('token', 'empty')
      assert.equal(await (await requestToken()).text(), '')
      sandbox.failNext('token', 'not json')
      await assert.rejects((await requestToken()).json())
    })

    for (const fault of ['silent', 'silent after issuing', 'silent after headers'] as const) {
      it(`never completes the response with the fault ${fault}`, async () => {
        sandbox.failNext('token', fault)
        const body = encodeParameters(DIALECTS.v1, { grant_type: 'client_credentials', client_id: sandbox.clientID, client_secret: sandbox.clientSecret })
        const answer = fetch(`${sandbox.url}/v1/token`, { method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, signal: AbortSignal.timeout(150) })
        await assert.rejects(answer.then((response) => response.text()), { name: 'TimeoutError' })
        assert.equal(sandbox.counts.clientCredentials, fault === 'silent' ? 0 : 1)
        assert.equal(sandbox.requests[0]?.status, fault === 'silent' ? undefined : 201)
      })
    }

    for (const fault of ['cut short', 'reset'] as const) {
      it(`breaks the connection with the fault ${fault}`, async () => {
        sandbox.failNext('token', fault)
        await assert.rejects(requestToken().then((response) => response.text()), TypeError)
        assert.equal(sandbox.counts.clientCredentials, fault === 'cut short' ? 1 : 0)
      })
    }

    it('affects only the given endpoint', async () => {
      sandbox.failNext('api', 'server error')
      sandbox.failNext('authorize', 'server error')
      sandbox.failNext('keys', 'server error')
      assert.equal((await requestToken()).status, 201)
      assert.equal((await fetch(sandbox.jwksURL)).status, 500)
      assert.equal((await fetch(`${sandbox.apiURL}/2010-04-01/Accounts.json`)).status, 500)
      assert.equal((await fetch(client().authorizationURL({ redirectURI: REDIRECT_URI }))).status, 500)
    })

    it('throws a TypeError for an unknown endpoint or fault', () => {
      assert.throws(() => sandbox.failNext('token', 'toString' as 'silent'), TypeError)
      assert.throws(() => sandbox.failNext('toString' as 'token', 'silent'), TypeError)
    })
  })

  it('logs requests with all secrets masked', async () => {
    const codeVerifier = 'a-code-verifier-of-at-least-43-characters-00'
    const code = await codeFor('v2', { codeChallenge: createHash('sha256').update(codeVerifier).digest('base64url') })
    const tokens = await client('v2').exchangeCode({ code, redirectURI: REDIRECT_URI, codeVerifier })
    await client('v2').refresh(tokens.refreshToken ?? '')
    await fetch(`${sandbox.apiURL}/2010-04-01/Accounts.json`, { headers: { Authorization: `Bearer ${tokens.accessToken}` } })
    const log = JSON.stringify(sandbox.requests)
    for (const secret of [sandbox.clientSecret, code, codeVerifier, tokens.accessToken, tokens.refreshToken ?? '']) assert.ok(!log.includes(secret))
    assert.deepEqual(
      sandbox.requests.map(({ method, path, status }) => `${method} ${path} ${status ?? ''}`),
      ['GET /v2/authorize 302', 'GET /authorize 200', 'POST /authorize 302', 'POST /v2/token 200', 'POST /v2/token 200', 'GET /2010-04-01/Accounts.json 200']
    )
    assert.deepEqual(Object.keys(sandbox.requests[3]?.parameters ?? {}).sort(), ['client_id', 'client_secret', 'code', 'code_verifier', 'grant_type', 'redirect_uri'])
    const [exchange, refresh] = [sandbox.requests[3]?.parameters ?? {}, sandbox.requests[4]?.parameters ?? {}]
    assert.deepEqual([exchange.client_secret, refresh.refresh_token], ['…', '…'], 'long-lived secrets are masked completely')
    assert.equal(exchange.code, `${code.slice(0, 4)}…`, 'single-use values show their first characters')
  })

  it('keeps the last 1,000 requests in its log', async () => {
    for (let request = 0; request < 1010; request++) await fetch(`${sandbox.url}/${request}`)
    assert.equal(sandbox.requests.length, 1000)
    assert.equal(sandbox.requests[0]?.path, '/10')
  })

  it('rejects when the port is in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await assert.rejects(startSandbox({ port }), new RegExp(`port ${port} is already in use`))
    other.close()
  })

  it('rejects an empty list of people or apps', async () => {
    await assert.rejects(startSandbox({ people: [] }), /people must not be empty/)
    await assert.rejects(startSandbox({ apps: [] }), /apps must not be empty/)
  })

  it('stops immediately, even with requests that were never answered', async () => {
    sandbox.failNext('token', 'silent')
    const hanging = assert.rejects(post('v1', { grant_type: 'client_credentials' }))
    while (sandbox.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await sandbox.stop()
    await hanging
  })
})
