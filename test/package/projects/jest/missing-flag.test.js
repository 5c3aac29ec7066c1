// Run without NODE_OPTIONS=--experimental-vm-modules.
const { startSandbox } = require('passport-twilio/sandbox')
const { createApp } = require('./app')
const { callbackURL, logIn } = require('./log-in')

test('a login whose ID token cannot be verified names the flag that is missing', async () => {
  const sandbox = await startSandbox()
  const { clientID, clientSecret, url: baseURL, jwksURL } = sandbox
  const app = createApp({ clientID, clientSecret, baseURL, callbackURL, scope: ['openid', 'offline_access'], idToken: { jwksURL } })
  const { browser, callback } = await logIn(app, sandbox)
  await sandbox.stop()
  expect(callback.status).toBe(500)
  expect(callback.text).toContain('TypeError: Verifying ID tokens with keys (idToken.jwksURL or idToken.jwks) under Jest needs NODE_OPTIONS=--experimental-vm-modules.')
  await browser.get('/account').set('Accept', 'application/json').expect(401)
})
