import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import request from 'supertest'
import { ExampleProcess, runExample } from '../support/example-process'
import { RedisServer } from '../support/redis'
import { findProgram, skipWithout } from '../support/requirements'

describe('the example app in three processes behind one port', () => {
  let redis: RedisServer
  let example: ExampleProcess
  before(async function () {
    redis = await RedisServer.start(this)
    example = await ExampleProcess.start({ REDIS_URL: redis.url }, 'cluster.ts')
  })
  after(async () => {
    await (example as ExampleProcess | undefined)?.stop()
    await (redis as RedisServer | undefined)?.remove()
  })

  it('prints one line, with the number of processes and the URL to open', () => {
    assert.match(example.output, /^3 processes, with Redis at \S+, logging in with a sandbox, .*\. Open http:\/\/localhost:\d+\n$/)
  })

  it('recognizes a logged-in user in each process, and shows the steps of the login', async () => {
    const visitor = request.agent(example.localURL)
    const begun = await visitor.get('/auth/twilio').expect(302)
    const page = await fetch(String(begun.headers.location))
    const id = /name="request" value="([^"]+)"/.exec(await page.text())?.[1] ?? ''
    const form = new URLSearchParams({ request: id, person: 'US5a1c0b7e9d3f4a6288c1e0d7b9f2a461', decision: 'approve' })
    const decided = await fetch(new URL('/authorize', page.url), { method: 'POST', body: form, redirect: 'manual' })
    const callback = new URL(decided.headers.get('location') ?? '')
    await visitor.get(callback.pathname + callback.search).expect(302)

    const processes = new Set<string>()
    for (let visit = 0; visit < 30 && processes.size < 3; visit++) {
      const { text } = await visitor.get('/how-it-works').set('Connection', 'close').expect(200)
      assert.ok(text.includes('How you logged in') && text.includes('Amara Okafor') && text.includes('POST /v1/token'))
      processes.add(/Process (\d+) rendered this page/.exec(text)?.[1] ?? '')
    }
    assert.equal(processes.size, 3)
    await visitor.post('/sandbox/expire').expect(303)
    await visitor.get('/account').expect(200, /The sandbox expired the token/)
  })

  it('counts the logins of a visitor in all processes together', async () => {
    const responses = await Promise.all(Array.from({ length: 120 }, () => request(example.localURL).get('/auth/twilio').set('Connection', 'close')))
    const limited = responses.filter(({ status }) => status === 429)
    assert.ok(limited.length >= 20, `${limited.length} of 120 requests were refused, and 100 are allowed`)
  })
})

describe('the example app in three processes, when it starts and stops', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`answers as soon as it prints its URL, and stops everything on ${signal}: the processes, the sandbox, and the Redis that it started`, async function () {
      if (!findProgram('redis-server')) return skipWithout(this, 'redis', 'there is no redis-server on this machine (Debian: apt-get install redis-server).')
      // The example would use the Redis that is already running.
      if (await isListening(6379)) return this.skip()
      const example = await ExampleProcess.start({}, 'cluster.ts')
      const [, redisPort] = /Redis at 127\.0\.0\.1:(\d+)/.exec(example.output) ?? []
      const answers = await Promise.all(Array.from({ length: 30 }, () => request(example.localURL).get('/').set('Connection', 'close')))
      assert.ok(answers.every(({ status }) => status === 200))
      const { headers } = await request(example.localURL).get('/auth/twilio').expect(302)
      const ports = [redisPort, new URL(example.localURL).port, new URL(String(headers.location)).port].map(Number)
      for (const port of ports) assert.ok(await isListening(port), `port ${port}`)

      assert.equal(await example.stop(signal), 0)
      for (const port of ports) assert.ok(!(await isListening(port)), `port ${port}`)
    })
  }

  it('prints one line and exits if Redis cannot be reached', async () => {
    const { code, output } = await runExample({ PORT: '0', REDIS_URL: 'redis://127.0.0.1:1' }, 'cluster.ts')
    assert.equal(code, 1)
    assert.match(output, /^REDIS_URL cannot be reached \(ECONNREFUSED\)\. .*\n$/)
  })

  it('prints one line and exits if its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, output } = await runExample({ PORT: String(port) }, 'cluster.ts')
    assert.equal(code, 1)
    assert.match(output, /^Port \d+ is taken\. .*\n$/)
    other.close()
  })
})

describe('the example app with a Redis that cannot be reached', () => {
  it('prints one line that says so, and exits', async () => {
    const { code, output } = await runExample({ PORT: '0', REDIS_URL: 'redis://127.0.0.1:1' })
    assert.equal(code, 1)
    assert.match(output, /^REDIS_URL cannot be reached \(ECONNREFUSED\)\. Start Redis, or leave REDIS_URL out to keep sessions in memory\.\n$/)
  })

  it('prints one line and exits if the host name of Redis does not exist', async () => {
    const { code, output } = await runExample({ PORT: '0', REDIS_URL: 'redis://no-such-machine.invalid:6379' })
    assert.equal(code, 1)
    assert.match(output, /^REDIS_URL cannot be reached \((?:ENOTFOUND|EAI_AGAIN)\)\. Start Redis, or leave REDIS_URL out to keep sessions in memory\.\n$/)
  })
})

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
