import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import request from 'supertest'
import { startSandbox } from '../../lib/sandbox'
import { ExampleProcess, runExample } from '../support/example-process'

/** What the example reads its environment with. It needs the built package, which the types of the tests do not. */
async function importReadConfig(): Promise<(variables: NodeJS.ProcessEnv) => unknown> {
  const { readConfig } = (await import(pathToFileURL('example-app/src/config.ts').href)) as { readConfig: (variables: NodeJS.ProcessEnv) => unknown }
  return readConfig
}

const SECRET = 'a session secret of the tests, long enough'

describe('the example app, when it is started', () => {
  it('says that it runs on a sandbox, how to come to Twilio itself, and where to open it', async () => {
    const example = await ExampleProcess.start()
    assert.match(example.output, /^Logging in with a sandbox, a Twilio on this machine, since TWILIO_CLIENT_ID is not set\.\nFor Twilio itself, set it and TWILIO_CLIENT_SECRET; the redirect address of the OAuth app is http:\/\/localhost:\d+\/auth\/twilio\/callback\nOpen http:\/\/localhost:\d+\n$/)
    await example.stop()
  })

  it('talks to Twilio where it is told the OAuth app', async () => {
    const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: `OQ${'a'.repeat(32)}`, TWILIO_CLIENT_SECRET: 's', TWILIO_API_VERSION: 'v2', BASE_URL: 'https://app.example/' })
    assert.equal(example.output, 'Logging in with Twilio (v2).\nThe redirect address of the OAuth app is https://app.example/auth/twilio/callback\nOpen https://app.example\n')
    const { headers } = await request(example.localURL).get('/auth/twilio').expect(302)
    const sentTo = new URL(String(headers.location))
    assert.equal(sentTo.origin + sentTo.pathname, 'https://oauth.twilio.com/v2/authorize')
    assert.equal(sentTo.searchParams.get('redirect_uri'), 'https://app.example/auth/twilio/callback')
    await example.stop()
  })

  it('runs on a sandbox of its own where it is told where that is, and makes do with the SIDs that Twilio tells', async () => {
    const sandbox = await startSandbox()
    const { clientID, clientSecret, url } = sandbox
    const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: `${url}/` })
    assert.match(example.output, new RegExp(`^Logging in with Twilio at ${url} \\(v1\\)\\.\n`))
    const visitor = request.agent(example.localURL)
    const begun = await visitor.get('/auth/twilio').expect(302)
    const callback = new URL(await sandbox.login(String(begun.headers.location)))
    await visitor.get(callback.pathname + callback.search).expect(302)
    const { text } = await visitor.get('/').expect(200)
    assert.match(text, /<h1>Hello<\/h1>\s+<p>You are logged in with Twilio as <strong>US[0-9a-f]{32}</)
    assert.ok(text.includes('access_token') && !text.includes('ClientSecret'), 'of the story, what the app itself has seen')
    await example.stop()
    await sandbox.stop()
  })

  it('says what is wrong in its environment, by name, and ends', async () => {
    const { code, output } = await runExample({ PORT: '-1', TWILIO_API_VERSION: 'v3' })
    assert.equal(code, 1)
    assert.match(output, /^PORT .*\nTWILIO_API_VERSION .*\n$/)
  })

  it('knows each mistake in its environment', async () => {
    const readConfig = await importReadConfig()
    const cases: readonly [Record<string, string>, RegExp][] = [
      [{ PORT: 'http' }, /^PORT must be a whole number/],
      [{ PORT: '70000' }, /^PORT must be a whole number from 0 to 65535/],
      [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY must be a whole number from 0 to 10$/],
      [{ BASE_URL: 'app.example' }, /^BASE_URL must be a URL/],
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

  it('says so in one line when its port is taken, and ends', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, resolve))
    const { port } = other.address() as AddressInfo
    const { code, output } = await runExample({ PORT: String(port) })
    assert.equal(code, 1)
    assert.equal(output, `Port ${port} is taken. Stop what runs there, or choose another: PORT=3001 npm start\n`)
    other.close()
  })

  describe('in production', () => {
    let example: ExampleProcess
    before(async () => {
      example = await ExampleProcess.start({ NODE_ENV: 'production', SESSION_SECRET: SECRET, BASE_URL: 'https://app.example' })
    })
    after(() => example.stop())

    it('keeps its cookie to https, and out of reach of scripts (SEC-32)', async () => {
      const { headers } = await request(example.localURL).get('/auth/twilio').set('X-Forwarded-Proto', 'https').expect(302)
      assert.match(String(headers['set-cookie']), /^__Host-switchboard\.session=.*HttpOnly; Secure; SameSite=Lax/)
    })

    it('answers with the headers that keep a page safe', async () => {
      const { headers } = await request(example.localURL).get('/').expect(200)
      for (const header of ['content-security-policy', 'strict-transport-security', 'x-content-type-options']) assert.ok(headers[header], header)
      assert.equal(headers['x-powered-by'], undefined)
    })

    it('shows errors as pages, without a stack', async () => {
      for (const [path, status, message] of [
        ['/no-such-page', 404, 'There is no such page'],
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
