import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { inspect } from 'node:util'
import twilio from 'twilio'
import { TwilioOAuthClient, TwilioPermissionError, type TwilioTokens } from '../lib'
import { startSandbox, type Sandbox, type SandboxFault } from '../lib/sandbox'
import { listAccounts, tokenManager, twilioClient } from '../lib/sdk'

const REDIRECT_URI = 'http://localhost/callback'

describe("twilioClient() with a session's tokens", () => {
  let sandbox: Sandbox
  let client: TwilioOAuthClient
  beforeEach(async () => {
    sandbox = await startSandbox({ accountLogins: true })
    client = new TwilioOAuthClient({ clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url })
  })
  afterEach(async () => {
    mock.timers.reset()
    await sandbox.stop()
  })

  async function logIn(as?: string): Promise<TwilioTokens> {
    const callback = await sandbox.login(client.authorizationURL({ redirectURI: REDIRECT_URI, scope: 'offline_access' }), { as })
    return client.exchangeCode({ code: new URL(callback).searchParams.get('code') ?? '', redirectURI: REDIRECT_URI })
  }

  const api = () => ({ apiBaseURL: sandbox.apiURL })

  it("lists the numbers and messages of the token's account, and sends a message", async () => {
    const [, jonas] = sandbox.people
    const sdk = twilioClient(await logIn(jonas?.email), api())
    assert.equal(sdk.accountSid, jonas?.accountSid)
    const numbers = await sdk.incomingPhoneNumbers.list({ limit: 20 })
    assert.deepEqual(numbers.map(({ friendlyName, accountSid }) => [friendlyName, accountSid]), [
      ['Front desk', jonas?.accountSid],
      ['Support', jonas?.accountSid],
      ['Deliveries', jonas?.accountSid]
    ])
    assert.equal((await sdk.messages.list({ limit: 2, pageSize: 1 })).length, 2)
    const sent = await sdk.messages.create({ to: '+15550120', from: '+15550110', body: 'Hello' })
    assert.deepEqual([sent.body, sent.status, sent.dateCreated.getTime() > Date.now() - 5000], ['Hello', 'queued', true])
    assert.equal((await sdk.api.v2010.accounts(jonas?.accountSid ?? '').fetch()).friendlyName, jonas?.accountName)
  })

  it("rejects with the SDK's own error if the token has expired", async () => {
    const sdk = twilioClient(await logIn(), api())
    sandbox.expireAccessTokens()
    await assert.rejects(sdk.messages.list(), (error) => error instanceof twilio.RestException && error.status === 401 && error.code === 20003)
  })

  it('rejects with the name of a permission that the app lacks and where to grant it, unlike a 401 for a token that has ended', async () => {
    const sdk = twilioClient(await logIn(), api())
    sandbox.setPermissions([])
    for (const format of ['twilio', 'problem details'] as const) {
      if (format === 'problem details') {
        const body = JSON.stringify({ type: 'https://www.twilio.com/docs/errors/70051', title: 'Unauthorized', status: 401, code: 70051, detail: 'Authorization Error: required permission twilio/messaging/messages/list is missing' })
        sandbox.failNext('api', { status: 401, headers: { 'Content-Type': 'application/problem+json' }, body })
      }
      const error: unknown = await sdk.messages.list({ limit: 1 }).then(() => undefined, (reason: unknown) => reason)
      assert.ok(error instanceof TwilioPermissionError, String(error))
      assert.deepEqual([error.permission, error.code, error.twilioCode, error.status], ['twilio/messaging/messages/list', 'ERR_TWILIO_PERMISSION', 70051, 502])
      assert.match(error.message, /^The OAuth app lacks the permission twilio\/messaging\/messages\/list\. Grant it in the Twilio Console, .*Organization API access/)
    }
    sandbox.failNext('api', { status: 403, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: 70051, message: 'Not you.', status: 403 }) })
    await assert.rejects(sdk.messages.create({ to: '+1', from: '+1', body: 'a' }), { name: 'TwilioPermissionError', permission: undefined, message: /^Twilio did not authorize the call \(Not you\.\)\. .*lacks a permission.*or the account is suspended/ })
    assert.equal(sandbox.counts.refreshes, 0)
  })

  it('rejects without the token that the message about a missing permission repeats', async () => {
    const tokens = await logIn()
    for (const credentials of [tokens, { fetchToken: () => Promise.resolve(tokens.accessToken) }]) {
      const sdk = twilioClient(credentials, { ...api(), accountSid: `AC${'a'.repeat(32)}` })
      sandbox.failNext('api', { status: 403, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: 70051, message: `Not ${tokens.accessToken}.`, status: 403 }) })
      await assert.rejects(sdk.messages.list({ limit: 1 }), { name: 'TwilioPermissionError', message: /^Twilio did not authorize the call \(Not \[hidden\]\.\)/ })
    }
  })

  it("rejects with this package's errors, without the token, if a response is missing or cannot be used", async () => {
    const tokens = await logIn()
    const sdk = twilioClient(tokens, api())
    const faults: [SandboxFault, string][] = [
      ['reset', 'TwilioNetworkError'],
      ['cut short', 'TwilioNetworkError'],
      ['empty', 'TwilioResponseError'],
      ['not json', 'TwilioResponseError'],
      [{ status: 200, body: 'null' }, 'TwilioResponseError'],
      ['html error', 'RestException'],
      ['throttled', 'RestException']
    ]
    for (const [fault, name] of faults) {
      sandbox.failNext('api', fault)
      const error: unknown = await sdk.messages.list({ limit: 1 }).then(() => undefined, (reason: unknown) => reason)
      assert.ok(error instanceof Error)
      assert.equal(error.constructor.name, name, String(error))
      assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes(tokens.accessToken))
    }
    await sandbox.stop()
    await assert.rejects(sdk.messages.list({ limit: 1 }), { name: 'TwilioNetworkError', status: 502 })
  })

  it('rejects with TwilioTimeoutError if the API does not respond', async () => {
    const tokens = await logIn()
    const sdk = twilioClient(tokens, api())
    sandbox.failNext('api', 'silent')
    const request = sdk.httpClient.request({ method: 'get', uri: `${sandbox.apiURL}/2010-04-01/Accounts.json`, timeout: 50, headers: { Authorization: `Bearer ${tokens.accessToken}` } })
    await assert.rejects(Promise.resolve(request), { name: 'TwilioTimeoutError', status: 504 })
  })

  it('never uses an Auth Token from the environment', async () => {
    const kept = { ...process.env }
    Object.assign(process.env, { TWILIO_ACCOUNT_SID: `AC${'e'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'the-auth-token' })
    try {
      const sdk = twilioClient(await logIn(), api())
      assert.equal(sdk.accountSid, sandbox.people[0]?.accountSid)
      assert.deepEqual([sdk.username, sdk.password], [undefined, undefined])
      await sdk.messages.list({ limit: 1 })
    } finally {
      process.env = kept
    }
  })

  it('says what is missing if there are no tokens, or no account', () => {
    assert.throws(() => twilioClient(undefined), /twilioClient\(\) was called without tokens\. Is tokens\.fresh\(\) before this route\?/)
    const opaque: TwilioTokens = { accessToken: 'opaque', tokenType: 'Bearer', claims: {} }
    assert.throws(() => twilioClient(opaque), /Pass the account: twilioClient\(tokens, \{ accountSid \}\)/)
    assert.equal(twilioClient(opaque, { accountSid: `AC${'1'.repeat(32)}` }).accountSid, `AC${'1'.repeat(32)}`)
    assert.throws(() => twilioClient(opaque, { accountSid: '' }), /Pass the account/)
    for (const accountSid of ['AC1', `OR${'1'.repeat(32)}`, `AC${'1'.repeat(32)}/../x`]) assert.throws(() => twilioClient(opaque, { accountSid }), /^TypeError: accountSid must be the SID of an account/)
  })

  it('says that an account has to be chosen if the token acts for an organization', () => {
    const tokens: TwilioTokens = { accessToken: 'a', tokenType: 'Bearer', claims: { act: { sub: 'trn:us1:iam:organization:OR1' } } }
    assert.throws(() => twilioClient(tokens), { name: 'TypeError', message: /acts for an organization.*twilioClient\(tokens, \{ accountSid \}\)\. listAccounts\(tokens\)/ })
    assert.equal(twilioClient(tokens, { accountSid: `AC${'1'.repeat(32)}` }).accountSid, `AC${'1'.repeat(32)}`)
  })

  it("uses the token's region and its edge", () => {
    const inRegion = (region: string, options = {}) => {
      const sdk = twilioClient({ accessToken: 'a', tokenType: 'Bearer', claims: { 'urn:tw:rgn': region, act: { sub: `trn:${region}:iam:account:AC${'1'.repeat(32)}` } } }, options)
      return sdk.getHostname('api.twilio.com', sdk.edge, sdk.region)
    }
    assert.equal(inRegion('us1'), 'api.twilio.com')
    assert.equal(inRegion('ie1'), 'api.dublin.ie1.twilio.com')
    assert.equal(inRegion('au1'), 'api.sydney.au1.twilio.com')
    assert.equal(inRegion('ie1', { edge: 'frankfurt' }), 'api.frankfurt.ie1.twilio.com')
    assert.equal(inRegion('jp1'), 'api.jp1.twilio.com')
  })

  it("uses Twilio's default region if the token's is not the name of one, so that a claim never becomes a host name", () => {
    for (const region of ['evil.example/', 'evil.example#', 'x@evil.example', '../us1', 'us1.evil', 'IE1', 'ie', 'ie12', 'ie1\n', 'dublin', 'constructor', ' ie1']) {
      const sdk = twilioClient({ accessToken: 'a', tokenType: 'Bearer', claims: { 'urn:tw:rgn': region } }, { accountSid: `AC${'1'.repeat(32)}` })
      assert.equal(sdk.getHostname('api.twilio.com', sdk.edge, sdk.region), 'api.twilio.com', region)
    }
  })

  it('shares connections between requests, unless it is given an HTTP client', async () => {
    const tokens = await logIn()
    assert.equal(twilioClient(tokens).httpClient, twilioClient(tokens).httpClient)
    assert.equal(twilioClient(tokens, api()).httpClient, twilioClient(tokens, api()).httpClient)
    const own = new twilio.RequestClient({ timeout: 5 })
    assert.equal(twilioClient(tokens, { httpClient: own }).httpClient, own)
  })

  describe('with a tokenManager()', () => {
    it('requests one token for any number of concurrent calls, and reuses it', async () => {
      const manager = tokenManager(client, { scope: 'a-scope', audience: 'https://api.twilio.com' })
      const sdk = twilioClient(manager, { ...api(), accountSid: sandbox.people[0]?.accountSid })
      await Promise.all(Array.from({ length: 10 }, () => sdk.messages.list({ limit: 1 })))
      await sdk.incomingPhoneNumbers.list()
      assert.equal(sandbox.counts.clientCredentials, 1)
      const asked = sandbox.requests.find(({ path }) => path === '/v1/token')
      assert.deepEqual([asked?.parameters.Scope, asked?.parameters.Audience], ['a-scope', 'https://api.twilio.com'])
    })

    it('requests another token when the current one is about to expire', async () => {
      mock.timers.enable({ apis: ['Date'], now: Date.now() })
      const manager = tokenManager(client, { leeway: 10_000 })
      const first = await manager.fetchToken()
      mock.timers.tick(3_589_000)
      assert.equal(await manager.fetchToken(), first)
      mock.timers.tick(2000)
      const [second, same] = await Promise.all([manager.fetchToken(), manager.fetchToken()])
      assert.notEqual(second, first)
      assert.equal(same, second)
      assert.equal(sandbox.counts.clientCredentials, 2)
    })

    it('requests a token again after an error', async () => {
      const manager = tokenManager(client)
      sandbox.failNext('token', 'server error')
      await assert.rejects(manager.fetchToken(), { name: 'TwilioTokenError' })
      assert.match(await manager.fetchToken(), /^ey/)
    })

    it('requests one other token if Twilio has ended the current one early, and retries the calls that it refused', async () => {
      const manager = tokenManager(client)
      const sdk = twilioClient(manager, { ...api(), accountSid: sandbox.accountSid })
      await sdk.messages.list({ limit: 1 })
      sandbox.expireAccessTokens()
      const lists = await Promise.all(Array.from({ length: 5 }, () => sdk.messages.list({ limit: 1 })))
      assert.deepEqual(lists.map(({ length }) => length), [1, 1, 1, 1, 1])
      const sent = await sdk.messages.create({ to: '+15550120', from: '+15550110', body: 'Hello' })
      assert.equal(sent.body, 'Hello')
      assert.equal(sandbox.counts.clientCredentials, 2)
    })

    it('retries once only, and not at all if another token was refused before', async () => {
      const sdk = twilioClient(tokenManager(client), { ...api(), accountSid: sandbox.accountSid })
      const refuse = { status: 401, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: 20003, message: 'Authenticate', status: 401 }) }
      const isRefused = (error: unknown) => error instanceof twilio.RestException && error.code === 20003
      for (let call = 0; call < 3; call++) sandbox.failNext('api', refuse)
      await assert.rejects(sdk.messages.list({ limit: 1 }), isRefused)
      assert.equal(sandbox.counts.clientCredentials, 2)
      await assert.rejects(sdk.messages.list({ limit: 1 }), isRefused)
      assert.equal(sandbox.counts.clientCredentials, 2)
      await sdk.messages.list({ limit: 1 })
    })

    it('does not request another token for a missing permission', async () => {
      sandbox.setPermissions([])
      const sdk = twilioClient(tokenManager(client), { ...api(), accountSid: sandbox.accountSid })
      await assert.rejects(sdk.messages.list({ limit: 1 }), TwilioPermissionError)
      assert.equal(sandbox.counts.clientCredentials, 1)
    })

    it('requests another token after expire(), unless the given token is no longer the current one', async () => {
      const manager = tokenManager(client)
      manager.expire()
      const first = await manager.fetchToken()
      manager.expire('another token')
      assert.equal(await manager.fetchToken(), first)
      manager.expire(first)
      const [second, same] = await Promise.all([manager.fetchToken(), manager.fetchToken()])
      assert.notEqual(second, first)
      assert.equal(same, second)
      manager.expire(first)
      assert.equal(await manager.fetchToken(), second)
      manager.expire()
      assert.notEqual(await manager.fetchToken(), second)
      assert.equal(sandbox.counts.clientCredentials, 3)
    })

    it("rejects with the token request's own error, its code and status included", async () => {
      const wrong = new TwilioOAuthClient({ clientID: sandbox.clientID, clientSecret: 'wrong', baseURL: sandbox.url })
      const sdk = twilioClient(tokenManager(wrong), { ...api(), accountSid: sandbox.accountSid })
      await assert.rejects(sdk.messages.list({ limit: 1 }), { name: 'TwilioTokenError', code: 'invalid_client', twilioStatus: 401 })
    })

    it("uses a token manager without expire(), such as the SDK's own, and does not retry", async () => {
      const { accessToken } = await client.clientCredentials()
      const sdk = twilioClient({ fetchToken: () => Promise.resolve(accessToken) }, { ...api(), accountSid: sandbox.accountSid })
      await sdk.messages.list({ limit: 1 })
      sandbox.expireAccessTokens()
      await assert.rejects(sdk.messages.list({ limit: 1 }), { status: 401, code: 20003 })
    })
  })
})

describe('listAccounts()', () => {
  let sandbox: Sandbox
  let client: TwilioOAuthClient
  beforeEach(async () => {
    sandbox = await startSandbox()
    client = new TwilioOAuthClient({ clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url })
  })
  afterEach(() => sandbox.stop())

  const api = () => ({ apiBaseURL: sandbox.apiURL })

  async function logIn(): Promise<TwilioTokens> {
    const callback = await sandbox.login(client.authorizationURL({ redirectURI: REDIRECT_URI, scope: 'offline_access' }))
    return client.exchangeCode({ code: new URL(callback).searchParams.get('code') ?? '', redirectURI: REDIRECT_URI })
  }

  it("lists the accounts that an organization's token reaches, and twilioClient() works in each of them", async () => {
    const tokens = await logIn()
    const accounts = await listAccounts(tokens, api())
    assert.deepEqual(accounts.map(({ friendlyName, status }) => [friendlyName, status]), [['Okafor Couriers', 'active'], ['Fjord Clinic', 'active'], ['Zhào Books', 'active']])
    for (const { accountSid } of accounts) {
      const [message] = await twilioClient(tokens, { ...api(), accountSid }).messages.list({ limit: 1 })
      assert.equal(message?.accountSid, accountSid)
    }
  })

  it('lists at most limit accounts', async () => {
    assert.equal((await listAccounts(await logIn(), { ...api(), limit: 2 })).length, 2)
  })

  it('fetches every page', async () => {
    const account = (number: number) => ({ sid: `AC${number}`, friendly_name: `Account ${number}`, status: 'active', auth_token: 'the-auth-token' })
    const page = (accounts: unknown[], next: string | null) => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ accounts, next_page_uri: next }) })
    sandbox.failNext('api', page([account(1), account(2)], '/2010-04-01/Accounts.json?Page=1'))
    sandbox.failNext('api', page([account(3)], null))
    const accounts = await listAccounts(await logIn(), api())
    assert.deepEqual(accounts.map(({ accountSid }) => accountSid), ['AC1', 'AC2', 'AC3'])
    assert.doesNotMatch(JSON.stringify(accounts), /the-auth-token/)
  })

  it('lists the accounts of a token manager', async () => {
    const [, job] = sandbox.apps
    const jobClient = new TwilioOAuthClient({ clientID: job?.clientID ?? '', clientSecret: job?.clientSecret ?? '', baseURL: sandbox.url })
    assert.deepEqual((await listAccounts(tokenManager(jobClient), api())).map(({ accountSid }) => accountSid), [sandbox.accountSid])
  })

  it('names the missing permission if the app may not list accounts, and rejects with 20003 if the token has ended', async () => {
    const tokens = await logIn()
    sandbox.expireAccessTokens()
    await assert.rejects(listAccounts(tokens, api()), { status: 401, code: 20003 })
    sandbox.setPermissions([])
    await assert.rejects(listAccounts(await logIn(), api()), { name: 'TwilioPermissionError', permission: 'twilio/iam/accounts/list' })
    await assert.rejects(listAccounts(undefined), /listAccounts\(\) was called without tokens/)
  })
})
