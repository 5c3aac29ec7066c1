import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { TwilioResponseError, TwilioTimeoutError } from '../../lib'
import { lookUpAccount } from '../../lib/oauth/account'
import { endpointOf } from '../../lib/oauth/http'
import { parseResourceName } from '../../lib/oauth/resource-name'
import { json, text, TwilioServer, type Behaviour } from '../support/twilio-server'

const ACCOUNT = { sid: 'AC1', friendly_name: 'Fjord Clinic', status: 'active' }

describe('the account look-up', () => {
  let twilio: TwilioServer
  before(async () => {
    twilio = await TwilioServer.start()
  })
  after(() => twilio.stop())

  async function lookUpFor(actor: string | undefined, behave: Behaviour, timeout = 1000) {
    twilio.behave = behave
    const endpoint = endpointOf(`${twilio.url}/2010-04-01/Accounts.json?PageSize=50`)
    return lookUpAccount('the-access-token', endpoint, { timeout, maxResponseBytes: 1000, agent: undefined }, parseResourceName(actor))
  }

  async function lookUp(behave: Behaviour, timeout?: number) {
    const account = await lookUpFor(undefined, behave, timeout)
    assert.ok(account)
    return account
  }

  it('sends the access token, and returns the first account that it can access', async () => {
    assert.deepEqual(await lookUp(json(200, { accounts: [ACCOUNT, { sid: 'AC2' }] })), { sid: 'AC1', friendlyName: 'Fjord Clinic', json: ACCOUNT })
    const [request] = twilio.requests
    assert.deepEqual([request?.method, request?.path, request?.headers.authorization, request?.headers.accept], ['GET', '/2010-04-01/Accounts.json', 'Bearer the-access-token', 'application/json'])
  })

  it('returns the account that the token acts for, not just any that it can access', async () => {
    const accounts = json(200, { accounts: [{ sid: 'AC2' }, ACCOUNT] })
    assert.equal((await lookUpFor('trn:us1:iam:account:AC1', accounts))?.friendlyName, 'Fjord Clinic')
    assert.equal(await lookUpFor('trn:us1:iam:account:AC3', accounts), undefined)
  })

  it("returns the only account of the organization that the token acts for, and none of several", async () => {
    const organization = 'trn:us1:iam:organization:OR1'
    assert.equal((await lookUpFor(organization, json(200, { accounts: [ACCOUNT] })))?.sid, 'AC1')
    assert.equal(await lookUpFor(organization, json(200, { accounts: [ACCOUNT, { sid: 'AC2' }] })), undefined)
    assert.equal((await lookUpFor('trn:us1:iam:user:US1', json(200, { accounts: [ACCOUNT, { sid: 'AC2' }] })))?.sid, 'AC1')
  })

  it("keeps the account's Auth Token out of the profile", async () => {
    const account = await lookUp(json(200, { accounts: [{ ...ACCOUNT, auth_token: 'the-auth-token' }] }))
    assert.deepEqual(account.json, ACCOUNT)
  })

  it("fails with Twilio's own explanation, as a sentence", async () => {
    await assert.rejects(lookUp(json(403, { code: 20403, message: 'Forbidden. Ask the owner.' })), { message: /answered 403: Forbidden\. Ask the owner\. Does the scope/ })
  })

  it('fails with the likely reason if Twilio refuses', async () => {
    for (const status of [201, 302, 401, 403, 500]) {
      const error = await lookUp(json(status, { accounts: [ACCOUNT] })).catch((reason: unknown) => reason)
      assert.ok(error instanceof TwilioResponseError)
      assert.match(error.message, new RegExp(`answered ${status}\\. Does the scope let the app read accounts\\?`))
      assert.doesNotMatch(inspect(error), /the-access-token/)
    }
  })

  it("passes on Twilio's reason, without the token", async () => {
    const missing = 'Authorization Error: required permission twilio/accounts/list is missing.'
    const problem = { type: 'https://www.twilio.com/docs/errors/70051', title: 'Forbidden', status: 403, detail: missing }
    for (const behave of [json(401, { code: 70051, message: missing, status: 401 }), json(401, problem)]) {
      await assert.rejects(lookUp(behave), ({ message }: Error) => message.startsWith(`Twilio's Accounts resource answered 401: ${missing} Does the scope`))
    }
    await assert.rejects(lookUp(json(401, { code: 20003, message: 'No: the-access-token', status: 401 })), /answered 401: No: \[hidden\]\. Does/)
  })

  it('fails if the response lists no account', async () => {
    const responses = [text(200, ''), text(200, '{'), text(200, 'null'), ...[{}, [], { accounts: null }, { accounts: {} }, { accounts: [] }, { accounts: [null] }, { accounts: [{}] }, { accounts: [{ sid: '' }] }, { accounts: [{ sid: 7 }] }].map((body) => json(200, body))]
    for (const response of responses) await assert.rejects(lookUp(response), (error) => error instanceof TwilioResponseError && error.message.includes('listed no account'))
  })

  it('ignores an account that is nested too deeply to be serialized in a profile', async () => {
    twilio.behave = text(200, `{"accounts":[{"sid":"AC1","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}]}`)
    const endpoint = endpointOf(`${twilio.url}/2010-04-01/Accounts.json`)
    const looking = lookUpAccount('the-access-token', endpoint, { timeout: 1000, maxResponseBytes: 100_000, agent: undefined })
    await assert.rejects(looking, (error) => error instanceof TwilioResponseError && error.message.includes('listed no account'))
  })

  it('returns no name for an account without one', async () => {
    for (const name of [undefined, null, '', 7]) assert.equal((await lookUp(json(200, { accounts: [{ sid: 'AC1', friendly_name: name }] }))).friendlyName, undefined)
  })

  it('times out', async () => {
    await assert.rejects(lookUp(() => undefined, 30), TwilioTimeoutError)
  })
})
