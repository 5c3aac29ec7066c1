// Starts a sandbox and an app, and logs in to the app as a browser does: node try.cjs app.js
'use strict'
const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { connect, createServer } = require('node:net')
const { resolve } = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')
const { pathToFileURL } = require('node:url')
const { startSandbox } = require('passport-twilio/sandbox')
const { logIn } = require('./log-in.cjs')

async function main(file) {
  const port = await freePort()
  const appURL = `http://localhost:${port}`
  const callbackURL = `${appURL}/auth/twilio/callback`
  const sandbox = await startSandbox({ apps: [{ redirectURIs: [callbackURL] }], accessTokenTTL: 2 })
  Object.assign(process.env, {
    PORT: String(port),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    TOKEN_SECRET: randomBytes(32).toString('hex'),
    TWILIO_BASE_URL: sandbox.url,
    TWILIO_CALLBACK_URL: callbackURL,
    TWILIO_CLIENT_ID: sandbox.clientID,
    TWILIO_CLIENT_SECRET: sandbox.clientSecret
  })
  await import(pathToFileURL(resolve(file)))
  await listening(port)

  const get = await logIn(appURL, sandbox)
  const account = await get('/account')
  assert.match(account.id, /^OR/, 'the app should know whose organization logged in')
  // The default leeway is at most half of a token's lifetime (2 s here), after which it is refreshed.
  await pause(Math.max(0, account.expiresAt - 900 - Date.now()))
  const later = await get('/account')
  assert.equal(later.id, account.id)
  assert.ok(later.expiresAt > account.expiresAt, 'the tokens should have been refreshed')
}

async function freePort() {
  const server = createServer()
  await new Promise((done) => server.listen(0, done))
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}

async function listening(port) {
  const isOpen = () =>
    new Promise((done) => {
      const socket = connect(port, 'localhost', () => done(true))
      socket.once('error', () => done(false)).once('connect', () => socket.destroy())
    })
  while (!(await isOpen())) await pause(20)
}

main(process.argv[2]).then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  }
)
