// Starts an app whose keys are not those of its ID tokens, and checks how it refuses logins: node refuse.cjs app.js
'use strict'
const assert = require('node:assert/strict')
const { resolve } = require('node:path')
const { pathToFileURL } = require('node:url')
const { startSandbox } = require('passport-twilio/sandbox')
const { listening, prepareApp, run } = require('./app.cjs')

async function main(file) {
  const other = await startSandbox()
  const { appURL, sandbox, environment } = await prepareApp()
  Object.assign(process.env, environment, { TWILIO_JWKS_URL: other.jwksURL })
  await import(pathToFileURL(resolve(file)))
  await listening(environment.PORT)

  /** Logs in with a browser of its own; returns the response of the callback. */
  async function logIn(comeBack) {
    const login = await fetch(`${appURL}/auth/twilio`, { redirect: 'manual' })
    const callback = await comeBack(login.headers.get('location'))
    const response = await fetch(callback, { redirect: 'manual', headers: { Cookie: login.headers.get('set-cookie').split(';')[0] } })
    return { status: response.status, ...(await response.json()) }
  }

  const forged = await logIn((url) => sandbox.login(url))
  assert.deepEqual([forged.status, forged.name, forged.message], [502, 'TwilioIdTokenError', 'The ID token is invalid: its signature is invalid.'])

  sandbox.rotateSecret()
  const refused = await logIn((url) => sandbox.login(url))
  assert.deepEqual([refused.status, refused.name], [502, 'TwilioTokenError'], refused.message)

  const failed = await logIn((url) => `${appURL}/auth/twilio/callback?error=temporarily_unavailable&state=${encodeURIComponent(new URL(url).searchParams.get('State'))}`)
  assert.deepEqual([failed.status, failed.name, failed.message], [503, 'AuthorizationError', 'Twilio refused the login with temporarily_unavailable.'])
}

run(() => main(process.argv[2]))
