import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import request from 'supertest'
import { startSandbox, type Sandbox, type SandboxEndpoint, type SandboxFault } from '../../lib/sandbox'
import { ExampleProcess } from '../support/example-process'

const TTL = 0.3

describe("the example app's error pages", () => {
  let sandbox: Sandbox
  let example: ExampleProcess
  let visitor: ReturnType<typeof request.agent>
  before(async () => {
    sandbox = await startSandbox({ accountLogins: true, accessTokenTTL: TTL })
    example = await startOn(sandbox, sandbox.clientSecret)
  })
  after(async () => {
    await (example as ExampleProcess | undefined)?.stop()
    await (sandbox as Sandbox | undefined)?.stop()
  })
  beforeEach(() => {
    visitor = request.agent(example.localURL)
  })

  /** Starts a login and approves it. Returns the path of the callback, which is not requested yet. */
  async function approveLogin(as = visitor): Promise<string> {
    const begun = await as.get('/auth/twilio').expect(302)
    const { pathname, search } = new URL(await sandbox.login(String(begun.headers.location)))
    return pathname + search
  }

  function failThreeTimes(endpoint: SandboxEndpoint, fault: SandboxFault): void {
    for (let time = 0; time < 3; time++) sandbox.failNext(endpoint, fault)
  }

  for (const [fault, status] of [['server error', 503], ['html error', 502], ['reset', 502], ['not json', 502], ['throttled', 503]] as const) {
    it(`say that Twilio cannot be reached if the token endpoint fails with: ${fault}; the next login works`, async () => {
      const callback = await approveLogin()
      sandbox.failNext('token', fault)
      assertPage(await visitor.get(callback), { status, title: 'Twilio cannot be reached right now', links: ['/auth/twilio', '/'] })
      await visitor.get(await approveLogin()).expect(302).expect('Location', '/account')
    })
  }

  it('say that the login was already used if somebody goes back to the callback after logging out', async () => {
    const callback = await approveLogin()
    await visitor.get(callback).expect(302)
    await visitor.get(callback).expect(302).expect('Location', '/account')
    await visitor.post('/logout').expect(303)
    assertPage(await visitor.get(callback), { status: 403, title: 'This login was already used', links: ['/auth/twilio', '/'] })
  })

  it('refuse a callback link that somebody else started', async () => {
    const callback = await approveLogin()
    const other = request.agent(example.localURL)
    await other.get('/auth/twilio')
    assertPage(await other.get(callback), { status: 403, title: 'This login cannot be finished', links: ['/auth/twilio', '/'] })
  })

  it('say that Twilio did not accept an invalid authorization code', async () => {
    const callback = new URL(await approveLogin(), example.localURL)
    callback.searchParams.set('code', 'made-up')
    assertPage(await visitor.get(callback.pathname + callback.search), { status: 403, title: 'Twilio did not accept this login', links: ['/auth/twilio', '/'] })
  })

  it('say that Twilio did not identify the user, instead of showing a denial', async () => {
    const callback = await approveLogin()
    sandbox.failNext('token', { status: 201, body: JSON.stringify({ access_token: 'opaque', token_type: 'bearer' }) })
    assertPage(await visitor.get(callback), { status: 502, title: 'Twilio did not say who you are', links: ['/auth/twilio', '/'] })
  })

  it('treat a wrong client secret as a mistake of the app, and do not show it', async () => {
    const misconfigured = await startOn(sandbox, 'not the secret of the app')
    const person = request.agent(misconfigured.localURL)
    const page = await person.get(await approveLogin(person))
    assertPage(page, { status: 502, title: 'Twilio refused our request', links: ['/auth/twilio', '/'] })
    assert.ok(!page.text.includes('not the secret of the app'))
    await misconfigured.stop()
  })

  it('offer to reload the page if the tokens cannot be refreshed right now, and keep the user logged in', async () => {
    await visitor.get(await approveLogin()).expect(302)
    await pause(TTL * 1000)
    failThreeTimes('token', 'server error')
    const page = await visitor.get('/account')
    assertPage(page, { status: 503, title: 'Twilio cannot be reached right now', links: ['', '/'] })
    assert.match(String(page.headers['retry-after']), /^\d+$/)
    await visitor.get('/account').expect(200, /Your account/)
  })

  it("offer to reload the page if Twilio's API fails", async () => {
    await visitor.get(await approveLogin()).expect(302)
    sandbox.failNext('api', 'server error')
    assertPage(await visitor.get('/numbers'), { status: 503, title: 'Twilio cannot be reached right now', links: ['', '/'] })
    await visitor.get('/numbers').expect(200, /Front desk/)
  })

  it("do not pass on a 403 from Twilio's API as the app's own", async () => {
    await visitor.get(await approveLogin()).expect(302)
    sandbox.failNext('api', { status: 403, body: JSON.stringify({ code: 20403, message: 'Forbidden', status: 403, more_info: 'https://www.twilio.com/docs/errors/20403' }) })
    assertPage(await visitor.get('/messages'), { status: 502, title: 'Twilio refused our request', links: ['', '/'] })
  })
})

function startOn({ clientID, url }: Sandbox, clientSecret: string): Promise<ExampleProcess> {
  return ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url })
}

function assertPage({ status, text }: request.Response, expected: { status: number; title: string; links: string[] }): void {
  const [, title] = /<h1>(.*)<\/h1>/.exec(text) ?? []
  const [, main = ''] = /<main([\s\S]*)<\/main>/.exec(text) ?? []
  const links = [...main.matchAll(/class="button[^"]*" href="([^"]*)"/g)].map(([, path]) => path)
  assert.deepEqual({ status, title, links }, expected)
  assert.doesNotMatch(text, /\.[jt]s:\d+/, 'no stack is shown')
}
