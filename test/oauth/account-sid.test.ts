import assert from 'node:assert/strict'
import { TwilioOAuthClient, TwilioStrategy } from '../../lib'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { loginApp, Visitor } from '../support/login-app'

describe("accountSid, for v2's token call", () => {
  let sandbox: Sandbox
  beforeEach(async () => {
    sandbox = await startSandbox({ apps: [{}, { grantType: 'client_credentials' }] })
  })
  afterEach(() => sandbox.stop())

  it('is sent as account_sid in the query of every token call, and the tokens act for that account', async () => {
    const accountSid = sandbox.people[1]?.accountSid ?? ''
    const { app } = loginApp(sandbox, { strategy: { apiVersion: 'v2', accountSid } })
    const visitor = new Visitor(app, sandbox)
    await visitor.logIn()
    await visitor.agent.post('/expire').expect(204)
    await visitor.get('/account').expect(200)
    const job = sandbox.apps[1]
    const client = new TwilioOAuthClient({ clientID: job?.clientID ?? '', clientSecret: job?.clientSecret, baseURL: sandbox.url, apiVersion: 'v2', accountSid })
    const { claims } = await client.clientCredentials()
    assert.deepEqual(claims.act, { sub: `trn:us1:iam:account:${accountSid}` })
    const calls = sandbox.requests.filter(({ path }) => path === '/v2/token')
    assert.deepEqual(calls.map(({ parameters: { grant_type, account_sid }, status }) => [grant_type, account_sid, status]), [
      ['authorization_code', accountSid, 200],
      ['refresh_token', accountSid, 200],
      ['client_credentials', accountSid, 200]
    ])
  })

  it('is added to the query of a tokenURL that has one', async () => {
    const accountSid = sandbox.people[0]?.accountSid ?? ''
    const job = sandbox.apps[1]
    const client = new TwilioOAuthClient({ clientID: job?.clientID ?? '', clientSecret: job?.clientSecret, tokenURL: `${sandbox.url}/v2/token?a=b`, apiVersion: 'v2', accountSid })
    await client.clientCredentials()
    assert.deepEqual([sandbox.requests[0]?.parameters.a, sandbox.requests[0]?.parameters.account_sid], ['b', accountSid])
  })

  it('must be the SID of an account, on v2', () => {
    const options = { clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, callbackURL: '/callback' }
    for (const accountSid of ['', 'AC1', `OR${'1'.repeat(32)}`, `AC${'1'.repeat(32)}&a=b`, `xAC${'1'.repeat(32)}`, `AC${'1'.repeat(33)}`, `AC${'g'.repeat(32)}`]) {
      assert.throws(() => new TwilioStrategy({ ...options, apiVersion: 'v2', accountSid }, () => undefined), /^TypeError: accountSid must be the SID of an account/)
    }
    assert.throws(() => new TwilioStrategy({ ...options, accountSid: sandbox.accountSid }, () => undefined), /^TypeError: accountSid needs apiVersion: 'v2'/)
  })
})
