import { startSandbox } from 'passport-twilio/sandbox'
import { TwilioOAuthClient } from 'passport-twilio'
import { expect, test } from 'vitest'

const redirectURI = 'http://localhost:3000/auth/twilio/callback'

/** Logs in to the sandbox, and checks the ID token with a key set. */
async function logIn(sandbox, jwksURL) {
  const { clientID, clientSecret, url: baseURL } = sandbox
  const client = new TwilioOAuthClient({ clientID, clientSecret, baseURL, idToken: { jwksURL, required: true } })
  const authorizeURL = client.authorizationURL({ redirectURI, state: 'of the tests', scope: 'openid' })
  const code = new URL(await sandbox.login(authorizeURL)).searchParams.get('code')
  return client.exchangeCode({ code, redirectURI })
}

test('verifies ID tokens without a flag', async () => {
  const [sandbox, other] = [await startSandbox(), await startSandbox()]
  const { idToken } = await logIn(sandbox, sandbox.jwksURL)
  expect(idToken).toMatch(/^ey/)
  await expect(logIn(sandbox, other.jwksURL)).rejects.toThrow('The ID token is invalid: its signature is invalid.')
  await sandbox.stop()
  await other.stop()
})
