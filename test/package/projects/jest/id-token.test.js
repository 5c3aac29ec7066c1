// Run with NODE_OPTIONS=--experimental-vm-modules.
const { startSandbox } = require('passport-twilio/sandbox')
const { createApp } = require('./app')
const { callbackURL, logIn } = require('./log-in')

let sandbox, options

beforeAll(async () => {
  sandbox = await startSandbox()
  const { clientID, clientSecret, url: baseURL } = sandbox
  options = { clientID, clientSecret, baseURL, callbackURL, scope: ['openid', 'offline_access'] }
})
afterAll(() => sandbox.stop())

test('logs people in whose ID tokens are signed with a key of Twilio', async () => {
  const app = createApp({ ...options, idToken: { jwksURL: sandbox.jwksURL, required: true } })
  const logins = await Promise.all([logIn(app, sandbox), logIn(app, sandbox)])
  for (const { browser, callback } of logins) {
    expect(callback.status).toBe(302)
    const { body } = await browser.get('/account').expect(200)
    expect(body.id).toMatch(/^US/)
  }
})

test('does not log in people whose ID tokens are signed with another key', async () => {
  const other = await startSandbox()
  const { browser, callback } = await logIn(createApp({ ...options, idToken: { jwksURL: other.jwksURL } }), sandbox)
  await other.stop()
  expect(callback.status).toBe(502)
  expect(callback.text).toContain('TwilioIdTokenError')
  await browser.get('/account').set('Accept', 'application/json').expect(401)
})
