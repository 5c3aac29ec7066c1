import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { inspect } from 'node:util'
import twilio from 'twilio'
import { TwilioOAuthClient, type TwilioTokens } from '../lib'
import { startSandbox, type Sandbox, type SandboxFault } from '../lib/sandbox'
import { tokenManager, twilioClient } from '../lib/sdk'

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

  it("says where to grant a permission that the app lacks, in the SDK's own error", async () => {
    const sdk = twilioClient(await logIn(), api())
    const message = 'Authorization Error: required permission twilio/messaging/messages/list is missing'
    for (const call of [() => sdk.messages.list({ limit: 1 }), () => sdk.messages('SM1').fetch()]) {
      sandbox.failNext('api', { status: 401, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: 70051, message, status: 401 }) })
      const error: unknown = await call().then(() => undefined, (reason: unknown) => reason)
      assert.ok(error instanceof twilio.RestException)
      assert.deepEqual([error.status, error.code, error.message], [401, 70051, `${message}. Grant the OAuth app this permission in the Twilio Console.`])
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
    assert.throws(() => twilioClient(undefined), /twilioClient\(\) was given no tokens\. Is tokens\.fresh\(\) before this route\?/)
    const opaque: TwilioTokens = { accessToken: 'opaque', tokenType: 'Bearer', claims: {} }
    assert.throws(() => twilioClient(opaque), /Pass the account: twilioClient\(tokens, \{ accountSid \}\)/)
    assert.equal(twilioClient(opaque, { accountSid: `AC${'1'.repeat(32)}` }).accountSid, `AC${'1'.repeat(32)}`)
    assert.equal(twilioClient({ ...opaque, claims: { act: { sub: 'trn:us1:iam:organization:OR1' } } }).accountSid, '')
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
  })
})
