import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { TwilioOAuthClient, TwilioStrategy, requireLogin, SessionTokens, redisRefreshes } from '../../lib'
import { configure } from '../../lib/oauth/options'
import { CLIENT_ID, CLIENT_SECRET } from '../support/jwt'

const OPTIONS = { clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: 'http://localhost/callback' }
const verify = () => undefined

/** A value of the wrong type, as JavaScript code may pass it. */
function wrong<Right>(value: unknown): Right {
  return value as Right
}

describe('an invalid option is a TypeError at construction that names', () => {
  const client = (options: object) => () => new TwilioOAuthClient(wrong({ ...OPTIONS, ...options }))
  const strategy = (options: object) => () => new TwilioStrategy(wrong<typeof OPTIONS>({ ...OPTIONS, ...options }), verify)

  function assertTypeError(make: () => unknown, message: RegExp): void {
    assert.throws(make, (error) => error instanceof TypeError && message.test(error.message))
  }

  it('clientID, and says what it looks like instead', () => {
    for (const missing of [undefined, null, '', 7]) assertTypeError(client({ clientID: missing }), /^clientID is missing/)
    assertTypeError(client({ clientID: `AC${'0'.repeat(32)}` }), /^clientID looks like an account SID \(AC…\).*OQ…/)
    assertTypeError(client({ clientID: `SK${'0'.repeat(32)}` }), /^clientID looks like an API key SID \(SK…\)/)
    assertTypeError(client({ clientID: 'AC123' }), /^clientID looks like an account SID/)
    assertTypeError(client({ clientID: 'OQ123' }), /^clientID has 5 characters.*34 characters/)
    for (const good of [CLIENT_ID, `XX${'0'.repeat(32)}`]) assert.doesNotThrow(client({ clientID: good }))
  })

  it('clientSecret', () => {
    for (const missing of [undefined, '', 7]) assertTypeError(client({ clientSecret: missing }), /^clientSecret is missing: it must be the secret of the OAuth app in the Twilio Console\. Is the option misspelled, or an environment variable not set\?$/)
    for (const pasted of [` ${CLIENT_SECRET}`, `${CLIENT_SECRET}\t`, `${CLIENT_SECRET}\n`, `first line\nsecond line`]) {
      assertTypeError(client({ clientSecret: pasted }), /^clientSecret starts or ends with white space, or contains a line break/)
      assert.throws(client({ clientSecret: pasted }), ({ message }: Error) => !message.includes(CLIENT_SECRET) && !message.includes('first line'), 'the secret is not shown')
    }
    assert.doesNotThrow(client({ clientSecret: 'white space between' }))
  })

  it('agent', () => {
    for (const other of ['http://proxy.example:8080', 7, null, true, {}, { addRequest: true }, () => undefined]) assertTypeError(client({ agent: other }), /^agent must be an http.Agent or an https.Agent/)
    for (const agent of [undefined, new https.Agent(), new HttpsProxyAgent('http://proxy.example:8080')]) assert.doesNotThrow(client({ agent }))
    assertTypeError(client({ agent: new http.Agent() }), /^agent is for the wrong protocol: oauth\.twilio\.com needs an https\.Agent\.$/)
    const local = { baseURL: 'http://localhost:3000' }
    assert.doesNotThrow(client({ ...local, agent: new http.Agent() }))
    assert.doesNotThrow(client({ ...local, agent: new HttpsProxyAgent('http://proxy.example:8080') }))
    assertTypeError(client({ ...local, agent: new https.Agent() }), /needs an http\.Agent\.$/)
    assertTypeError(() => new TwilioOAuthClient(OPTIONS).setAgent(new http.Agent()), /^agent is for the wrong protocol: oauth\.twilio\.com needs an https\.Agent\.$/)
    assertTypeError(() => new TwilioOAuthClient({ ...OPTIONS, tokenURL: 'http://localhost:3000' }).setAgent(new https.Agent()), /^agent is for the wrong protocol: localhost needs an http\.Agent\.$/)
  })

  it('customHeaders', () => {
    for (const other of ['X: y', 7, []]) assertTypeError(client({ customHeaders: other }), /^customHeaders must be an object/)
    for (const headers of [{ 'X Y': 'z' }, { '': 'z' }, { X: 'a\r\nY: b' }, { X: 7 }, { X: undefined }]) {
      assertTypeError(client({ customHeaders: headers }), /^customHeaders: '.*' is not a valid HTTP header, or its value is not a valid string\.$/)
    }
    assert.doesNotThrow(client({ customHeaders: { 'X-App': 'mine' } }))
  })

  it('apiVersion', () => {
    for (const other of ['v3', 'toString', 1, null]) assertTypeError(client({ apiVersion: other }), /^apiVersion must be 'v1' or 'v2'/)
  })

  it('a URL that is not https, unless it is on localhost (SEC-15)', () => {
    for (const option of ['baseURL', 'authorizationURL', 'tokenURL', 'apiBaseURL']) {
      assertTypeError(client({ [option]: 'oauth.twilio.com' }), new RegExp(`^${option} must be an absolute URL`))
      for (const other of [7, new URL('https://oauth.twilio.com')]) assertTypeError(client({ [option]: other }), new RegExp(`^${option} must be an absolute URL`))
      assertTypeError(client({ baseURL: 'nonsense', authorizationURL: 'https://login.example' }), /^baseURL must be an absolute URL/)
      for (const address of ['http://oauth.twilio.com', 'http://127.0.0.1.evil.example', 'ftp://localhost', 'http://localhost.evil.example']) {
        assertTypeError(client({ [option]: address }), new RegExp(`^${option} must be an https URL`))
      }
      for (const address of ['http://localhost:3000', 'http://127.0.0.1:1', 'http://[::1]:1', 'http://twilio.localhost', 'https://example.com/x/']) {
        assert.doesNotThrow(client({ [option]: address }), address)
      }
    }
  })

  it('baseURL and apiBaseURL with a query, a fragment or credentials', () => {
    for (const option of ['baseURL', 'apiBaseURL']) {
      for (const url of ['https://x.example?a=b', 'https://x.example/?', 'https://x.example/#a', 'https://x.example#', 'https://me:secret@x.example', 'https://me@x.example', 'https://:secret@x.example']) {
        assertTypeError(client({ [option]: url }), new RegExp(`^${option} must be an origin with an optional path`))
      }
    }
  })

  it('timeout and maxResponseBytes', () => {
    for (const option of ['timeout', 'maxResponseBytes']) {
      for (const other of [0, -1, NaN, Infinity, '1000', 2 ** 31]) assertTypeError(client({ [option]: other }), new RegExp(`^${option} must be a number`))
      assert.doesNotThrow(client({ [option]: 1 }))
    }
  })

  it('idToken', () => {
    assertTypeError(client({ idToken: true }), /^idToken must be an object/)
    assertTypeError(client({ idToken: { issuer: '' } }), /^idToken\.issuer is missing: it must be the iss claim of the ID tokens\. /)
    for (const name of ['jwksUrl', 'jwksUri', 'issuers']) assertTypeError(client({ idToken: { [name]: 'https://keys.example' } }), new RegExp(`^idToken\\.${name} is not an option\\. The options of idToken are issuer, jwksURL, jwks, required\\.$`))
    for (const name of ['jwksURL', 'jwks']) assertTypeError(client({ idToken: { [name]: undefined } }), new RegExp(`^idToken\\.${name} is undefined`))
    assertTypeError(client({ idToken: { jwksURL: 'http://keys.example' } }), /^idToken\.jwksURL must be an https URL/)
    for (const jwks of [[], null, 'keys', {}, { keys: {} }, { keys: [null] }, { keys: [{ kty: 'RSA' }, 'key'] }, { keys: [[]] }, { keys: [{ kid: 'key-1' }] }, { keys: [{ kty: 7 }] }]) {
      assertTypeError(client({ idToken: { jwks } }), /^idToken\.jwks must be a JSON Web Key Set: \{ keys: \[\{ kty: 'RSA', … \}\] \}\.$/)
    }
    for (const keys of [[], [{ kty: 'RSA' }], [{ kty: 'of the future' }]]) assert.doesNotThrow(client({ idToken: { jwks: { keys } } }))
    assertTypeError(client({ idToken: { jwksURL: 'https://keys.example', jwks: { keys: [] } } }), /jwksURL or jwks, not both/)
    assert.doesNotThrow(client({ idToken: { issuer: undefined, required: undefined } }))
    assertTypeError(client({ idToken: { required: 'yes' } }), /^idToken.required must be true or false/)
  })

  it('those of the strategy', () => {
    assertTypeError(strategy({ callbackURL: undefined }), /^callbackURL is missing: it must be where Twilio sends the browser/)
    for (const other of ['localhost:3000/auth/cb', 'example.com/auth/twilio/callback', 'auth/twilio/callback', '//example.com/callback', 'myapp://callback', 'javascript:0', 'https://', 'http:callback']) {
      assertTypeError(strategy({ callbackURL: other }), /^callbackURL must be an absolute http or https URL/)
    }
    for (const good of ['http://localhost:3000/auth/cb', 'HTTPS://app.example/cb', '/auth/cb', '/']) assert.doesNotThrow(strategy({ callbackURL: good }), good)
    for (const other of ['plain', 1]) assertTypeError(strategy({ pkce: other }), /^pkce must be true/)
    for (const good of [true, false, 'S256']) assert.doesNotThrow(strategy({ pkce: good }))
    for (const other of [7, [7], ['a', 7], {}]) assertTypeError(strategy({ scope: other }), /^scope must be a string, or an array of strings/)
    for (const other of [0, 0.5, -1, '8', Infinity]) assertTypeError(strategy({ maxPendingLogins: other }), /^maxPendingLogins must be a whole number/)
    assertTypeError(strategy({ pendingLoginTTL: '10m' }), /^pendingLoginTTL must be a number of ms/)
    assertTypeError(strategy({ store: {} }), /^store must have the functions store and verify/)
    assertTypeError(() => new TwilioStrategy(OPTIONS, wrong<typeof verify>(undefined)), /^verify is missing/)
    assertTypeError(() => new TwilioStrategy(wrong<typeof OPTIONS>(undefined), verify), /^options must be an object/)
  })

  it('an option of the middleware', () => {
    const twilio = new TwilioOAuthClient(OPTIONS)
    assertTypeError(() => requireLogin(wrong<{ loginPath: string }>(undefined)), /^loginPath is missing/)
    assertTypeError(() => new SessionTokens(wrong<TwilioOAuthClient>({})), /^SessionTokens needs the TwilioStrategy/)
    assertTypeError(() => new SessionTokens(twilio, { secret: '' }), /^secret is missing/)
    assertTypeError(() => new SessionTokens(twilio, { secret: [] }), /^secret is missing/)
    assertTypeError(() => new SessionTokens(twilio, { secret: ['a good secret of 32 characters, or more', ''] }), /^secret is missing/)
    for (const leeway of [-1, NaN, wrong<number>('60')]) assertTypeError(() => new SessionTokens(twilio, { leeway }), /^leeway must be a number of ms/)
    assertTypeError(() => redisRefreshes(wrong<Parameters<typeof redisRefreshes>[0]>({})), /^redisRefreshes needs a connected client/)
    assertTypeError(() => new SessionTokens(twilio, { secret: 'short' }), /^secret is too short: it must be a random string of 32 characters or more/)
    for (const recordTTL of [0, NaN, wrong<number>('1d')]) assertTypeError(() => new SessionTokens(twilio, { recordTTL }), /^recordTTL must be a number of ms/)
  })
})

