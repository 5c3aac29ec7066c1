const { startSandbox } = require('passport-twilio/sandbox')
const request = require('supertest')
const { createApp } = require('./app')

const callbackURL = 'http://localhost:3000/auth/twilio/callback'
let sandbox, app

beforeAll(async () => {
  sandbox = await startSandbox()
  const { clientID, clientSecret, url: baseURL } = sandbox
  app = createApp({ clientID, clientSecret, baseURL, callbackURL })
})
afterAll(() => sandbox.stop())

test('logs people in', async () => {
  const browser = request.agent(app)
  const login = await browser.get('/auth/twilio').expect(302)
  const callback = await sandbox.login(login.headers.location)
  await browser.get(callback.replace('http://localhost:3000', '')).expect(302)

  const { body } = await browser.get('/account').expect(200)
  expect(body.id).toMatch(/^US/)
})

test('lets nobody in who does not approve', async () => {
  const browser = request.agent(app)
  const login = await browser.get('/auth/twilio').expect(302)
  const callback = await sandbox.login(login.headers.location, { deny: true })
  await browser.get(callback.replace('http://localhost:3000', '')).expect('Location', '/')

  await browser.get('/account').set('Accept', 'application/json').expect(401)
})
