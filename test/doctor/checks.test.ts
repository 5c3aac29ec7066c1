import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { examine, type DoctorOptions, type Finding } from '../../lib/doctor/checks'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate'
import { closedPort, json, TwilioServer } from '../support/twilio-server'

const REDIRECT_URI = 'https://app.example.com/auth/twilio/callback'

describe('passport-twilio-doctor', () => {
  let sandbox: Sandbox
  beforeEach(async () => {
    sandbox = await startSandbox({ apps: [{ redirectURIs: [REDIRECT_URI] }] })
  })
  afterEach(() => sandbox.stop())

  async function findings(options: Partial<DoctorOptions> = {}): Promise<Finding[]> {
    const { clientID, clientSecret, url } = sandbox
    const found: Finding[] = []
    for await (const finding of examine({ clientID, clientSecret, baseURL: url, redirectURI: REDIRECT_URI, apiVersion: 'v1', environment: {}, ...options })) found.push(finding)
    return found
  }

  /** The only finding that isn't fine. */
  async function problem(options: Partial<DoctorOptions>): Promise<Finding> {
    const [only, ...others] = (await findings(options)).filter(({ isFine }) => isFine === false)
    assert.ok(only)
    assert.deepEqual(others, [])
    return only
  }

  for (const apiVersion of ['v1', 'v2'] as const) {
    it(`finds nothing wrong with a correct setup on ${apiVersion}, and logs nobody in`, async () => {
      assert.deepEqual((await findings({ apiVersion })).map(({ subject, isFine }) => [subject, isFine]), [
        ['Client ID', true],
        ['Connection', true],
        ['Clock', true],
        ['Redirect URI', true],
        ['Client secret', true]
      ])
      assert.deepEqual(Object.values(sandbox.counts).filter((count) => count > 0), [])
    })
  }

  it('finds a client ID that is something else', async () => {
    const { subject, text } = await problem({ clientID: `AC${'0'.repeat(32)}` })
    assert.equal(subject, 'Client ID')
    assert.match(text, /looks like an account SID/)
  })

  it('finds a base URL that is none', async () => {
    const { subject, text } = await problem({ baseURL: 'oauth.twilio.com' })
    assert.equal(subject, 'Base URL')
    assert.match(text, /baseURL must be/)
  })

  it('finds an unknown client ID', async () => {
    const found = (await findings({ clientID: `OQ${'0'.repeat(32)}` })).filter(({ isFine }) => isFine === false)
    assert.deepEqual(found.map(({ subject }) => subject), ['Redirect URI', 'Client secret'])
    assert.match(found[0]?.text ?? '', /No OAuth app is registered with this client ID/)
  })

  it('finds a redirect URI that is not registered, and says what was sent', async () => {
    const { subject, text } = await problem({ redirectURI: `${REDIRECT_URI}/` })
    assert.equal(subject, 'Redirect URI')
    assert.match(text, /redirect URI is not registered.*callback\/\. It must be registered with the OAuth app in exactly this form/)
  })

  it('finds a wrong client secret, without repeating it', async () => {
    const { subject, text } = await problem({ clientSecret: 'the old client secret' })
    assert.equal(subject, 'Client secret')
    assert.match(text, /invalid_client.*Check clientID and clientSecret/)
    assert.doesNotMatch(text, /the old/)
  })

  it('finds a client secret that is not set, or was pasted with a line break', async () => {
    assert.match((await problem({ clientSecret: undefined })).text, /TWILIO_CLIENT_SECRET is not set/)
    assert.match((await problem({ clientSecret: `${sandbox.clientSecret}\n` })).text, /contains a line break/)
    assert.match((await problem({ clientSecret: undefined, apiVersion: 'v2' })).text, /TWILIO_CLIENT_SECRET is not set.*Only a public client needs no secret/)
  })

  it('finds nothing wrong with a public client, which has no client secret', async () => {
    await sandbox.stop()
    sandbox = await startSandbox({ apps: [{ redirectURIs: [REDIRECT_URI], isPublic: true }] })
    const found = await findings({ clientSecret: undefined, apiVersion: 'v2' })
    assert.ok(found.every(({ isFine }) => isFine))
    assert.match(found.at(-1)?.text ?? '', /requires no secret: the OAuth app is a public client/)
  })

  it('finds a host that cannot be reached, and tries nothing else', async () => {
    const found = await findings({ baseURL: `http://127.0.0.1:${await closedPort()}` })
    assert.deepEqual(found.map(({ subject, isFine }) => [subject, isFine]), [
      ['Client ID', true],
      ['Connection', false]
    ])
    assert.match(found[1]?.text ?? '', /127\.0\.0\.1:\d+ could not be reached.*ECONNREFUSED.*Nothing listens on this host and port/)
    assert.match((await problem({ baseURL: 'https://no-such-host.invalid' })).text, /no-such-host\.invalid:443.*The host name is unknown/)
  })

  describe('with a certificate of a private CA', () => {
    let server: Server
    before(async () => {
      server = createServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (_request, response) => response.end())
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    })
    after(() => server.close())

    it('says how to trust it', async () => {
      const { subject, text } = await problem({ baseURL: `https://localhost:${(server.address() as AddressInfo).port}` })
      assert.equal(subject, 'Connection')
      assert.match(text, /SELF_SIGNED.*NODE_EXTRA_CA_CERTS/)
    })

    it('finds http where https is meant', async () => {
      assert.match((await problem({ baseURL: `http://localhost:${(server.address() as AddressInfo).port}` })).text, /check http or https/)
    })
  })

  it('finds a clock that is two hours off', async () => {
    const twilio = await TwilioServer.start((...call) => json(404, {}, { Date: new Date(Date.now() - 7_200_000).toUTCString() })(...call))
    try {
      const clock = (await findings({ baseURL: twilio.url })).find(({ subject }) => subject === 'Clock')
      assert.equal(clock?.isFine, false)
      assert.match(clock.text, /clock is 2 h ahead of the server's.*synchronize the clock/)
    } finally {
      await twilio.stop()
    }
  })

  it('goes through the proxy that the environment names, and says how an app does', async () => {
    const proxy = `http://user:password@127.0.0.1:${await closedPort()}`
    const found = await findings({ baseURL: 'https://oauth.example.com', environment: { HTTPS_PROXY: proxy } })
    assert.deepEqual(found.map(({ subject, isFine }) => [subject, isFine]), [
      ['Client ID', true],
      ['Proxy', true],
      ['Connection', false]
    ])
    assert.match(found[1]?.text ?? '', /use the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\).*agent: new HttpsProxyAgent\(process\.env\.HTTPS_PROXY\)/)
    assert.doesNotMatch(found.map(({ text }) => text).join(), /password/)
  })

  it('leaves out the proxy for hosts that NO_PROXY lists', async () => {
    for (const NO_PROXY of ['*', 'example.com,127.0.0.1', '127.0.0.1:1']) assert.ok((await findings({ environment: { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY } })).every(({ isFine }) => isFine))
  })
})
