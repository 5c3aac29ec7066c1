const { startSandbox } = require('passport-twilio/sandbox')
const { createApp } = require('./app')
const { callbackURL, logIn } = require('./log-in')

let sandbox, app

beforeAll(async () => {
  sandbox = await startSandbox()
  const { clientID, clientSecret, url: baseURL } = sandbox
  app = createApp({ clientID, clientSecret, baseURL, callbackURL, scope: ['openid', 'offline_access'] })
})
afterAll(() => sandbox.stop())

test('logs people in', async () => {
  const { browser, callback } = await logIn(app, sandbox)
  expect(callback.status).toBe(302)
  const { body } = await browser.get('/account').expect(200)
  expect(body.id).toMatch(/^US/)
})

test('does not log in people who deny access', async () => {
  const { browser, callback } = await logIn(app, sandbox, { deny: true })
  expect(callback.headers.location).toBe('/')
  await browser.get('/account').set('Accept', 'application/json').expect(401)
})
