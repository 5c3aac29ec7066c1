import assert from 'node:assert/strict'
import { startSandbox, type LoggedRequest, type Sandbox } from '../../lib/sandbox'

const REDIRECT_URI = 'https://app.example.com/callback'
const FORM = 'application/x-www-form-urlencoded'

describe('a request that the sandbox refuses', () => {
  let sandbox: Sandbox
  const logged: LoggedRequest[] = []
  beforeEach(async () => {
    logged.length = 0
    sandbox = await startSandbox({ apps: [{ redirectURIs: [REDIRECT_URI] }], onRequest: (request) => logged.push(request) })
  })
  afterEach(() => sandbox.stop())

  const authorize = (parameters: Readonly<Record<string, string>>, accept: string) =>
    fetch(`${sandbox.url}/v1/authorize?${new URLSearchParams({ ResponseType: 'code', ClientId: sandbox.clientID, RedirectUri: REDIRECT_URI, ...parameters }).toString()}`, { redirect: 'manual', headers: { accept } })

  it('is explained on a page in a browser: what was sent, and what is registered', async () => {
    const response = await authorize({ RedirectUri: `${REDIRECT_URI}/<b>` }, 'text/html,application/xhtml+xml,*/*;q=0.8')
    assert.deepEqual([response.status, response.headers.get('content-type')], [400, 'text/html; charset=utf-8'])
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    const page = await response.text()
    for (const text of ['The redirect URI is not registered', `Sent: ${REDIRECT_URI}/&lt;b&gt;. Registered: ${REDIRECT_URI}`, '<dt>RedirectUri</dt>']) assert.ok(page.includes(text), text)
    assert.ok(!page.includes('<b>'))
  })

  it('names the client IDs that are registered, if its own is unknown', async () => {
    const page = await (await authorize({ ClientId: `OQ${'0'.repeat(32)}` }, 'text/html')).text()
    assert.ok(page.includes(`Sent: OQ${'0'.repeat(32)}. Registered: ${sandbox.clientID}`))
  })

  it("gets Twilio's JSON if it comes from an API client", async () => {
    for (const accept of ['*/*', 'application/json']) {
      const response = await authorize({ RedirectUri: 'https://other.example/' }, accept)
      assert.equal(response.status, 400)
      assert.match(((await response.json()) as { message: string }).message, /^invalid_request: The redirect URI is not registered/)
    }
  })

  it('is logged with the reason, and without secrets', async () => {
    await fetch(`${sandbox.url}/v1/token`, { method: 'POST', headers: { 'Content-Type': FORM }, body: `GrantType=client_credentials&ClientId=${sandbox.clientID}&ClientSecret=wrong-secret` })
    assert.deepEqual(logged.map(({ path, status, parameters }) => [path, status, parameters.ClientSecret]), [['/v1/token', 401, '…']])
    assert.match(logged[0]?.error ?? '', /^invalid_client: Authentication failed/)
    assert.equal(sandbox.requests[0]?.error, logged[0]?.error)
  })

  it('is logged without a status if a fault swallows it', async () => {
    sandbox.failNext('token', 'reset')
    await fetch(`${sandbox.url}/v1/token`, { method: 'POST' }).catch(() => undefined)
    assert.deepEqual(logged.map(({ path, status, error }) => [path, status, error]), [['/v1/token', undefined, undefined]])
  })

  it('may be a fault that is not JSON, although it says so', async () => {
    sandbox.failNext('token', { status: 500, body: '{', headers: { 'Content-Type': 'application/json' } })
    const response = await fetch(`${sandbox.url}/v1/token`, { method: 'POST', headers: { accept: 'text/html' } })
    assert.deepEqual([response.status, await response.text()], [500, '{'])
  })
})