describe('the endpoints and limits', () => {
  it("are Twilio's by default", () => {
    const { authorize, token, accounts, limits, dialect } = configure(OPTIONS)
    assert.equal(authorize.url, 'https://oauth.twilio.com/v1/authorize')
    assert.equal(token.url, 'https://oauth.twilio.com/v1/token')
    assert.equal(accounts.url, 'https://api.twilio.com/2010-04-01/Accounts.json?PageSize=50')
    assert.deepEqual(limits, { timeout: 10_000, maxResponseBytes: 262_144, agent: undefined })
    assert.equal(dialect.tokenStatus, 201)
  })

  it('follow baseURL and apiVersion, unless an endpoint is given', () => {
    const { authorize, token } = configure({ ...OPTIONS, baseURL: 'https://proxy.example/twilio/', apiVersion: 'v2', tokenURL: 'https://tokens.example/t?x=1' })
    assert.equal(authorize.url, 'https://proxy.example/twilio/v2/authorize')
    assert.deepEqual([token.hostname, token.path], ['tokens.example', '/t?x=1'])
  })

  it('leave a slash at the end of authorizationURL and tokenURL as it is', () => {
    const { authorize, token } = configure({ ...OPTIONS, authorizationURL: 'https://a.example/oauth/authorize/', tokenURL: 'https://a.example/oauth/token/' })
    assert.deepEqual([authorize.url, token.url, token.path], ['https://a.example/oauth/authorize/', 'https://a.example/oauth/token/', '/oauth/token/'])
  })
})
