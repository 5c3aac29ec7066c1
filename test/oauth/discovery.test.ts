import assert from 'node:assert/strict'
import { TwilioOAuthClient, TwilioResponseError, TwilioStrategy } from '../../lib'
import { startSandbox } from '../../lib/sandbox'
import { CLIENT_ID, CLIENT_SECRET } from '../support/jwt'
import { json, text, TwilioServer, type Behaviour } from '../support/twilio-server'

describe('TwilioOAuthClient.discover()', () => {
  let twilio: TwilioServer
  beforeEach(async () => {
    twilio = await TwilioServer.start()
  })
  afterEach(() => twilio.stop())

  const known = () => ({ apiVersion: 'v2', authorizationURL: `${twilio.url}/v2/authorize`, tokenURL: `${twilio.url}/v2/token` })
  const metadata = (fields: object = {}) => ({ issuer: twilio.url, authorization_endpoint: 'https://login.example/authorize', token_endpoint: 'https://login.example/token', ...fields })

  it('finds the endpoints in the metadata, as options of a client or a strategy', async () => {
    twilio.behave = json(200, metadata())
    const endpoints = await TwilioOAuthClient.discover(`${twilio.url}/`)
    assert.deepEqual(endpoints, { apiVersion: 'v2', authorizationURL: 'https://login.example/authorize', tokenURL: 'https://login.example/token' })
    assert.deepEqual(twilio.requests.map(({ method, path }) => [method, path]), [['GET', '/.well-known/oauth-authorization-server']])
    const strategy = new TwilioStrategy({ ...endpoints, clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: '/callback' }, () => undefined)
    assert.match(strategy.client.authorizationURL({ redirectURI: 'http://localhost/' }), /^https:\/\/login\.example\/authorize\?response_type=code&client_id=/)
  })

  it('rejects with a TypeError that names the option that is wrong', async () => {
    await assert.rejects(TwilioOAuthClient.discover(twilio.url, { timeout: 0 }), { name: 'TypeError', message: /^timeout must be a number of ms from/ })
    await assert.rejects(TwilioOAuthClient.discover('nonsense'), { name: 'TypeError', message: /^baseURL must be/ })
  })

  it("looks for the metadata of an issuer with a path where RFC 8414 has it, after the host", async () => {
    twilio.behave = json(200, metadata({ issuer: `${twilio.url}/oauth` }))
    await TwilioOAuthClient.discover(`${twilio.url}/oauth/`)
    assert.equal(twilio.requests[0]?.path, '/.well-known/oauth-authorization-server/oauth')
  })

  it('returns the endpoints that the sandbox has', async () => {
    const sandbox = await startSandbox()
    const { url } = sandbox
    const expected = { apiVersion: 'v2', authorizationURL: `${url}/v2/authorize`, tokenURL: `${url}/v2/token` }
    assert.deepEqual(await TwilioOAuthClient.discover(url), expected)
    assert.equal(sandbox.requests[0]?.status, 200)
    sandbox.failNext('metadata', 'html error')
    assert.deepEqual(await TwilioOAuthClient.discover(url), expected)
    await sandbox.stop()
    assert.deepEqual(await TwilioOAuthClient.discover(url), expected)
  })

  it('falls back to the known endpoints if there is no metadata, or no response in time', async () => {
    const noMetadata: Behaviour[] = [json(404, {}), json(500, metadata()), text(200, '<html>'), text(200, 'null'), text(200, '[]')]
    for (const behave of noMetadata) {
      twilio.behave = behave
      assert.deepEqual(await TwilioOAuthClient.discover(twilio.url), known())
    }
    twilio.behave = () => undefined
    assert.deepEqual(await TwilioOAuthClient.discover(twilio.url, { timeout: 30 }), known())
  })

  it('rejects metadata of another issuer, or with endpoints that secrets must not be sent to', async () => {
    for (const fields of [{ issuer: 'https://evil.example' }, { issuer: undefined }, { issuer: 7 }]) {
      twilio.behave = json(200, metadata(fields))
      await assert.rejects(TwilioOAuthClient.discover(twilio.url), (error) => error instanceof TwilioResponseError && error.message.includes('issuer differs'))
    }
    for (const fields of [{ token_endpoint: 'http://login.example/token' }, { token_endpoint: undefined }, { authorization_endpoint: 7 }, { authorization_endpoint: '/authorize' }, { authorization_endpoint: 'https://login.example/authorize#' }]) {
      twilio.behave = json(200, metadata(fields))
      await assert.rejects(TwilioOAuthClient.discover(twilio.url), /has no authorization_endpoint or token_endpoint that may be used/)
    }
  })

  it('rejects an invalid option, and when it is aborted', async () => {
    await assert.rejects(TwilioOAuthClient.discover('localhost'), /^TypeError: baseURL must be an absolute URL/)
    await assert.rejects(TwilioOAuthClient.discover(`${twilio.url}?a=b`), /^TypeError: baseURL must be an origin/)
    await assert.rejects(TwilioOAuthClient.discover(twilio.url, { timeout: 0 }), /^TypeError: timeout must be/)
    const reason = new Error('aborted by the test')
    await assert.rejects(TwilioOAuthClient.discover(twilio.url, { signal: AbortSignal.abort(reason) }), reason)
  })
})
