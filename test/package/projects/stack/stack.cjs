'use strict'
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { inspect } = require('node:util')
const { SessionTokens, TwilioOAuthClient, TwilioStrategy, TwilioTokenError } = require('passport-twilio')

async function main() {
  assert.throws(() => new SessionTokens({}), hasLineOf('lib/session/session-tokens.ts'))
  assert.throws(() => new TwilioOAuthClient({}), hasLineOf('lib/oauth/options.ts', 'lib/oauth/client.ts'))

  const client = new TwilioOAuthClient({ clientID: `OQ${'0'.repeat(32)}`, clientSecret: 'of the tests', baseURL: 'http://localhost:1' })
  await assert.rejects(client.refresh('of the tests'), (error) => inspect(error).startsWith('TwilioNetworkError: ') && hasLineOf('lib/oauth/http.ts')(error))
  assert.match(inspect(new TwilioTokenError('refused', { code: 'invalid_grant', status: 400 })), /^TwilioTokenError: refused/)
  assert.equal(TwilioStrategy.name, 'TwilioStrategy')

  // Node prints the line that threw above an uncaught error.
  const { stderr } = spawnSync(process.execPath, ['-e', "new (require('passport-twilio'))({})"], { encoding: 'utf8' })
  assert.match(stderr, /TypeError: clientID is missing/)
  assert.ok(stderr.length < 2000, `${stderr.length} characters`)
}

function hasLineOf(...sources) {
  return ({ stack }) => sources.every((source) => new RegExp(`passport-twilio/${source.replaceAll('.', '\\.')}:\\d+`).test(stack))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
