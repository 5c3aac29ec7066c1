import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import request from 'supertest'
import { startSandbox, type Sandbox, type SandboxEndpoint, type SandboxFault } from '../../lib/sandbox'
import { ExampleProcess } from '../support/example-process'

const TTL = 0.3

describe("the example app's pages for what goes wrong", () => {
  let sandbox: Sandbox
  let example: ExampleProcess
  let visitor: ReturnType<typeof request.agent>
  before(async () => {
    sandbox = await startSandbox({ accessTokenTTL: TTL })
    example = await startOn(sandbox, sandbox.clientSecret)
  })
  after(async () => {
    await (example as ExampleProcess | undefined)?.stop()
    await (sandbox as Sandbox | undefined)?.stop()
  })
  beforeEach(() => {
    visitor = request.agent(example.localURL)
  })

  /** Goes to Twilio and back; gives the path of the callback. */
  async function comeBack(as = visitor): Promise<string> {
    const begun = await as.get('/auth/twilio').expect(302)
    const { pathname, search } = new URL(await sandbox.login(String(begun.headers.location)))
    return pathname + search
  }

  function failThrice(endpoint: SandboxEndpoint, fault: SandboxFault): void {
    for (let time = 0; time < 3; time++) sandbox.failNext(endpoint, fault)
  }

  for (const [fault, status] of [['server error', 503], ['html error', 502], ['reset', 502], ['not json', 502], ['throttled', 503]] as const) {
    it(`says that Twilio cannot be reached where it answers a login with: ${fault}; the next try is in`, async () => {
      const callback = await comeBack()
      sandbox.failNext('token', fault)
      assertPage(await visitor.get(callback), { status, title: 'Twilio cannot be reached right now', ways: ['/auth/twilio', '/'] })
      await visitor.get(await comeBack()).expect(302).expect('Location', '/account')
    })
  }

  it('says that the login came back before, to whoever goes back after logging out', async () => {
    const callback = await comeBack()
    await visitor.get(callback).expect(302)
    await visitor.get(callback).expect(302).expect('Location', '/account')
    await visitor.post('/logout').expect(303)
    assertPage(await visitor.get(callback), { status: 403, title: 'This login has come back before', ways: ['/auth/twilio', '/'] })
  })

  it('says that the login was not begun here, to whoever was given the link by another', async () => {
    const callback = await comeBack()
    const other = request.agent(example.localURL)
    await other.get('/auth/twilio')
    assertPage(await other.get(callback), { status: 403, title: 'This login cannot be finished', ways: ['/auth/twilio', '/'] })
  })

  it('says that Twilio did not accept a code that is made up', async () => {
    const callback = new URL(await comeBack(), example.localURL)
    callback.searchParams.set('code', 'made-up')
    assertPage(await visitor.get(callback.pathname + callback.search), { status: 403, title: 'Twilio did not accept this login', ways: ['/auth/twilio', '/'] })
  })

  it('does not speak of a denial where Twilio does not say who somebody is', async () => {
    const callback = await comeBack()
    sandbox.failNext('token', { status: 201, body: JSON.stringify({ access_token: 'opaque', token_type: 'bearer' }) })
    assertPage(await visitor.get(callback), { status: 502, title: 'Twilio did not say who you are', ways: ['/auth/twilio', '/'] })
  })

  it('does not blame the person for a wrong client secret, and does not show it', async () => {
    const misconfigured = await startOn(sandbox, 'not the secret of the app')
    const person = request.agent(misconfigured.localURL)
    const page = await person.get(await comeBack(person))
    assertPage(page, { status: 502, title: 'Twilio did not let us in', ways: ['/auth/twilio', '/'] })
    assert.ok(!page.text.includes('not the secret of the app'))
    await misconfigured.stop()
  })

  it('lets a page be asked for again where the tokens cannot be renewed now, and keeps the login', async () => {
    await visitor.get(await comeBack()).expect(302)
    await pause(TTL * 1000)
    failThrice('token', 'server error')
    const page = await visitor.get('/account')
    assertPage(page, { status: 503, title: 'Twilio cannot be reached right now', ways: ['', '/'] })
    assert.match(String(page.headers['retry-after']), /^\d+$/)
    await visitor.get('/account').expect(200, /Your account/)
  })

  it("lets a page be asked for again where Twilio's API is in trouble", async () => {
    await visitor.get(await comeBack()).expect(302)
    sandbox.failNext('api', 'server error')
    assertPage(await visitor.get('/numbers'), { status: 503, title: 'Twilio cannot be reached right now', ways: ['', '/'] })
    await visitor.get('/numbers').expect(200, /Front desk/)
  })

  it("takes no word of Twilio's API on what somebody may see for its own", async () => {
    await visitor.get(await comeBack()).expect(302)
    sandbox.failNext('api', { status: 403, body: JSON.stringify({ code: 20403, message: 'Forbidden', status: 403, more_info: 'https://www.twilio.com/docs/errors/20403' }) })
    assertPage(await visitor.get('/messages'), { status: 502, title: 'Twilio did not let us in', ways: ['', '/'] })
  })
})

function startOn({ clientID, url }: Sandbox, clientSecret: string): Promise<ExampleProcess> {
  return ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url })
}

function assertPage({ status, text }: request.Response, expected: { status: number; title: string; ways: string[] }): void {
  const [, title] = /<h1>(.*)<\/h1>/.exec(text) ?? []
  const ways = [...text.matchAll(/class="button[^"]*" href="([^"]*)"/g)].map(([, path]) => path)
  assert.deepEqual({ status, title, ways }, expected)
  assert.doesNotMatch(text, /\.[jt]s:\d+/, 'no stack is shown')
}
