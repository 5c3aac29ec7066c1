'use strict'
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { inspect } = require('node:util')
const { SessionTokens, TwilioOAuthClient, TwilioStrategy, TwilioTokenError } = require('passport-twilio')

const client = new TwilioOAuthClient({ clientID: `OQ${'0'.repeat(32)}`, clientSecret: 'of the tests', baseURL: 'http://localhost:1' })
assert.throws(() => new SessionTokens({}), ({ stack }) => /lib\/session\/session-tokens\.ts:\d+/.test(stack))
assert.throws(() => new TwilioOAuthClient({}), ({ stack }) => /lib\/options\.ts:\d+/.test(stack) && /lib\/oauth-client\.ts:\d+/.test(stack))
assert.rejects(client.refresh('of the tests'), (error) => inspect(error).startsWith('TwilioNetworkError: ') && /lib\/http-call\.ts:\d+/.test(error.stack))
assert.match(inspect(new TwilioTokenError('refused', { code: 'invalid_grant', status: 400 })), /^TwilioTokenError: refused/)
assert.equal(TwilioStrategy.name, 'TwilioStrategy')

// Node shows the line of code that threw, whole, and the error below it.
const { stderr } = spawnSync(process.execPath, ['-e', "new (require('passport-twilio'))({})"], { encoding: 'utf8' })
assert.match(stderr, /TypeError: clientID is missing/)
assert.ok(stderr.length < 2000, `${stderr.length} characters`)
