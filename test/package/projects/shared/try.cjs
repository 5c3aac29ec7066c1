// Starts a sandbox and an app, and logs in to the app as a browser does: node try.cjs app.js
'use strict'
const assert = require('node:assert/strict')
const { resolve } = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')
const { pathToFileURL } = require('node:url')
const { listening, prepareApp, run } = require('./app.cjs')
const { logIn } = require('./log-in.cjs')

async function main(file) {
  const { appURL, sandbox, environment } = await prepareApp({ accessTokenTTL: 2 })
  Object.assign(process.env, environment)
  await import(pathToFileURL(resolve(file)))
  await listening(environment.PORT)

  const get = await logIn(appURL, sandbox)
  const account = await get('/account')
  assert.match(account.id, /^(OR|US)/, 'the app should know who logged in')
  // The default leeway is at most half of a token's lifetime (2 s here, less the time that the login took), after which it is refreshed.
  await pause(Math.max(0, account.expiresAt - 300 - Date.now()))
  const later = await get('/account')
  assert.equal(later.id, account.id)
  assert.ok(later.expiresAt > account.expiresAt, 'the tokens should have been refreshed')
}

run(() => main(process.argv[2]))
