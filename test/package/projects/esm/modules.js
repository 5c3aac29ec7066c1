import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import DefaultStrategy, * as imported from 'passport-twilio'
import { startSandbox } from 'passport-twilio/sandbox'
import { tokenManager, twilioClient } from 'passport-twilio/sdk'

const require = createRequire(import.meta.url)
const required = require('passport-twilio')

assert.equal(DefaultStrategy, imported.TwilioStrategy)
assert.equal(imported.Strategy, imported.TwilioStrategy)
assert.equal(required, imported.TwilioStrategy, 'require should return the constructor that import gives')
// Node adds these names to what import gives.
const { __esModule, 'module.exports': _whole, ...surface } = imported
for (const [name, value] of Object.entries(surface)) assert.equal(required[name], value, `require and import should give the same ${name}`)
for (const name of ['SessionTokens', 'TwilioOAuthClient', 'LoginStateError', 'TwilioTokenError', 'requireLogin', 'returnTo', 'redisRefreshes']) {
  assert.equal(typeof imported[name], 'function', name)
}
assert.equal(require('passport-twilio/sandbox').startSandbox, startSandbox)
assert.equal(require('passport-twilio/sdk').twilioClient, twilioClient)

// passport-twilio/sdk uses the same classes, so instanceof works for its errors.
const client = new imported.TwilioOAuthClient({ clientID: `OQ${'0'.repeat(32)}`, clientSecret: 'of the tests', baseURL: 'http://localhost:1' })
await assert.rejects(tokenManager(client).fetchToken(), imported.TwilioNetworkError)
await assert.rejects(tokenManager(client).fetchToken(), required.TwilioNetworkError)
