import assert from 'node:assert/strict'
import { mock } from 'node:test'
import twilio from 'twilio'
import { OauthAuthorizationServerListInstance } from 'twilio/lib/rest/oauth/v2/oauthAuthorizationServer'
import { codeChallengeOf, newCodeVerifier } from '../lib/login/pkce'
import { startSandbox, type Sandbox, type SandboxApp } from '../lib/sandbox'

const REDIRECT_URI = 'http://localhost/callback'

interface Claims {
  readonly act: { readonly sub: string }
}

function claimsIn(accessToken: string): Claims {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as Claims
}

/** Nothing of this package but its sandbox: what other people's code does with Twilio, it must be able to do here. */
describe("Twilio's official SDK on the sandbox", () => {
  let sandbox: Sandbox
  let organizationJob: SandboxApp
  let logins: SandboxApp
  let accountJob: SandboxApp

  beforeEach(async () => {
    sandbox = await startSandbox({ apps: [{}, { grantType: 'client_credentials' }, { owner: 'account' }] })
    const [first, second, third] = sandbox.apps
    assert.ok(first && second && third)
    ;[logins, organizationJob, accountJob] = [first, second, third]
    // The SDK's token managers create clients of their own, which cannot be given another host.
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the client as `this`
    const send = twilio.RequestClient.prototype.request
    mock.method(twilio.RequestClient.prototype, 'request', function (this: twilio.RequestClient, options: Parameters<typeof send>[0]) {
      const { pathname, search } = new URL(options.uri)
      return send.call(this, { ...options, uri: sandbox.url + pathname + search })
    })
  })
  afterEach(async () => {
    mock.restoreAll()
    await sandbox.stop()
  })

  const unauthenticated = () => {
    const client = new twilio.Twilio()
    client.setCredentialProvider(new twilio.NoAuthCredentialProvider())
    return client
  }
  const credentialsOf = ({ clientID, clientSecret = '' }: SandboxApp) => ({ clientId: clientID, clientSecret })

  /** @param authorization the response of the authorize endpoint, which the SDK's types don't have */
  async function codeFrom(authorization: Promise<void>): Promise<string> {
    const { redirect_to: page } = (await (authorization as Promise<unknown>)) as { redirect_to: string }
    return new URL(await sandbox.login(page)).searchParams.get('code') ?? ''
  }

  it('gets tokens on v1 with its own OAuth resources: the authorization, a code, a refresh, and client credentials', async () => {
    const { authorize, token } = unauthenticated().oauth.v1
    const code = await codeFrom(authorize.fetch({ responseType: 'code', clientId: logins.clientID, redirectUri: REDIRECT_URI, scope: 'offline_access' }))
    const issued = await token.create({ grantType: 'authorization_code', ...credentialsOf(logins), code, redirectUri: REDIRECT_URI })
    assert.equal(claimsIn(issued.accessToken).act.sub, `trn:us1:iam:organization:${sandbox.organizationSid}`)
    const refreshed = await token.create({ grantType: 'refresh_token', ...credentialsOf(logins), refreshToken: issued.refreshToken })
    assert.notEqual(refreshed.accessToken, issued.accessToken)
    const own = await token.create({ grantType: 'client_credentials', ...credentialsOf(accountJob) })
    assert.equal(claimsIn(own.accessToken).act.sub, `trn:us1:iam:account:${sandbox.accountSid}`)
  })

  it('gets tokens on v2 with its own OAuth resources, with PKCE, and for an account that it names in the body', async () => {
    const { authorize, token } = unauthenticated().oauth.v2
    const codeVerifier = newCodeVerifier()
    const request = { responseType: 'code', clientId: logins.clientID, redirectUri: REDIRECT_URI, scope: 'offline_access', codeChallenge: codeChallengeOf(codeVerifier), codeChallengeMethod: 'S256' } as const
    const issued = await token.create({ grantType: 'authorization_code', ...credentialsOf(logins), code: await codeFrom(authorize.fetch(request)), redirectUri: REDIRECT_URI, codeVerifier })
    assert.equal(claimsIn(issued.accessToken).act.sub, `trn:us1:iam:organization:${sandbox.organizationSid}`)
    const own = await token.create({ grantType: 'client_credentials', ...credentialsOf(organizationJob), accountSid: sandbox.accountSid })
    assert.equal(claimsIn(own.accessToken).act.sub, `trn:us1:iam:account:${sandbox.accountSid}`)
  })

  it('reads the metadata of the authorization server', async () => {
    const { oauth } = unauthenticated()
    const wellKnown = Object.assign(Object.create(oauth.v2) as typeof oauth.v2, { _version: '.well-known' })
    const metadata = await OauthAuthorizationServerListInstance(wellKnown).fetch()
    assert.deepEqual([metadata.issuer, metadata.tokenEndpoint], [sandbox.url, `${sandbox.url}/v2/token`])
  })

  it("calls the API with its credential provider for an account's app", async () => {
    const client = new twilio.Twilio(undefined, undefined, { accountSid: sandbox.accountSid })
    const { clientId, clientSecret } = credentialsOf(accountJob)
    client.setCredentialProvider(new twilio.ClientCredentialProviderBuilder().setClientId(clientId).setClientSecret(clientSecret).build())
    client.setAccountSid(sandbox.accountSid)
    assert.equal((await client.messages.list({ limit: 3 })).length, 3)
    assert.equal(sandbox.counts.clientCredentials, 1, 'one page, one token: the SDK requests a token for each call')
    sandbox.setPermissions([], accountJob.clientID)
    await assert.rejects(client.messages.list(), { status: 401, code: 70051, message: 'Authorization Error: required permission twilio/messaging/messages/list is missing' })
  })

  it("calls the organization's API with its credential provider for an organization's app", async () => {
    const client = new twilio.Twilio()
    const { clientId, clientSecret } = credentialsOf(organizationJob)
    client.setCredentialProvider(new twilio.OrgsCredentialProviderBuilder().setClientId(clientId).setClientSecret(clientSecret).build())
    const organization = client.previewIam.organization(sandbox.organizationSid)
    const accounts = await organization.accounts.list({ pageSize: 2 })
    assert.deepEqual(accounts.map(({ friendlyName }) => friendlyName), ['Okafor Couriers', 'Fjord Clinic', 'Zhào Books'])
    assert.equal((await organization.accounts(sandbox.accountSid).fetch()).friendlyName, 'Okafor Couriers')
    const users = await organization.users.list()
    assert.deepEqual(users.map(({ displayName }) => displayName), sandbox.people.map(({ name }) => name))
    assert.equal((await organization.users(sandbox.people[0]?.userSid ?? '').fetch()).userName, 'amara@okafor-couriers.example')
  })

  it('reads errors in both formats', async () => {
    const request = { grantType: 'client_credentials', clientId: accountJob.clientID, clientSecret: 'wrong' }
    await assert.rejects(unauthenticated().oauth.v2.token.create(request), (error) => error instanceof twilio.RestException && error.status === 401 && error.code === 20003)
    await sandbox.stop()
    sandbox = await startSandbox({ errorFormat: 'problem details' })
    await assert.rejects(unauthenticated().oauth.v2.token.create(request), { name: 'Error', status: 401, code: 20003, title: 'Unauthorized' })
  })
})
