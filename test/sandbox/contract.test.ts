import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import Ajv, { type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { TwilioOAuthClient } from '../../lib'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { contractPath } from '../support/requirements'

interface Operation {
  readonly parameters?: readonly { readonly name: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<Record<string, { readonly headers: Readonly<Record<string, unknown>> }>>
}

interface Schema {
  readonly properties: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
}

interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const FORM = 'application/x-www-form-urlencoded'
const REDIRECT_URI = 'http://localhost:3000/auth/twilio/callback'

describe("the sandbox compared with Twilio's contract", () => {
  let contract: Contract
  let sandbox: Sandbox
  let client: TwilioOAuthClient

  before(async function () {
    const path = contractPath()
    if (path === undefined) {
      console.log("      skipped: Twilio's contract was not found beside this checkout.")
      this.skip()
    }
    contract = JSON.parse(readFileSync(path, 'utf8')) as Contract
    sandbox = await startSandbox({ accountLogins: true })
    client = new TwilioOAuthClient({ clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url })
  })
  after(() => (sandbox as Sandbox | undefined)?.stop())

  function operation(path: string, method: string): Operation {
    const found = contract.paths[path]?.[method]
    assert.ok(found, `the contract has ${method} ${path}`)
    return found
  }

  /** Validates a schema of the contract strictly: every field is required and no others are allowed. `nullable` is OpenAPI's; JSON Schema has the type `null`. */
  function validator(name: string): ValidateFunction {
    const schema = contract.components.schemas[name]
    assert.ok(schema)
    const properties = Object.fromEntries(
      Object.entries(schema.properties).map(([field, definition]) => {
        const { type, nullable, description: _description, ...rest } = definition as { type: string; nullable?: boolean; description?: string }
        return [field, { ...rest, type: nullable ? [type, 'null'] : type }]
      })
    )
    const ajv = addFormats(new Ajv({ strict: true, allowUnionTypes: true }))
    return ajv.compile({ type: 'object', properties, required: Object.keys(properties), additionalProperties: false })
  }

  async function logIn(scope: string): Promise<string> {
    const callback = await sandbox.login(client.authorizationURL({ redirectURI: REDIRECT_URI, scope, state: 'a state' }))
    return new URL(callback).searchParams.get('code') ?? ''
  }

  function tokenRequest(form: Readonly<Record<string, string>>): Promise<Response> {
    const credentials = { ClientId: sandbox.clientID, ClientSecret: sandbox.clientSecret }
    return fetch(`${sandbox.url}/v1/token`, { method: 'POST', body: new URLSearchParams({ ...credentials, ...form }) })
  }

  it('returns the documented status, headers and schema from the authorize endpoint', async () => {
    const { responses } = operation('/v1/authorize', 'get')
    const answer = await fetch(client.authorizationURL({ redirectURI: REDIRECT_URI, scope: 'offline_access', state: 'a state' }), { redirect: 'manual' })
    assert.ok(responses[answer.status], `${answer.status} is one of ${Object.keys(responses).join()}`)
    for (const header of ['Access-Control-Allow-Origin', 'Access-Control-Allow-Methods', 'Access-Control-Allow-Headers']) {
      assert.ok(header in (responses[answer.status]?.headers ?? {}) && answer.headers.has(header), header)
    }
    const validate = validator('oauth.v1.authorize')
    assert.ok(validate(await answer.json()), JSON.stringify(validate.errors))
  })

  for (const [contents, scope] of [
    ['an ID token and a refresh token', 'openid offline_access'],
    ['no refresh token', 'openid'],
    ['no ID token', 'offline_access']
  ] as const) {
    it(`returns the documented status and schema from the token endpoint for an authorization code, with ${contents}`, async () => {
      const answer = await tokenRequest({ GrantType: 'authorization_code', Code: await logIn(scope), RedirectUri: REDIRECT_URI })
      assert.ok(operation('/v1/token', 'post').responses[answer.status], String(answer.status))
      const body = (await answer.json()) as Record<string, unknown>
      const validate = validator('oauth.v1.token')
      assert.ok(validate(body), JSON.stringify(validate.errors))
      assert.equal(body.id_token === null, !scope.includes('openid'))
      assert.equal(body.refresh_token === null, !scope.includes('offline_access'))
    })
  }

  it('returns the documented status and schema from the token endpoint for client credentials and refreshes', async () => {
    const validate = validator('oauth.v1.token')
    const credentials = await tokenRequest({ GrantType: 'client_credentials' })
    assert.equal(credentials.status, 201)
    assert.ok(validate(await credentials.json()), JSON.stringify(validate.errors))
    const code = await tokenRequest({ GrantType: 'authorization_code', Code: await logIn('offline_access'), RedirectUri: REDIRECT_URI })
    const { refresh_token: refreshToken } = (await code.json()) as { refresh_token: string }
    const refreshed = await tokenRequest({ GrantType: 'refresh_token', RefreshToken: refreshToken })
    assert.equal(refreshed.status, 201)
    assert.ok(validate(await refreshed.json()), JSON.stringify(validate.errors))
  })

  it('receives from TwilioOAuthClient only documented parameters, and every required one', async () => {
    const requestsBefore = sandbox.requests.length
    const tokens = await client.exchangeCode({ code: await logIn('offline_access'), redirectURI: REDIRECT_URI })
    await client.refresh(tokens.refreshToken ?? '', { scope: 'offline_access' })
    await client.clientCredentials({ scope: 'a-scope', audience: 'https://api.twilio.com' })
    const requests = sandbox.requests.slice(requestsBefore)

    const query = operation('/v1/authorize', 'get').parameters?.map(({ name }) => name) ?? []
    const authorizeRequests = requests.filter(({ path }) => path === '/v1/authorize')
    assert.equal(authorizeRequests.length, 1)
    for (const name of Object.keys(authorizeRequests[0]?.parameters ?? {})) assert.ok(query.includes(name), name)

    const { properties, required = [] } = operation('/v1/token', 'post').requestBody?.content[FORM]?.schema ?? { properties: {} }
    const tokenRequests = requests.filter(({ path }) => path === '/v1/token')
    assert.equal(tokenRequests.length, 3)
    for (const { parameters } of tokenRequests) {
      for (const name of Object.keys(parameters)) assert.ok(name in properties, name)
      for (const name of required) assert.ok(name in parameters, name)
    }
    const used = new Set(tokenRequests.flatMap(({ parameters }) => Object.keys(parameters)))
    assert.deepEqual([...used].sort(), Object.keys(properties).sort(), 'together, the grants use every documented parameter')
  })
})
