import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import request from 'supertest'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { ExampleProcess, runExample } from '../support/example-process'

/** The example's function for its environment variables. It imports the built package, so the tests' type check must not depend on it. */
async function importReadConfig(): Promise<(variables: NodeJS.ProcessEnv) => unknown> {
  const { readConfig } = (await import(pathToFileURL('example-app/src/config.ts').href)) as { readConfig: (variables: NodeJS.ProcessEnv) => unknown }
  return readConfig
}

const SECRET = 'a session secret of the tests, long enough'

describe('the example app, when it is started', () => {
  it('says that it uses a sandbox, how to log in with Twilio itself, and which URL to open', async () => {
    const example = await ExampleProcess.start()
    assert.match(example.output, /^Logging in with a sandbox, a local stand-in for Twilio, because TWILIO_CLIENT_ID is not set\.\nTo log in with Twilio itself, set TWILIO_CLIENT_ID and TWILIO_CLIENT_SECRET\. The OAuth app needs this redirect URI: http:\/\/localhost:\d+\/auth\/twilio\/callback\nOpen http:\/\/localhost:\d+\n$/)
    await example.stop()
  })

  it('logs in with Twilio if it is given an OAuth app', async () => {
    const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: `OQ${'a'.repeat(32)}`, TWILIO_CLIENT_SECRET: 's', TWILIO_API_VERSION: 'v2', BASE_URL: 'https://app.example/' })
    assert.equal(example.output, 'Logging in with Twilio (v2).\nThe OAuth app needs this redirect URI: https://app.example/auth/twilio/callback\nOpen https://app.example\n')
    const { headers } = await request(example.localURL).get('/auth/twilio').expect(302)
    const sentTo = new URL(String(headers.location))
    assert.equal(sentTo.origin + sentTo.pathname, 'https://oauth.twilio.com/v2/authorize')
    assert.equal(sentTo.searchParams.get('redirect_uri'), 'https://app.example/auth/twilio/callback')
    await example.stop()
  })

  describe('with a sandbox that runs separately', () => {
    let sandbox: Sandbox
    before(async () => {
      sandbox = await startSandbox()
    })
    after(() => sandbox.stop())

    async function logInWith(environment: Record<string, string>): Promise<{ example: ExampleProcess; home: string }> {
      const { clientID, clientSecret, url } = sandbox
      const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: `${url}/`, ...environment })
      const visitor = request.agent(example.localURL)
      const begun = await visitor.get('/auth/twilio').expect(302)
      const callback = new URL(await sandbox.login(String(begun.headers.location)))
      await visitor.get(callback.pathname + callback.search).expect(302)
      const { text } = await visitor.get('/').expect(200)
      const story = await visitor.get('/how-it-works').expect(200, /access_token/)
      assert.ok(!story.text.includes('ClientSecret'), 'of the login, the app only shows what it has seen itself')
      return { example, home: text }
    }

    it('never greets a SID, which is all that Twilio returns without openid', async () => {
      const { example, home } = await logInWith({})
      assert.match(example.output, new RegExp(`^Logging in with Twilio at ${sandbox.url} \\(v1\\)\\.\n`))
      assert.match(home, /<h1>Welcome<\/h1>/)
      assert.doesNotMatch(home, /(?:US|AC|OR)[0-9a-f]{32}/)
      await example.stop()
    })

    it('asks for the scope that is set', async () => {
      const { example, home } = await logInWith({ TWILIO_SCOPE: 'openid profile offline_access' })
      assert.match(home, /<h1>Hello, Amara Okafor<\/h1>/)
      await example.stop()
    })
  })

  it('names each environment variable that is wrong, and exits', async () => {
    const { code, output } = await runExample({ PORT: '-1', TWILIO_API_VERSION: 'v3' })
    assert.equal(code, 1)
    assert.match(output, /^PORT .*\nTWILIO_API_VERSION .*\n$/)
  })

  it('explains each mistake in its environment variables', async () => {
    const readConfig = await importReadConfig()
    const cases: readonly [Record<string, string>, RegExp][] = [
      [{ PORT: 'http' }, /^PORT must be a whole number/],
      [{ PORT: '70000' }, /^PORT must be a whole number from 0 to 65535/],
      [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY must be a whole number from 0 to 10$/],
      [{ BASE_URL: 'app.example' }, /^BASE_URL must be a URL/],
      [{ DATABASE_URL: 'mysql://localhost' }, /^DATABASE_URL must be a URL such as postgres:/],
      [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be debug, info, warn, error or silent$/],
      [{ TWILIO_API_VERSION: 'v3' }, /^TWILIO_API_VERSION must be v1 or v2/],
      [{ SESSION_SECRET: 'short' }, /^SESSION_SECRET must have at least 32 characters/],
      [{ TWILIO_CLIENT_ID: `OQ${'a'.repeat(32)}` }, /^TWILIO_CLIENT_SECRET is missing/],
      [{ TWILIO_CLIENT_SECRET: 's' }, /^TWILIO_CLIENT_ID is missing/],
      [{ TWILIO_CLIENT_ID: `AC${'a'.repeat(32)}`, TWILIO_CLIENT_SECRET: 's' }, /^TWILIO_CLIENT_ID looks like an account SID/],
      [{ TWILIO_CLIENT_ID: `SK${'a'.repeat(32)}`, TWILIO_CLIENT_SECRET: 's' }, /^TWILIO_CLIENT_ID looks like an API key SID/],
      [{ TWILIO_CLIENT_ID: 'OQ123', TWILIO_CLIENT_SECRET: 's' }, /^TWILIO_CLIENT_ID has 5 characters\..*$/],
      [{ TWILIO_CLIENT_ID: `OQ${'a'.repeat(32)}`, TWILIO_CLIENT_SECRET: 's', TWILIO_BASE_URL: 'http://sandbox:8020' }, /^TWILIO_BASE_URL must be an https URL.*$/],
      [{ TWILIO_BASE_URL: 'sandbox' }, /^TWILIO_BASE_URL must be a URL/],
      [{ TWILIO_BASE_URL: 'http://127.0.0.1:8020' }, /^TWILIO_CLIENT_ID is missing: the sandbox/],
      [{ NODE_ENV: 'production' }, /^SESSION_SECRET is missing/],
      [{ PORT: '-1', TWILIO_API_VERSION: 'v3' }, /^PORT .*\nTWILIO_API_VERSION .*$/]
    ]
    for (const [environment, message] of cases) assert.throws(() => readConfig(environment), { name: 'ConfigError', message })
  })

  it('says in one line that its port is taken, and exits', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, output } = await runExample({ PORT: String(port) })
    assert.equal(code, 1)
    assert.equal(output, `Port ${port} is taken. Stop the program that uses it, or set PORT to another port.\n`)
    other.close()
  })

  describe('in production', () => {
    let example: ExampleProcess
    before(async () => {
      example = await ExampleProcess.start({ NODE_ENV: 'production', SESSION_SECRET: SECRET, BASE_URL: 'https://app.example' })
    })
    after(() => example.stop())

    it('only sends its cookie over https, and hides it from scripts (SEC-32)', async () => {
      const { headers } = await request(example.localURL).get('/auth/twilio').set('X-Forwarded-Proto', 'https').expect(302)
      assert.match(String(headers['set-cookie']), /^__Host-switchboard\.session=.*HttpOnly; Secure; SameSite=Lax/)
    })

    it('sends security headers', async () => {
      const { headers } = await request(example.localURL).get('/').expect(200)
      for (const header of ['content-security-policy', 'strict-transport-security', 'x-content-type-options']) assert.ok(headers[header], header)
      assert.equal(headers['x-powered-by'], undefined)
    })

    it('shows errors as pages, without a stack', async () => {
      for (const [path, status, message] of [
        ['/no-such-page', 404, 'Page not found'],
        ['/auth/twilio/callback?code=c&state=s', 403, 'This login cannot be finished'],
        ['/auth/twilio/callback?code=c&code=d', 400, 'That did not work']
      ] as const) {
        const { text } = await request(example.localURL).get(path).expect(status)
        assert.ok(text.includes(message) && text.includes('Back to the start'), text)
        assert.doesNotMatch(text, /at .*\.ts:\d+/)
      }
    })
  })
})
