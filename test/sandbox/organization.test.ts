import assert from 'node:assert/strict'
import { TwilioOAuthClient, TwilioTokenError, type TwilioTokens } from '../../lib'
import { codeChallengeOf, newCodeVerifier } from '../../lib/login/pkce'
import type { ApiVersion } from '../../lib/oauth/dialect'
import { PERMISSIONS, startSandbox, type Sandbox, type SandboxApp, type SandboxOptions } from '../../lib/sandbox'

const REDIRECT_URI = 'http://localhost:3000/auth/twilio/callback'

interface ErrorBody {
  readonly code: number
  readonly message: string
  readonly status: number
}

describe('the sandbox with the OAuth apps that Twilio has', () => {
  let sandbox: Sandbox
  let logins: SandboxApp
  let job: SandboxApp

  async function start(options: SandboxOptions = {}): Promise<void> {
    await (sandbox as Sandbox | undefined)?.stop()
    sandbox = await startSandbox(options)
    const [first, second] = sandbox.apps
    assert.ok(first)
    logins = first
    job = second ?? first
  }
  beforeEach(() => start())
  afterEach(() => sandbox.stop())

  const client = ({ clientID, clientSecret = '' }: SandboxApp, apiVersion: ApiVersion = 'v1') => new TwilioOAuthClient({ clientID, clientSecret, baseURL: sandbox.url, apiVersion })

  async function logIn({ app = logins, apiVersion = 'v1', as, scope = 'offline_access' }: { app?: SandboxApp; apiVersion?: ApiVersion; as?: string | undefined; scope?: string } = {}): Promise<TwilioTokens> {
    const oauth = client(app, apiVersion)
    const callback = await sandbox.login(oauth.authorizationURL({ redirectURI: REDIRECT_URI, scope }), { as })
    return oauth.exchangeCode({ code: new URL(callback).searchParams.get('code') ?? '', redirectURI: REDIRECT_URI })
  }

  const get = (path: string, { accessToken }: TwilioTokens) => fetch(sandbox.apiURL + path, { headers: { Authorization: `Bearer ${accessToken}` } })

  async function assertRefused(response: Response, status: number, code: number): Promise<string> {
    const body = (await response.json()) as ErrorBody
    assert.deepEqual([response.status, body.status, body.code], [status, status, code], body.message)
    return body.message
  }

  async function assertNoGrant(promise: Promise<unknown>, code: string): Promise<void> {
    await assert.rejects(promise, (error) => error instanceof TwilioTokenError && error.code === code)
  }

  for (const apiVersion of ['v1', 'v2'] as const) {
    it(`issues a token that acts for the organization and names no account and no person, on ${apiVersion}`, async () => {
      const { claims } = await logIn({ apiVersion })
      assert.equal(claims.sub, `trn:us1:iam:oauthapp:${logins.clientID}`)
      assert.deepEqual(claims.act, { sub: `trn:us1:iam:organization:${sandbox.organizationSid}` })
      assert.doesNotMatch(JSON.stringify(claims), /AC[0-9a-f]{32}|US[0-9a-f]{32}/)
    })

    it(`lets an account's app use client credentials only, and an organization's app the grant that it was made for, on ${apiVersion}`, async () => {
      await assert.rejects(logIn({ app: job, apiVersion }), /This OAuth app cannot log people in/)
      await assertNoGrant(client(logins, apiVersion).clientCredentials(), 'unauthorized_client')
      await assertNoGrant(client(job, apiVersion).refresh('a-refresh-token'), 'unauthorized_client')
      const { claims } = await client(job, apiVersion).clientCredentials()
      assert.deepEqual(claims.act, { sub: `trn:us1:iam:account:${sandbox.accountSid}` })
      await start({ apps: [{ grantType: 'client_credentials' }] })
      await assert.rejects(logIn({ apiVersion }), /This OAuth app cannot log people in/)
      const own = await client(logins, apiVersion).clientCredentials()
      assert.deepEqual(own.claims.act, { sub: `trn:us1:iam:organization:${sandbox.organizationSid}` })
    })
  }

  it("names the person in the ID token, with the scope openid", async () => {
    const { idToken = '' } = await logIn({ scope: 'openid', as: 'Jonas Lindqvist' })
    assert.match(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString(), /"sub":"trn:us1:iam:user:US.*Jonas/)
  })

  it('lets owners and administrators approve the app, but not members: the request then waits for somebody who can', async () => {
    for (const { name, role } of sandbox.people) {
      if (role === 'member') await assert.rejects(logIn({ as: name }), /Only an owner or administrator of the organization can approve this app/)
      else await logIn({ as: name })
    }
    assert.ok(sandbox.people.some(({ role }) => role === 'member'))
    const page = await client(logins).resolveAuthorization({ redirectURI: REDIRECT_URI })
    await assert.rejects(sandbox.login(page, { as: 'Tomás Rivera' }))
    assert.match(await sandbox.login(page), /[?&]code=/)
  })

  it("reaches all accounts of the organization with its token, and with an account's token that account only", async () => {
    const sidsFor = async (tokens: TwilioTokens) => ((await (await get('/2010-04-01/Accounts.json', tokens)).json()) as { accounts: { sid: string }[] }).accounts.map(({ sid }) => sid)
    const [tokens, jobTokens] = [await logIn(), await client(job).clientCredentials()]
    const accountSids = [...new Set(sandbox.people.map(({ accountSid }) => accountSid))]
    assert.equal(accountSids.length, 3)
    assert.deepEqual(await sidsFor(tokens), accountSids)
    assert.deepEqual(await sidsFor(jobTokens), [sandbox.accountSid])
    for (const accountSid of accountSids) assert.equal((await get(`/2010-04-01/Accounts/${accountSid}/Messages.json`, tokens)).status, 200)
    await assertRefused(await get(`/2010-04-01/Accounts/${accountSids[1] ?? ''}/Messages.json`, jobTokens), 404, 20404)
    await assertRefused(await get('/2010-04-01/Accounts//Messages.json', tokens), 404, 20404)
  })

  it("refuses what the app's permissions do not include, with 401, the code 70051 and Twilio's words", async () => {
    await start({ apps: [{ permissions: ['twilio/messaging/messages/create'] }] })
    const tokens = await logIn()
    const messages = `/2010-04-01/Accounts/${sandbox.accountSid}/Messages.json`
    assert.equal(await assertRefused(await get(messages, tokens), 401, 70051), 'Authorization Error: required permission twilio/messaging/messages/list is missing')
    const form = new URLSearchParams({ To: '+15550100', From: '+15550101', Body: 'Hello' })
    assert.equal((await fetch(sandbox.apiURL + messages, { method: 'POST', body: form, headers: { Authorization: `Bearer ${tokens.accessToken}` } })).status, 201)
    sandbox.setPermissions(PERMISSIONS)
    assert.equal((await get(messages, tokens)).status, 200)
  })

  it('asks for a permission of its own for each operation', async () => {
    const tokens = await logIn()
    const userSid = sandbox.people[0]?.userSid ?? ''
    const { accountSid, organizationSid } = sandbox
    const paths = [
      '/2010-04-01/Accounts.json',
      `/2010-04-01/Accounts/${accountSid}.json`,
      `/2010-04-01/Accounts/${accountSid}/Messages.json`,
      `/2010-04-01/Accounts/${accountSid}/IncomingPhoneNumbers.json`,
      `/Organizations/${organizationSid}/Accounts`,
      `/Organizations/${organizationSid}/Accounts/${accountSid}`,
      `/Organizations/${organizationSid}/scim/Users`,
      `/scim/v2/Users/${userSid}`
    ]
    for (const path of paths) assert.equal((await get(path, tokens)).status, 200, path)
    sandbox.setPermissions([])
    const missing = await Promise.all(paths.map(async (path) => /permission (\S+) is missing/.exec(await assertRefused(await get(path, tokens), 401, 70051))?.[1]))
    assert.deepEqual([...missing, 'twilio/messaging/messages/create'].sort(), [...PERMISSIONS])
  })

  it("lists the organization's accounts page by page, and its users, for an organization's token only", async () => {
    const tokens = await logIn()
    const path = `/Organizations/${sandbox.organizationSid}/Accounts`
    const page = (await (await get(`${path}?PageSize=2`, tokens)).json()) as { content: { account_sid: string }[]; meta: { next_page_url: string } }
    const next = (await (await get(page.meta.next_page_url.replace(sandbox.url, ''), tokens)).json()) as { content: { account_sid: string }[]; meta: { next_page_url: null } }
    assert.deepEqual([page.content.length, next.content.length, next.meta.next_page_url], [2, 1, null])
    const users = (await (await get(`/scim/v2/Users?filter=${encodeURIComponent('userName eq "jonas@fjordclinic.example"')}`, tokens)).json()) as { Resources: { displayName: string }[]; totalResults: number }
    assert.deepEqual([users.totalResults, users.Resources[0]?.displayName], [1, 'Jonas Lindqvist'])
    await assertRefused(await get(path, await client(job).clientCredentials()), 403, 20003)
    await assertRefused(await get('/scim/v2/Users?filter=x', tokens), 400, 20001)
    await assertRefused(await get('/Organizations/OR1/Accounts', tokens), 404, 20404)
  })

  it('ends the tokens of an app whose secret is rotated, and no other app’s', async () => {
    await start({ apps: [{}, {}] })
    const [tokens, others, oldSecret] = [await logIn(), await logIn({ app: job }), sandbox.clientSecret]
    const newSecret = sandbox.rotateSecret()
    assert.notEqual(newSecret, oldSecret)
    assert.equal(sandbox.clientSecret, newSecret)
    await assertRefused(await get('/2010-04-01/Accounts.json', tokens), 401, 20003)
    assert.equal((await get('/2010-04-01/Accounts.json', others)).status, 200)
    await assertNoGrant(client({ ...logins, clientSecret: oldSecret }).refresh(tokens.refreshToken ?? ''), 'invalid_client')
    await assertNoGrant(client(logins).refresh(tokens.refreshToken ?? ''), 'invalid_grant')
    assert.equal((await get('/2010-04-01/Accounts.json', await logIn())).status, 200)
  })

  it('leaves a token valid when the app gets another one', async () => {
    const first = await client(job).clientCredentials()
    const second = await client(job).clientCredentials()
    for (const tokens of [first, second]) assert.equal((await get('/2010-04-01/Accounts.json', tokens)).status, 200)
  })

  it('ends the tokens of an app that is deleted', async () => {
    const tokens = await logIn()
    sandbox.deleteApp()
    await assertRefused(await get('/2010-04-01/Accounts.json', tokens), 401, 20003)
    await assertNoGrant(client(logins).refresh(tokens.refreshToken ?? ''), 'invalid_client')
    assert.throws(() => sandbox.deleteApp(), /No OAuth app with the client ID OQ\w+ is registered/)
    assert.throws(() => sandbox.setPermissions([], 'OQ1'), TypeError)
    assert.throws(() => sandbox.rotateSecret('OQ1'), TypeError)
  })

  it("lets v2's token call name one of the organization's accounts, in the query or in the body", async () => {
    const accountSid = sandbox.people[1]?.accountSid ?? ''
    const { clientID, clientSecret = '' } = job
    await start({ apps: [{ clientID, clientSecret, grantType: 'client_credentials' }] })
    const post = (version: string, inQuery: string, inBody: string) =>
      fetch(`${sandbox.url}/${version}/token${inQuery}`, { method: 'POST', body: new URLSearchParams(`grant_type=client_credentials&client_id=${clientID}&client_secret=${clientSecret}${inBody}`) })
    for (const [inQuery, inBody] of [[`?account_sid=${accountSid}`, ''], ['', `&account_sid=${accountSid}`], [`?account_sid=${accountSid}`, `&account_sid=${accountSid}`]] as const) {
      const { access_token: accessToken } = (await (await post('v2', inQuery, inBody)).json()) as { access_token: string }
      assert.match(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString(), new RegExp(`"act":{"sub":"trn:us1:iam:account:${accountSid}"}`))
    }
    assert.match(await assertRefused(await post('v2', `?account_sid=${accountSid}`, `&account_sid=${sandbox.accountSid}`), 400, 20001), /more than once/)
    assert.match(await assertRefused(await post('v2', `?account_sid=AC${'0'.repeat(32)}`, ''), 400, 20001), /not an account that this OAuth app can act for/)
    const onV1 = new URLSearchParams({ GrantType: 'client_credentials', ClientId: clientID, ClientSecret: clientSecret })
    assert.match(await assertRefused(await fetch(`${sandbox.url}/v1/token?account_sid=${accountSid}`, { method: 'POST', body: onV1 }), 400, 20001), /account_sid is not a parameter of this version/)
  })

  it('sends errors as problem details, with errorFormat', async () => {
    await start({ errorFormat: 'problem details', apps: [{ permissions: [] }] })
    const response = await get('/2010-04-01/Accounts.json', await logIn())
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual(await response.json(), {
      type: 'https://www.twilio.com/docs/errors/70051',
      title: 'Unauthorized',
      status: 401,
      code: 70051,
      detail: 'Authorization Error: required permission twilio/iam/accounts/list is missing'
    })
    await assertNoGrant(client(logins).refresh('unknown'), 'invalid_grant')
  })

  describe('with a public client', () => {
    beforeEach(() => start({ apps: [{ isPublic: true }] }))

    async function post(version: ApiVersion, parameters: Readonly<Record<string, string>>): Promise<Response> {
      return fetch(`${sandbox.url}/${version}/token`, { method: 'POST', body: new URLSearchParams(parameters) })
    }

    it('issues tokens for a code verifier instead of a client secret, on v2 only', async () => {
      const { clientID } = sandbox
      const codeVerifier = newCodeVerifier()
      const authorizeURL = (challenge: string) => `${sandbox.url}/v2/authorize?${new URLSearchParams({ response_type: 'code', client_id: clientID, redirect_uri: REDIRECT_URI, scope: 'offline_access' }).toString()}${challenge}`
      await assert.rejects(sandbox.login(authorizeURL('')), /public client, which needs PKCE/)
      const callback = await sandbox.login(authorizeURL(`&code_challenge_method=S256&code_challenge=${codeChallengeOf(codeVerifier)}`))
      const exchange = { grant_type: 'authorization_code', client_id: clientID, code: new URL(callback).searchParams.get('code') ?? '', redirect_uri: REDIRECT_URI }
      await assertRefused(await post('v2', { ...exchange, client_secret: 'a secret', code_verifier: codeVerifier }), 401, 20003)
      assert.match(await assertRefused(await post('v2', exchange), 400, 20001), /^invalid_grant/)
      const response = await post('v2', { ...exchange, code_verifier: codeVerifier })
      assert.equal(response.status, 200)
      const { refresh_token: refreshToken } = (await response.json()) as { refresh_token: string }
      assert.equal((await post('v2', { grant_type: 'refresh_token', client_id: clientID, refresh_token: refreshToken })).status, 200)
      await assertRefused(await post('v2', { grant_type: 'client_credentials', client_id: clientID }), 400, 20001)
      assert.match(await assertRefused(await post('v1', { GrantType: 'refresh_token', ClientId: clientID, RefreshToken: refreshToken }), 400, 20001), /needs v2/)
      assert.match(await assertRefused(await fetch(`${sandbox.url}/v1/authorize?ResponseType=code&ClientId=${clientID}&RedirectUri=${encodeURIComponent(REDIRECT_URI)}`), 400, 20001), /needs v2/)
    })

    it('has no secret to show or to rotate', () => {
      assert.deepEqual([sandbox.clientSecret, sandbox.apps[0]?.clientSecret], ['', undefined])
      assert.throws(() => sandbox.rotateSecret(), /public client, which has no client secret/)
    })
  })

  it('serves the metadata of an authorization server (RFC 8414)', async () => {
    const { url } = sandbox
    assert.deepEqual(await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json(), {
      issuer: url,
      authorization_endpoint: `${url}/v2/authorize`,
      token_endpoint: `${url}/v2/token`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'none']
    })
  })

  it("refuses an account's app for logins, which Twilio does not offer, unless accountLogins is set", async () => {
    await assert.rejects(startSandbox({ apps: [{ owner: 'account', grantType: 'authorization_code' }] }), /client_credentials only/)
    await start({ accountLogins: true, apps: [{}] })
    const { claims } = await logIn({ as: 'Tomás Rivera' })
    const person = sandbox.people.find(({ name }) => name === 'Tomás Rivera')
    assert.deepEqual({ sub: claims.sub, act: claims.act }, { sub: `trn:us1:iam:user:${person?.userSid ?? ''}`, act: { sub: `trn:us1:iam:account:${person?.accountSid ?? ''}` } })
    assert.deepEqual((await client(logins).clientCredentials()).claims.act, { sub: `trn:us1:iam:account:${sandbox.accountSid}` })
  })
})
