import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'redis'
import request from 'supertest'
import { startSandbox, type Sandbox, type SandboxEndpoint, type SandboxFault } from '../../lib/sandbox'
import { ExampleProcess, runExample } from '../support/example-process'
import { unsigned } from '../support/jwt'
import { RedisServer } from '../support/redis'

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

  it('say that Twilio refused the app, not that it is down, if the secret was rotated while people are logged in, and log what to do', async () => {
    const own = await startSandbox({ accessTokenTTL: TTL })
    const app = await startOn(own, own.clientSecret)
    const person = request.agent(app.localURL)
    const begun = await person.get('/auth/twilio').expect(302)
    const { pathname, search } = new URL(await own.login(String(begun.headers.location)))
    await person.get(pathname + search).expect(302)
    own.rotateSecret()
    await pause(TTL * 1000)
    assertPage(await person.get('/account'), { status: 503, title: 'Twilio refused our request', links: ['', '/'] })
    await app.stop()
    await own.stop()
    const warning = app.log.find(({ code }) => code === 'WARN_TWILIO_REFRESH_REFUSED')
    assert.match(String(warning?.msg), /Check clientID and clientSecret/)
  })

  it('do not blame the connection to Twilio for an ID token that is refused because of the clock', async () => {
    const callback = await approveLogin()
    const idToken = unsigned({ aud: sandbox.clientID, sub: 'US1', iat: 0, exp: 1 })
    sandbox.failNext('token', { status: 201, body: JSON.stringify({ access_token: 'opaque', id_token: idToken, token_type: 'bearer' }) })
    assertPage(await visitor.get(callback), { status: 502, title: 'We could not verify who you are', links: ['/auth/twilio', '/'] })
    assert.match(JSON.stringify(example.log.at(-1)), /check this machine's clock/)
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

describe('the example app with Redis, while Redis is down', () => {
  let redis: RedisServer
  let sandbox: Sandbox
  let example: ExampleProcess
  let visitor: ReturnType<typeof request.agent>
  before(async function () {
    redis = await RedisServer.start(this)
    sandbox = await startSandbox()
    const { clientID, clientSecret, url } = sandbox
    example = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url, SESSION_SECRET: 'a session secret of the tests, long enough', REDIS_URL: redis.url })
    visitor = request.agent(example.localURL)
    const begun = await visitor.get('/auth/twilio').expect(302)
    const { pathname, search } = new URL(await sandbox.login(String(begun.headers.location)))
    await visitor.get(pathname + search).expect(302)
    await redis.stop()
  })
  after(async () => {
    await (example as ExampleProcess | undefined)?.stop()
    await (sandbox as Sandbox | undefined)?.stop()
    await (redis as RedisServer | undefined)?.remove()
  })

  it('answers within seconds, also a login, and writes nothing but lines of JSON to its log', async () => {
    for (const path of ['/account', '/auth/twilio']) {
      const started = performance.now()
      await visitor.get(path).expect(503)
      assert.ok(performance.now() - started < 4000, `${path} took ${performance.now() - started} ms`)
    }
    assert.doesNotMatch(example.errorOutput, /^(?!\{|$)/m)
  })

  it('does not send a new visitor to Twilio for a login that could not be finished, and answers a logout with 503 too', async () => {
    const from = example.log.length
    const page = await request(example.localURL).get('/auth/twilio').timeout(4000).ok(() => true)
    assertPage(page, { status: 503, title: 'We cannot see who you are right now', links: ['/auth/twilio', '/'] })
    const [line, ...others] = example.log.slice(from).filter(({ path }) => path === '/auth/twilio')
    assert.deepEqual(others, [])
    assert.match((line?.err as { message: string }).message, /^The login was not started, .*Check that Redis is running and can be reached at REDIS_URL/)
    await request(example.localURL).post('/logout').expect(503, /We cannot see who you are right now/)
  })

  it('asks people to try again, with 503, and logs once what to do; when Redis is back, everybody is still logged in', async () => {
    assertPage(await visitor.get('/account'), { status: 503, title: 'We cannot see who you are right now', links: ['', '/'] })
    await redis.start()
    for (let tries = 0; tries < 100 && !example.log.some(({ msg }) => msg === 'Redis is connected again'); tries++) await pause(100)
    await visitor.get('/account').expect(200, /Your account/)

    const outages = example.log.filter(({ msg }) => /^Redis cannot be reached\. .*Check that Redis is running and REDIS_URL is right/.test(String(msg)))
    assert.equal(outages.length, 1)
    const page = example.log.find(({ path }) => path === '/account')
    assert.match((page?.err as { message: string }).message, /^The session store failed\. Check that Redis is running/)
  })
})

describe('the example app with Redis, while Redis hangs', () => {
  it('asks people to try again within seconds, logs once what to do, and continues when Redis does', async function () {
    const redis = await RedisServer.start(this)
    const example = await ExampleProcess.start({ SESSION_SECRET: 'a session secret of the tests, long enough', REDIS_URL: redis.url })
    const visitor = request.agent(example.localURL)
    await visitor.get('/auth/twilio').expect(302)

    redis.freeze()
    await request(example.localURL).get('/auth/twilio').timeout(5000).expect(503, /We cannot see who you are right now/)
    for (let times = 0; times < 3; times++) await visitor.get('/').timeout(4000).expect(503, /We cannot see who you are right now/)
    redis.thaw()
    for (let tries = 0; tries < 100 && !example.log.some(({ msg }) => msg === 'Redis is connected again'); tries++) await pause(100)
    await visitor.get('/').expect(200)
    assert.equal(example.log.filter(({ msg }) => String(msg).startsWith('Redis cannot be reached. ')).length, 1)

    await example.stop()
    await redis.remove()
  })

  it('does not start without a reply, and names REDIS_URL', async function () {
    const redis = await RedisServer.start(this)
    redis.freeze()
    const { code, output } = await runExample({ PORT: '0', REDIS_URL: redis.url })
    assert.equal(code, 1)
    assert.equal(output, 'REDIS_URL cannot be reached (no reply within 2000 ms). Start Redis, or leave REDIS_URL out to keep sessions in memory.\n')
    await redis.remove()
  })
})

describe('the example app with Redis, while Redis can only be read', () => {
  it('fails with 503 where something must be saved, shows other pages, and logs one line of JSON for each', async function () {
    const redis = await RedisServer.start(this)
    const sandbox = await startSandbox()
    const { clientID, clientSecret, url } = sandbox
    const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url, SESSION_SECRET: 'a session secret of the tests, long enough', REDIS_URL: redis.url })
    const [member, returning] = [request.agent(example.localURL), request.agent(example.localURL)]
    const approve = async (visitor: typeof member) => {
      const { headers } = await visitor.get('/auth/twilio').expect(302)
      const { pathname, search } = new URL(await sandbox.login(String(headers.location)))
      return pathname + search
    }
    await member.get(await approve(member)).expect(302)
    const callback = await approve(returning)
    const admin = await createClient({ url: redis.url }).connect()
    await admin.sendCommand(['REPLICAOF', '127.0.0.1', '1'])

    for (const [visit, status] of [
      [() => request(example.localURL).get('/auth/twilio'), 503],
      [() => returning.get(callback), 503],
      [() => member.get('/account'), 200],
      [() => member.get('/auth/twilio'), 503],
      [() => member.post('/logout'), 503]
    ] as const) {
      const from = example.log.length
      const { path } = (await visit().timeout(5000).ok((response) => response.status === status)).request.req as { path: string }
      const isLogged = () => example.log.slice(from).filter((line) => line.path === path.replace(/\?.*/, ''))
      for (let tries = 0; tries < 100 && isLogged().length === 0; tries++) await pause(100)
      assert.equal(isLogged().length, 1, path)
      assert.match((isLogged()[0]?.err as { message: string }).message, /Redis.* REDIS_URL.*READONLY/, path)
    }
    assert.doesNotMatch(example.errorOutput, /^(?!\{|$)/m)

    await admin.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    admin.destroy()
    await example.stop()
    await sandbox.stop()
    await redis.remove()
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
