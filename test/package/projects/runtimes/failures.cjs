// Whether failures at Twilio are recognized, which depends on the details of the runtime's node:http.
'use strict'
const assert = require('node:assert/strict')
const { Agent } = require('node:http')
const { TwilioOAuthClient } = require('passport-twilio')
const { startSandbox } = require('passport-twilio/sandbox')
const { run } = require('./app.cjs')

const ERRORS = {
  silent: 'TwilioTimeoutError',
  'silent after headers': 'TwilioTimeoutError',
  reset: 'TwilioNetworkError',
  'cut short': 'TwilioResponseError',
  empty: 'TwilioResponseError',
  'not json': 'TwilioResponseError',
  'server error': 'TwilioTokenError',
  throttled: 'TwilioTokenError'
}
const TOO_LONG = { status: 200, body: 'x'.repeat(300_000) }
const COMPRESSED = { status: 200, body: '', headers: { 'Content-Encoding': 'gzip' } }

async function main() {
  for (const [fault, name] of Object.entries(ERRORS)) await assert.rejects(fetchToken(fault), { name }, fault)
  await assert.rejects(fetchToken(TOO_LONG), /longer than 262144 bytes/)
  await assert.rejects(fetchToken(COMPRESSED), /compressed/)

  const agent = new CountingAgent()
  await fetchToken(undefined, { agent, timeout: 10_000 })
  assert.equal(agent.connections, 1, 'the agent should be used')
}

async function fetchToken(fault, options = { timeout: 300 }) {
  const sandbox = await startSandbox({ apps: [{ grantType: 'client_credentials' }] })
  // A request is repeated if Twilio has certainly not handled it.
  if (fault) for (let attempt = 0; attempt < 5; attempt++) sandbox.failNext('token', fault)
  const { clientID, clientSecret, url: baseURL } = sandbox
  try {
    return await new TwilioOAuthClient({ clientID, clientSecret, baseURL, ...options }).clientCredentials()
  } finally {
    await sandbox.stop()
  }
}

class CountingAgent extends Agent {
  connections = 0

  createConnection(...parameters) {
    this.connections++
    return super.createConnection(...parameters)
  }
}

run(main)
