import assert from 'node:assert/strict'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../lib/sandbox'
import { PostgresServer } from '../support/postgres'
import { RedisServer } from '../support/redis'
import { RedisCluster } from '../support/redis-cluster'
import { RedisSentinel } from '../support/redis-sentinel'
import { AppProcess, Browser, closeConnections, refreshBegan, statuses, type Answer, type AppSettings } from './app-process'

const PROCESSES = 4
const REQUESTS = 100

describe('SessionTokens, while servers fail and processes stall,', function () {
  this.timeout(120_000)

  let sandbox: Sandbox
  let apps: AppProcess[] = []
  let sessions: RedisServer

  before(async function () {
    sessions = await RedisServer.start(this)
  })
  after(() => (sessions as RedisServer | undefined)?.remove())
  afterEach(async () => {
    await Promise.all(apps.map((app) => app.kill()))
    closeConnections()
    await (sandbox as Sandbox | undefined)?.stop()
  })

  async function start(settings: readonly Partial<AppSettings>[], sandboxOptions: SandboxOptions): Promise<readonly [AppProcess, ...AppProcess[]]> {
    sandbox = await startSandbox(sandboxOptions)
    apps = await Promise.all(settings.map((each) => AppProcess.start(sandbox, { sessions: { kind: 'redis', url: sessions.url }, ...each })))
    const [first, ...others] = apps
    assert.ok(first)
    return [first, ...others]
  }

  async function loggedInAndExpired(app: AppProcess): Promise<Browser> {
    const browser = new Browser()
    await browser.logIn(app, sandbox)
    await browser.expire(app)
    return browser
  }

  const askAll = async (browser: Browser, processes: readonly AppProcess[], times: number): Promise<Answer[]> =>
    (await Promise.all(processes.flatMap((app) => Array.from({ length: times }, () => browser.get(app, '/account'))))).flat()

  /** Checks what every store promises if its master is killed during a refresh. */
  async function survives(refreshes: NonNullable<AppSettings['refreshes']>, killMaster: () => Promise<void>): Promise<void> {
    const processes = await start(Array.from({ length: PROCESSES }, () => ({ refreshes })), { latency: 700 })
    const [app] = processes
    const calm = await loggedInAndExpired(app)
    assert.deepEqual(statuses(await askAll(calm, processes, REQUESTS)), { 200: PROCESSES * REQUESTS })
    assert.equal(sandbox.counts.refreshes, 1)

    const struck = await loggedInAndExpired(app)
    const refreshesBefore = sandbox.requests.length
    const asked = askAll(struck, processes, 10)
    await refreshBegan(sandbox, refreshesBefore)
    await killMaster()
    const killedAt = Date.now()
    const answers = await asked
    assert.deepEqual(Object.keys(statuses(answers)).filter((status) => status !== '200' && status !== '503'), [], 'nobody is logged out')
    const served = await Promise.all(processes.map((one) => struck.getWhenAvailable(one, '/account', 15_000 - (Date.now() - killedAt))))
    assert.deepEqual(statuses(served), { 200: PROCESSES })
    const servedAfter = Date.now() - killedAt
    assert.ok(servedAfter < 15_000, `served again after ${servedAfter} ms`)

    // The next refresh is also done only once, on the new master.
    await struck.expire(app)
    const again = await Promise.all(processes.map((one) => struck.getWhenAvailable(one, '/account', 15_000)))
    assert.deepEqual(statuses(again), { 200: PROCESSES })
    assert.deepEqual([sandbox.counts.refreshes, sandbox.counts.reuses], [3, 0])
    console.log(`      during the refresh: ${JSON.stringify(statuses(answers))}; all processes answered 200 again ${servedAfter} ms after the master was killed`)
  }

  for (const kind of ['redis cluster', 'ioredis cluster'] as const) {
    it(`refreshes once for 400 requests to 4 processes, and keeps the login, if a Redis Cluster master is killed during a refresh (${kind})`, async function () {
      const cluster = await RedisCluster.start(this)
      try {
        await survives({ kind, urls: cluster.urls }, async () => {
          const master = await cluster.masterWith('twilio:login:*:lock')
          assert.ok(master, 'a master has the lock')
          await master.kill()
        })
      } finally {
        await cluster.remove()
      }
    })
  }

  for (const kind of ['redis sentinel', 'ioredis sentinel'] as const) {
    it(`refreshes once for 400 requests to 4 processes, and keeps the login, if the master of a Redis Sentinel is killed during a refresh (${kind})`, async function () {
      const sentinel = await RedisSentinel.start(this)
      try {
        await survives({ kind, urls: sentinel.urls }, () => sentinel.master.kill())
      } finally {
        await sentinel.remove()
      }
    })
  }

  for (const kind of ['redis', 'ioredis', 'postgres'] as const) {
    it(`refreshes once for 400 requests to 4 processes, and keeps the login, if the server restarts during a refresh (${kind})`, async function () {
      const server = kind === 'postgres' ? await PostgresServer.start(this) : await RedisServer.start(this)
      try {
        await survives({ kind, urls: [server.url] }, async () => {
          await server.stop()
          setTimeout(() => void server.start(), 1000)
        })
      } finally {
        await server.remove()
      }
    })
  }

  it('refreshes an expired token as soon as no lock can remain, and warns with the error, if Redis does not come back', async () => {
    const redis = await RedisServer.start()
    try {
      const settings = { refreshes: { kind: 'ioredis' as const, urls: [redis.url] }, timeout: 300 }
      const processes = await start([settings, settings], {})
      const [app, other] = processes
      const browser = await loggedInAndExpired(app)
      assert.equal((await browser.get(app, '/account')).status, 200)
      await browser.expire(app)
      await redis.stop()
      assert.equal((await browser.get(app, '/account')).status, 503, 'another process might be refreshing')
      assert.equal((await browser.getWhenAvailable(app, '/account', 10_000)).status, 200)
      assert.equal((await browser.get(other ?? app, '/account')).status, 200, 'the other process finds the new tokens in the session')
      assert.deepEqual([sandbox.counts.refreshes, sandbox.counts.reuses], [2, 0])
      assert.match(app.warnings.join('\n'), /ECONNREFUSED/)
    } finally {
      await redis.remove()
    }
  })

  describe('with a blocked event loop,', () => {
    let postgres: PostgresServer
    before(async function () {
      postgres = await PostgresServer.start(this)
    })
    after(() => (postgres as PostgresServer | undefined)?.remove())

    for (const kind of ['redis', 'ioredis', 'postgres'] as const) {
      for (const isSent of [false, true]) {
        it(`uses no refresh token twice if it blocks for 1.2 s just ${isSent ? 'after' : 'before'} sending the lock command (${kind})`, async () => {
          const refreshes = { kind, urls: [kind === 'postgres' ? postgres.url : sessions.url] }
          const [stalled, other] = await start([{ refreshes, stall: { ms: 1200, isSent } }, { refreshes }], { latency: 100 })
          assert.ok(other)
          const browser = await loggedInAndExpired(other)
          const answers = await Promise.all([browser.get(stalled, '/account'), browser.get(other, '/account'), browser.get(stalled, '/account')])
          assert.deepEqual(statuses(answers), { 200: 3 })
          assert.deepEqual([sandbox.counts.refreshes, sandbox.counts.reuses], [1, 0])
          await browser.expire(other)
          assert.deepEqual(statuses(await askAll(browser, apps, 5)), { 200: 10 })
          assert.deepEqual([sandbox.counts.refreshes, sandbox.counts.reuses], [2, 0])
        })
      }
    }

    it('uses no refresh token twice if it blocks for longer than its lock lives', async () => {
      const settings = { refreshes: { kind: 'redis' as const, urls: [sessions.url] }, timeout: 300 }
      const [stalled, other] = await start([{ ...settings, stall: { ms: 6000, isSent: true } }, settings], {})
      assert.ok(other)
      const browser = await loggedInAndExpired(other)
      const asked = browser.get(stalled, '/account')
      assert.equal((await browser.getWhenAvailable(other, '/account', 8000)).status, 200)
      await asked
      assert.equal((await browser.get(stalled, '/account')).status, 200)
      assert.deepEqual([sandbox.counts.refreshes, sandbox.counts.reuses], [1, 0])
    })
  })
})
