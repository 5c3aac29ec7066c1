// Starts two processes of an app, logs in, refreshes, and logs out: node try-processes.cjs app.js
'use strict'
const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { freePort, listening, prepareApp, run } = require('./app.cjs')
const { Browser } = require('./log-in.cjs')

async function main(file) {
  const { appURL, sandbox, environment } = await prepareApp()
  const otherPort = String(await freePort())
  await start(file, environment)
  await start(file, { ...environment, PORT: otherPort })

  const here = new Browser(appURL)
  await here.logIn(sandbox)
  const there = here.at(`http://localhost:${otherPort}`)
  const account = await here.read('/account')
  assert.match(account.id, /^OR/, 'the app should know whose organization logged in')
  assert.deepEqual(await there.read('/account'), account, 'both processes should know the login')

  const expired = await here.request('/expire', { method: 'POST' })
  assert.equal(expired.status, 204)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? here : there).read('/account')))
  assert.equal(sandbox.counts.refreshes, 1, '20 requests with an expired token should refresh it once')
  assert.equal(new Set(answers.map(({ accessToken }) => accessToken)).size, 1, 'all requests should get the new token')
  assert.notEqual(answers[0].accessToken, account.accessToken)

  const slow = await here.request('/slow')
  const before = here.copy()
  const loggedOut = await there.request('/logout', { method: 'POST' })
  assert.equal(loggedOut.status, 204)
  for (const browser of [here, there]) assert.equal(await statusFor(browser), 401, 'nobody should be logged in after the logout')
  // The slow request saves its old copy of the session, whose tokens are no longer refreshed.
  await slow.text()
  await before.request('/expire', { method: 'POST' })
  assert.equal(await statusFor(before), 401, 'an old copy of the session should not undo the logout')
  assert.equal(sandbox.counts.refreshes, 1)
}

async function statusFor(browser) {
  const { status } = await browser.request('/account', { headers: { Accept: 'application/json' } })
  return status
}

/** Starts a process of the app, which ends with this one. */
async function start(file, environment) {
  const app = spawn(process.execPath, [file], { env: { ...process.env, ...environment }, stdio: 'inherit' })
  process.once('exit', () => app.kill())
  await Promise.race([
    listening(environment.PORT),
    new Promise((_, reject) => app.once('exit', () => reject(new Error(`${file} ended before it listened on its port`))))
  ])
}

run(() => main(process.argv[2]))
