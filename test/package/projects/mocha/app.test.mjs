import assert from 'node:assert/strict'
import { after, it as test } from 'mocha'
import { startSandbox } from 'passport-twilio/sandbox'
import request from 'supertest'

const sandbox = await startSandbox()
process.env.SESSION_SECRET = 'a secret for the tests'
process.env.TWILIO_CLIENT_ID = sandbox.clientID
process.env.TWILIO_CLIENT_SECRET = sandbox.clientSecret
process.env.TWILIO_BASE_URL = sandbox.url
const { app } = await import('./app.mjs')
after(() => sandbox.stop())

/** Goes to Twilio, approves or denies the login, and comes back. */
async function logIn(browser, decision) {
  const { headers } = await browser.get('/auth/twilio').expect(302)
  const { pathname, search } = new URL(await sandbox.login(headers.location, decision))
  return browser.get(pathname + search)
}

test('Jonas logs in for his organization', async () => {
  const browser = request.agent(app)
  await logIn(browser, { as: 'Jonas Lindqvist' })
  const account = await browser.get('/account').expect(200)
  assert.match(account.body.user.id, /^OR/)
})

test('nobody is logged in after a denied login', async () => {
  const browser = request.agent(app)
  const back = await logIn(browser, { deny: true })
  assert.equal(back.headers.location, '/?login=denied')
  await browser.get('/account').set('Accept', 'application/json').expect(401)
})

test('the response is 502 if Twilio cannot be reached', async () => {
  sandbox.failNext('token', 'reset')
  const back = await logIn(request.agent(app))
  assert.equal(back.status, 502)
})
