import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { TwilioOAuthClient, TwilioStrategy, requireLogin, SessionTokens, redisRefreshes } from '../../lib'
import { configure } from '../../lib/oauth/options'
import { CLIENT_ID, CLIENT_SECRET } from '../support/jwt'

const OPTIONS = { clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: 'http://localhost/callback' }
const verify = () => undefined

/** Wrong on purpose, as JavaScript lets one be. */
function wrong<Right>(value: unknown): Right {
  return value as Right
}

describe('wrong options are told at construction, by name', () => {
  const client = (options: object) => () => new TwilioOAuthClient(wrong({ ...OPTIONS, ...options }))
  const strategy = (options: object) => () => new TwilioStrategy(wrong<typeof OPTIONS>({ ...OPTIONS, ...options }), verify)

  function assertTold(make: () => unknown, message: RegExp): void {
    assert.throws(make, (error) => error instanceof TypeError && message.test(error.message))
  }

  it('clientID, and what it looks like instead', () => {
    for (const missing of [undefined, null, '', 7]) assertTold(client({ clientID: missing }), /^clientID is missing/)
    assertTold(client({ clientID: `AC${'0'.repeat(32)}` }), /^clientID looks like an account SID \(AC…\).*OQ…/)
    assertTold(client({ clientID: `SK${'0'.repeat(32)}` }), /^clientID looks like an API key SID \(SK…\)/)
    assertTold(client({ clientID: 'AC123' }), /^clientID looks like an account SID/)
    assertTold(client({ clientID: 'OQ123' }), /^clientID has 5 characters.*34 characters/)
    for (const good of [CLIENT_ID, `XX${'0'.repeat(32)}`]) assert.doesNotThrow(client({ clientID: good }))
  })

  it('clientSecret', () => {
    for (const missing of [undefined, '', 7]) assertTold(client({ clientSecret: missing }), /^clientSecret is missing/)
    for (const pasted of [` ${CLIENT_SECRET}`, `${CLIENT_SECRET}\t`, `${CLIENT_SECRET}\n`, `first line\nsecond line`]) {
      assertTold(client({ clientSecret: pasted }), /^clientSecret has white space/)
      assert.throws(client({ clientSecret: pasted }), ({ message }: Error) => !message.includes(CLIENT_SECRET) && !message.includes('first line'), 'it is not shown')
    }
    assert.doesNotThrow(client({ clientSecret: 'white space between' }))
  })

  it('agent', () => {
    for (const other of ['http://proxy.example:8080', 7, null, true, {}]) assertTold(client({ agent: other }), /^agent must be an http.Agent or an https.Agent/)
    for (const agent of [undefined, new http.Agent(), new https.Agent(), new HttpsProxyAgent('http://proxy.example:8080')]) assert.doesNotThrow(client({ agent }))
  })

  it('apiVersion', () => {
    for (const other of ['v3', 'toString', 1, null]) assertTold(client({ apiVersion: other }), /^apiVersion must be 'v1' or 'v2'/)
  })

  it('addresses, which are https unless they are on this machine', () => {
    for (const option of ['baseURL', 'authorizationURL', 'tokenURL', 'apiBaseURL']) {
      assertTold(client({ [option]: 'oauth.twilio.com' }), new RegExp(`^${option} must be an absolute URL`))
      assertTold(client({ [option]: 7 }), new RegExp(`^${option} must be an absolute URL`))
      for (const address of ['http://oauth.twilio.com', 'http://127.0.0.1.evil.example', 'ftp://localhost', 'http://localhost.evil.example']) {
        assertTold(client({ [option]: address }), new RegExp(`^${option} must be an https address`))
      }
      for (const address of ['http://localhost:3000', 'http://127.0.0.1:1', 'http://[::1]:1', 'http://twilio.localhost', 'https://example.com/x/']) {
        assert.doesNotThrow(client({ [option]: address }), address)
      }
    }
  })

  it('timeout and maxResponseBytes', () => {
    for (const option of ['timeout', 'maxResponseBytes']) {
      for (const other of [0, -1, NaN, Infinity, '1000', 2 ** 31]) assertTold(client({ [option]: other }), new RegExp(`^${option} must be a number`))
      assert.doesNotThrow(client({ [option]: 1 }))
    }
  })

  it('idToken', () => {
    assertTold(client({ idToken: true }), /^idToken must be an object/)
    assertTold(client({ idToken: { issuer: '' } }), /^idToken.issuer is missing/)
    assertTold(client({ idToken: { jwksURL: 'http://keys.example' } }), /^idToken.jwksURL must be an https address/)
    for (const jwks of [[], null, 'keys', {}, { keys: {} }, { keys: [null] }, { keys: [{ kty: 'RSA' }, 'key'] }, { keys: [[]] }, { keys: [{ kid: 'key-1' }] }, { keys: [{ kty: 7 }] }]) {
      assertTold(client({ idToken: { jwks } }), /^idToken\.jwks must be a JSON Web Key Set: \{ keys: \[\{ kty: 'RSA', … \}\] \}\.$/)
    }
    for (const keys of [[], [{ kty: 'RSA' }], [{ kty: 'of the future' }]]) assert.doesNotThrow(client({ idToken: { jwks: { keys } } }))
    assertTold(client({ idToken: { jwksURL: 'https://keys.example', jwks: { keys: [] } } }), /jwksURL or jwks, not both/)
    assertTold(client({ idToken: { required: 'yes' } }), /^idToken.required must be true or false/)
  })

  it('those of the strategy', () => {
    assertTold(strategy({ callbackURL: undefined }), /^callbackURL is missing/)
    for (const other of ['localhost:3000/auth/cb', 'example.com/auth/twilio/callback', 'auth/twilio/callback', '//example.com/callback', 'myapp://callback', 'javascript:0', 'https://', 'http:callback']) {
      assertTold(strategy({ callbackURL: other }), /^callbackURL must be a whole http or https address/)
    }
    for (const good of ['http://localhost:3000/auth/cb', 'HTTPS://app.example/cb', '/auth/cb', '/']) assert.doesNotThrow(strategy({ callbackURL: good }), good)
    for (const other of ['plain', 1]) assertTold(strategy({ pkce: other }), /^pkce must be true/)
    for (const good of [true, false, 'S256']) assert.doesNotThrow(strategy({ pkce: good }))
    for (const other of [7, [7], {}]) assertTold(strategy({ scope: other }), /^scope must be a string, or an array of strings/)
    for (const other of [0, 0.5, -1, '8', Infinity]) assertTold(strategy({ maxPendingLogins: other }), /^maxPendingLogins must be a whole number/)
    assertTold(strategy({ pendingLoginTTL: '10m' }), /^pendingLoginTTL must be a number of ms/)
    assertTold(strategy({ store: {} }), /^store must have the functions store and verify/)
    assertTold(() => new TwilioStrategy(OPTIONS, wrong<typeof verify>(undefined)), /^verify is missing/)
    assertTold(() => new TwilioStrategy(wrong<typeof OPTIONS>(undefined), verify), /^options must be an object/)
  })

  it('those of the middleware', () => {
    const twilio = new TwilioOAuthClient(OPTIONS)
    assertTold(() => requireLogin(wrong<{ loginPath: string }>(undefined)), /^loginPath is missing/)
    assertTold(() => new SessionTokens(wrong<TwilioOAuthClient>({})), /^SessionTokens needs the TwilioStrategy/)
    assertTold(() => new SessionTokens(twilio, { secret: '' }), /^secret is missing/)
    assertTold(() => new SessionTokens(twilio, { secret: [] }), /^secret is missing/)
    assertTold(() => new SessionTokens(twilio, { secret: ['a secret of 32 characters or more', ''] }), /^secret is missing/)
    for (const leeway of [-1, NaN, wrong<number>('60')]) assertTold(() => new SessionTokens(twilio, { leeway }), /^leeway must be a number of ms/)
    assertTold(() => redisRefreshes(wrong<Parameters<typeof redisRefreshes>[0]>({})), /^redisRefreshes needs a connected client/)
  })
})

describe('the defaults', () => {
  it("are Twilio's", () => {
    const { authorize, token, accounts, limits, dialect } = configure(OPTIONS)
    assert.equal(authorize.url, 'https://oauth.twilio.com/v1/authorize')
    assert.equal(token.url, 'https://oauth.twilio.com/v1/token')
    assert.equal(accounts.url, 'https://api.twilio.com/2010-04-01/Accounts.json?PageSize=1')
    assert.deepEqual(limits, { timeout: 10_000, maxResponseBytes: 262_144, agent: undefined })
    assert.equal(dialect.tokenStatus, 201)
  })

  it('follow baseURL and apiVersion, and each address can be given by itself', () => {
    const { authorize, token } = configure({ ...OPTIONS, baseURL: 'https://proxy.example/twilio/', apiVersion: 'v2', tokenURL: 'https://tokens.example/t?x=1' })
    assert.equal(authorize.url, 'https://proxy.example/twilio/v2/authorize')
    assert.deepEqual([token.hostname, token.path], ['tokens.example', '/t?x=1'])
  })
})
