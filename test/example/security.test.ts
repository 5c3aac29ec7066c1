import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import request from 'supertest'
import { ExampleProcess } from '../support/example-process'

const PRODUCTION = { NODE_ENV: 'production', SESSION_SECRET: 'a session secret of the tests, long enough', BASE_URL: 'https://app.example' }
/** An address of this computer that only reaches what does not just listen on 127.0.0.1. */
const OTHER_ADDRESS = Object.values(networkInterfaces()).flat().find((address) => address?.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.2'

describe('the example app, attacked from another site', () => {
  let example: ExampleProcess
  before(async () => {
    example = await ExampleProcess.start()
  })
  after(() => example.stop())

  for (const [sender, headers] of [
    ['a page of another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://attacker.example' }],
    ['a page on a sibling subdomain', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.app.example' }],
    ['a page of another site in an old browser', { Origin: 'https://attacker.example' }],
    ['a sandboxed frame in an old browser', { Origin: 'null' }]
  ] as const) {
    it(`refuses a POST that comes from ${sender}, on every path, and says so on a page`, async () => {
      for (const path of ['/logout', '/account/refresh', '/sandbox/expire', '/no-such-page']) {
        const { text } = await request(example.localURL).post(path).set(headers).expect(403)
        assert.match(text, /<h1>This did not come from our site<\/h1>/)
      }
    })

    it(`does not log a person out on a POST that comes from ${sender}`, async () => {
      const visitor = await logIn(example)
      await visitor.post('/logout').set(headers).expect(403)
      await visitor.get('/account').expect(200)
    })
  }

  it("lets the app's own pages and clients that are not browsers change something", async () => {
    const own = new URL(example.url)
    for (const headers of [
      { 'Sec-Fetch-Site': 'same-origin', Origin: own.origin },
      { 'Sec-Fetch-Site': 'none' },
      { Origin: own.origin },
      { Origin: `http://127.0.0.1:${own.port}`, Host: `127.0.0.1:${own.port}` },
      {}
    ]) {
      await request(example.localURL).post('/logout').set(headers).expect(303)
    }
  })

  it('can be opened by a link on another site, and can be logged in to from there', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }
    await request(example.localURL).get('/').set(headers).expect(200)
    await request(example.localURL).get('/auth/twilio').set(headers).expect(302)
  })

  it("lets browsers send their Origin with the app's own forms", async () => {
    const { headers } = await request(example.localURL).get('/').expect(200)
    assert.equal(headers['referrer-policy'], 'same-origin')
  })
})

describe('the example app on the network', () => {
  async function isReachable({ localURL }: ExampleProcess, address: string): Promise<boolean> {
    const { port } = new URL(localURL)
    return fetch(`http://${address}:${port}/`).then(() => true, () => false)
  }

  it('is only reachable from this computer in development', async () => {
    const example = await ExampleProcess.start()
    assert.ok(await isReachable(example, '127.0.0.1'))
    assert.ok(!(await isReachable(example, OTHER_ADDRESS)))
    await example.stop()
  })

  it('is reachable from elsewhere in production, and where HOST says so', async () => {
    for (const environment of [PRODUCTION, { HOST: '0.0.0.0' }]) {
      const example = await ExampleProcess.start(environment)
      assert.ok(await isReachable(example, OTHER_ADDRESS))
      await example.stop()
    }
  })

  it('binds its cookie to https and to its own host if the site is on https', async () => {
    const example = await ExampleProcess.start(PRODUCTION)
    const { headers } = await request(example.localURL).get('/auth/twilio').set('X-Forwarded-Proto', 'https').expect(302)
    const [cookie] = headers['set-cookie'] as unknown as string[]
    const [value, ...attributes] = String(cookie).split('; ')
    assert.match(String(value), /^__Host-\w+\.session=/)
    assert.deepEqual(attributes.filter((attribute) => !attribute.startsWith('Expires=')), ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax'])
    await example.stop()
  })
})

describe("the example app's limit for logins", () => {
  const MAX_REQUESTS = 100
  let example: ExampleProcess
  before(async () => {
    example = await ExampleProcess.start(PRODUCTION)
  })
  after(() => example.stop())

  /** A request as the proxy in front of the app passes it on. */
  function requestFrom(address: string, path = '/auth/twilio') {
    return request(example.localURL).get(path).set({ 'X-Forwarded-For': address, 'X-Forwarded-Proto': 'https' })
  }

  it('counts visitors instead of the proxy, covers the callback, and says when to retry', async () => {
    for (let number = 0; number < MAX_REQUESTS / 2; number++) {
      await requestFrom('192.0.2.1').expect(302)
      await requestFrom('192.0.2.1', '/auth/twilio/callback?code=c&state=s').expect(403)
    }
    for (const path of ['/auth/twilio', '/auth/twilio/callback?code=c&state=s']) {
      const { text, headers } = await requestFrom('192.0.2.1', path).expect(429)
      assert.match(text, /<h1>Too many logins<\/h1>/)
      assert.match(text, /try again in (?:9|10) minutes/)
      assert.ok(Number(headers['retry-after']) > 500 && Number(headers['retry-after']) <= 600)
    }
    await requestFrom('192.0.2.1', '/').expect(200)
    await requestFrom('192.0.2.2').expect(302)
  })

  it('cannot be avoided with a forged X-Forwarded-For, since only what the proxy adds counts', async () => {
    for (let number = 0; number < MAX_REQUESTS; number++) await requestFrom(`198.51.100.${number}, 192.0.2.3`).expect(302)
    await requestFrom('198.51.100.200, 192.0.2.3').expect(429)
  })
})

/** Logs in with the sandbox that the example has started. */
async function logIn({ localURL }: ExampleProcess) {
  const visitor = request.agent(localURL)
  const begun = await visitor.get('/auth/twilio').expect(302)
  const page = await fetch(String(begun.headers.location))
  const [, id = ''] = /name="request" value="([^"]+)"/.exec(await page.text()) ?? []
  const [, person = ''] = /name="person" value="([^"]+)"/.exec(await (await fetch(page.url)).text()) ?? []
  const form = new URLSearchParams({ request: id, person, decision: 'approve' })
  const decided = await fetch(new URL('/authorize', page.url), { method: 'POST', body: form, redirect: 'manual' })
  const callback = new URL(decided.headers.get('location') ?? '')
  await visitor.get(callback.pathname + callback.search).expect(302)
  return visitor
}
