import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { TwilioResponseError, TwilioTimeoutError } from '../../lib'
import { lookUpAccount } from '../../lib/oauth/account'
import { endpointOf } from '../../lib/oauth/http'
import { json, text, TwilioServer, type Behaviour } from '../support/twilio-server'

const ACCOUNT = { sid: 'AC1', friendly_name: 'Fjord Clinic', status: 'active' }

describe('the look-up of the account', () => {
  let twilio: TwilioServer
  before(async () => {
    twilio = await TwilioServer.start()
  })
  after(() => twilio.stop())

  function lookUp(behave: Behaviour, timeout = 1000) {
    twilio.behave = behave
    return lookUpAccount('the-access-token', endpointOf(`${twilio.url}/2010-04-01/Accounts.json?PageSize=1`), { timeout, maxResponseBytes: 1000, agent: undefined })
  }

  it('asks with the access token, and gives the first account that it reaches', async () => {
    assert.deepEqual(await lookUp(json(200, { accounts: [ACCOUNT, { sid: 'AC2' }] })), { sid: 'AC1', friendlyName: 'Fjord Clinic', json: ACCOUNT })
    const [heard] = twilio.requests
    assert.deepEqual([heard?.method, heard?.path, heard?.headers.authorization, heard?.headers.accept], ['GET', '/2010-04-01/Accounts.json', 'Bearer the-access-token', 'application/json'])
  })

  it("keeps the account's Auth Token out of the profile", async () => {
    const account = await lookUp(json(200, { accounts: [{ ...ACCOUNT, auth_token: 'the-auth-token' }] }))
    assert.deepEqual(account.json, ACCOUNT)
  })

  it('says what may be missing when Twilio refuses', async () => {
    for (const status of [201, 302, 401, 403, 500]) {
      const error = await lookUp(json(status, { accounts: [ACCOUNT] })).catch((reason: unknown) => reason)
      assert.ok(error instanceof TwilioResponseError)
      assert.match(error.message, new RegExp(`answered ${status}\\. Does the scope let the app read accounts\\?`))
      assert.doesNotMatch(inspect(error), /the-access-token/)
    }
  })

  it('takes nothing for an account that is none', async () => {
    const answers = [text(200, ''), text(200, '{'), text(200, 'null'), ...[{}, [], { accounts: null }, { accounts: {} }, { accounts: [] }, { accounts: [null] }, { accounts: [{}] }, { accounts: [{ sid: '' }] }, { accounts: [{ sid: 7 }] }].map((body) => json(200, body))]
    for (const answer of answers) await assert.rejects(lookUp(answer), (error) => error instanceof TwilioResponseError && error.message.includes('listed no account'))
  })

  it('has no name for an account without one', async () => {
    for (const name of [undefined, null, '', 7]) assert.equal((await lookUp(json(200, { accounts: [{ sid: 'AC1', friendly_name: name }] }))).friendlyName, undefined)
  })

  it('ends within its deadline', async () => {
    await assert.rejects(lookUp(() => undefined, 30), TwilioTimeoutError)
  })
})
