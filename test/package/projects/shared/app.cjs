// What the tests of an app need: a sandbox, the app's environment, and the app itself.
'use strict'
const { randomBytes } = require('node:crypto')
const { connect, createServer } = require('node:net')
const { setTimeout: pause } = require('node:timers/promises')
const { startSandbox } = require('passport-twilio/sandbox')

/** Starts a sandbox for an app on a free port. Resolves to both, and to the app's environment variables. */
exports.prepareApp = async function prepareApp(sandboxOptions) {
  const port = await freePort()
  const appURL = `http://localhost:${port}`
  const callbackURL = `${appURL}/auth/twilio/callback`
  const sandbox = await startSandbox({ apps: [{ redirectURIs: [callbackURL] }], ...sandboxOptions })
  const environment = {
    PORT: String(port),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    TOKEN_SECRET: randomBytes(32).toString('hex'),
    TWILIO_BASE_URL: sandbox.url,
    TWILIO_CALLBACK_URL: callbackURL,
    TWILIO_CLIENT_ID: sandbox.clientID,
    TWILIO_CLIENT_SECRET: sandbox.clientSecret,
    TWILIO_JWKS_URL: sandbox.jwksURL
  }
  return { appURL, sandbox, environment }
}

async function freePort() {
  const server = createServer()
  await new Promise((done) => server.listen(0, done))
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}
exports.freePort = freePort

/** Waits until something listens on a port. */
exports.listening = async function listening(port) {
  const isOpen = () =>
    new Promise((done) => {
      const socket = connect(port, 'localhost', () => done(true))
      socket.once('error', () => done(false)).once('connect', () => socket.destroy())
    })
  while (!(await isOpen())) await pause(20)
}

/** Runs the function, prints its error, and ends the process. */
exports.run = function run(main) {
  main().then(
    () => process.exit(0),
    (error) => {
      console.error(error)
      process.exit(1)
    }
  )
}
