import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../lib/sandbox'
import { PostgresServer } from '../support/postgres'
import { RedisServer } from '../support/redis'
import { AppProcess, Browser, closeConnections, statuses, type Answer, type AppSettings } from './app-process'

/** Short by default. The project's own checks require longer times. */
const RACE_SECONDS = Number(process.env.TEST_RACE_SECONDS ?? 4)
const OUTAGE_SECONDS = Number(process.env.TEST_OUTAGE_SECONDS ?? 1)

describe('SessionTokens, with many simultaneous requests and processes,', function () {
  this.timeout((RACE_SECONDS + OUTAGE_SECONDS + 60) * 1000)

  let sandbox: Sandbox
  let apps: AppProcess[] = []

  async function start(count: number, sandboxOptions: SandboxOptions = {}, settings: Partial<AppSettings> = {}): Promise<readonly [AppProcess, ...AppProcess[]]> {
    sandbox = await startSandbox(sandboxOptions)
    apps = await Promise.all(Array.from({ length: count }, () => AppProcess.start(sandbox, settings)))
    const [first, ...others] = apps
    assert.ok(first)
    return [first, ...others]
  }

  afterEach(async () => {
    await Promise.all(apps.map((app) => app.kill()))
    closeConnections()
    await (sandbox as Sandbox | undefined)?.stop()
  })

  function ask(browser: Browser, app: AppProcess, times: number): Promise<Answer[]> {
    return Promise.all(Array.from({ length: times }, () => browser.get(app, '/account')))
  }

  it('refreshes once for 1,000 requests with one expired session in one process, all of which get 200', async () => {
    const [app] = await start(1, { latency: 100 })
    const browser = new Browser()
    await browser.logIn(app, sandbox)
    await browser.expire(app)
    const answers = await ask(browser, app, 1000)
    assert.deepEqual(statuses(answers), { 200: 1000 })
    assert.equal(sandbox.counts.refreshes, 1)
    assert.equal(new Set(answers.map(({ body }) => body)).size, 1, 'all have the same new tokens')
  })

  it('logs nobody out if a slow request saves its old session after a refresh, in memory', async () => {
    await slowRequest(...(await start(1)))
  })

  async function slowRequest(app: AppProcess, other = app): Promise<void> {
    const browser = new Browser()
    await browser.logIn(app, sandbox)
    await browser.expire(app)
    const began = app.slowBegan()
    const slow = browser.get(app, '/slow?ms=300')
    await began
    const fresh = await browser.tokens(other)
    assert.equal((await slow).status, 200)
    assert.deepEqual(await browser.tokens(app), fresh, 'the next request is logged in, with the new tokens')
    assert.deepEqual(await browser.tokens(other), fresh)
    assert.deepEqual([sandbox.counts.refreshes, sandbox.counts.reuses], [1, 0])
  }

  const SECRET = 'a secret of the tests, which is long enough'

  function logIn(count: number, app: AppProcess): Promise<Browser[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const browser = new Browser()
        await browser.logIn(app, sandbox)
        return browser
      })
    )
  }

  async function race(processes: readonly [AppProcess, ...AppProcess[]]): Promise<void> {
    const browsers = await logIn(20, processes[0])
    const answers: Answer[] = []
    const end = Date.now() + RACE_SECONDS * 1000
    await Promise.all(
      browsers.map(async (browser) => {
        while (Date.now() < end) {
          answers.push(...(await Promise.all(processes.flatMap((one) => [browser.get(one, '/account'), browser.get(one, '/account')]))))
          await pause(Math.random() * 150)
        }
      })
    )
    assert.deepEqual(Object.keys(statuses(answers)), ['200'])
    assert.equal(sandbox.counts.reuses, 0)
    assert.ok(sandbox.counts.refreshes >= (20 * RACE_SECONDS) / 3, `${sandbox.counts.refreshes} refreshes`)
    console.log(`      ${answers.length} requests, ${sandbox.counts.refreshes} refreshes, 0 logouts, 0 reuses`)
  }

  async function raceWithLogouts(processes: readonly [AppProcess, ...AppProcess[]]): Promise<void> {
    const someProcess = () => processes[Math.floor(Math.random() * processes.length)] ?? processes[0]
    const end = Date.now() + RACE_SECONDS * 1000
    const before: Answer[] = []
    const soonAfter: Answer[] = []
    const after: Answer[] = []
    const oldCookies: string[] = []
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        while (Date.now() < end) {
          const browser = new Browser()
          await browser.logIn(someProcess(), sandbox)
          const old = new Browser(browser.cookie)
          // At least until the tokens expire, so that some of these requests refresh them.
          const visitsEnd = Date.now() + 900 + Math.random() * 1500
          while (Date.now() < visitsEnd) before.push(...(await Promise.all(processes.map((one) => old.get(one, '/account')))))
          const working = processes.flatMap((one) => [old.get(one, '/account'), old.get(one, '/work?ms=200')])
          await pause(Math.random() * 20)
          await browser.logOut(someProcess())
          for (let tries = 0; tries < 5; tries++) {
            soonAfter.push(await new Browser(old.cookie).get(someProcess(), '/account'))
            await pause(20)
          }
          await Promise.all(working)
          oldCookies.push(old.cookie)
        }
      })
    )
    // A refresh that saves the session just after the logout destroys it again. Until then, the old cookie works.
    await pause(300)
    for (const cookie of oldCookies) after.push(await new Browser(cookie).get(someProcess(), '/account'))
    assert.deepEqual(Object.keys(statuses(before)), ['200'])
    assert.deepEqual(Object.keys(statuses(after)), ['401'])
    assert.equal(sandbox.counts.reuses, 0)
    const { 200: briefly = 0 } = statuses(soonAfter)
    console.log(`      ${before.length} requests, ${sandbox.counts.refreshes} refreshes, ${oldCookies.length} logouts, 0 sessions that came back (${briefly} of ${soonAfter.length} requests while a refresh undid its write), 0 reuses`)
  }

  describe('with PostgreSQL', () => {
    let postgres: PostgresServer
    before(async function () {
      postgres = await PostgresServer.start(this)
    })
    after(() => (postgres as PostgresServer | undefined)?.remove())

    const onPostgres = (): Partial<AppSettings> => ({ sessions: { kind: 'postgres', url: postgres.url }, refreshes: { kind: 'postgres', urls: [postgres.url] }, secret: SECRET })

    it('refreshes once for 100 requests to each of 4 processes, all of which get 200, and stores the newest tokens in the session', async () => {
      const [app, ...others] = await start(4, { latency: 100 }, { ...onPostgres(), secret: undefined })
      const browser = new Browser()
      await browser.logIn(app, sandbox)
      await browser.expire(app)
      const answers = (await Promise.all([app, ...others].map((one) => ask(browser, one, 100)))).flat()
      assert.deepEqual(statuses(answers), { 200: 400 })
      const newest = JSON.parse(answers[0]?.body ?? '{}') as object
      for (const one of [app, ...others]) assert.deepEqual(await browser.tokens(one), newest)
      assert.equal(sandbox.counts.refreshes, 1)
    })

    it(`logs nobody out and reuses no refresh token in ${RACE_SECONDS} s of requests from 20 sessions with tokens that live for 2 s`, async () => {
      await race(await start(4, { accessTokenTTL: 2 }, onPostgres()))
    })

    it(`restores no session in ${RACE_SECONDS} s of requests and logouts at random times`, async () => {
      await raceWithLogouts(await start(4, { accessTokenTTL: 2 }, onPostgres()))
    })
  })

  describe('with Redis', () => {
    let redis: RedisServer
    before(async function () {
      redis = await RedisServer.start(this)
    })
    after(() => (redis as RedisServer | undefined)?.remove())

    const onRedis = (settings: Partial<AppSettings> = {}): Partial<AppSettings> => ({ sessions: { kind: 'redis', url: redis.url }, refreshes: { kind: 'redis', urls: [redis.url] }, ...settings })

    for (const kind of ['redis', 'ioredis'] as const) {
      it(`refreshes once for 250 requests to each of 4 processes, all of which get 200, and stores the newest tokens in the session, with ${kind} (SEC-26)`, async () => {
        const [app, ...others] = await start(4, { latency: 100 }, onRedis({ refreshes: { kind, urls: [redis.url] } }))
        const browser = new Browser()
        await browser.logIn(app, sandbox)
        await browser.expire(app)
        const answers = (await Promise.all([app, ...others].map((one) => ask(browser, one, 250)))).flat()
        assert.deepEqual(statuses(answers), { 200: 1000 })
        assert.equal(sandbox.counts.refreshes, 1)
        const newest = JSON.parse(answers[0]?.body ?? '{}') as object
        for (const one of [app, ...others]) assert.deepEqual(await browser.tokens(one), newest)
        assert.equal(sandbox.counts.refreshes, 1)
      })
    }

    it('logs nobody out if a slow request saves its old session after a refresh, in Redis', async () => {
      const [app, other] = await start(2, {}, onRedis())
      await slowRequest(app, other)
    })

    it(`logs nobody out and reuses no refresh token in ${RACE_SECONDS} s of requests from 20 sessions with tokens that live for 2 s`, async () => {
      await race(await start(4, { accessTokenTTL: 2 }, onRedis({ secret: SECRET })))
    })

    it(`restores no session in ${RACE_SECONDS} s of requests and logouts at random times`, async () => {
      await raceWithLogouts(await start(4, { accessTokenTTL: 2 }, onRedis()))
    })

    it('logs out at most the people whose refresh Twilio has answered to a process that was killed', async () => {
      // A lock outlives its owner by 5 s, during which waiting requests get 503.
      const [doomed, ...others] = await start(4, { latency: 60 }, onRedis({ timeout: 1000 }))
      const [survivor] = others
      assert.ok(survivor)
      const browsers = await logIn(20, survivor)
      const [struck, spared] = [browsers.slice(0, 10), browsers.slice(10)]
      await Promise.all(struck.map((browser) => browser.expire(survivor)))

      const asked = struck.map(async (browser, index) => {
        await pause(index * 15)
        await browser.get(doomed, '/account').catch(() => undefined)
      })
      await pause(130)
      await doomed.kill('SIGKILL')
      await Promise.all(asked)
      await pause(150)
      const answeredToTheDead = sandbox.counts.refreshes
      assert.ok(answeredToTheDead > 0 && answeredToTheDead <= 10, `it was killed in the middle: ${answeredToTheDead} of 10`)

      const after = await Promise.all(struck.map((browser) => browser.getWhenAvailable(survivor, '/account', 10_000)))
      const loggedOut = statuses(after)[401] ?? 0
      assert.ok(loggedOut <= answeredToTheDead, `${loggedOut} logouts, ${answeredToTheDead} answers`)
      assert.equal((statuses(after)[200] ?? 0) + loggedOut, 10, 'nobody is left waiting')
      await Promise.all(spared.map((browser) => browser.expire(survivor)))
      const goesOn = await Promise.all(spared.flatMap((browser) => others.map((one) => browser.get(one, '/account'))))
      assert.deepEqual(statuses(goesOn), { 200: 30 })
      console.log(`      ${answeredToTheDead} of 10 refreshes were answered to the killed process, ${loggedOut} people have to log in again`)
    })

    it(`logs out nobody with a valid token while Redis is down for ${OUTAGE_SECONDS} s, and uses Redis again afterwards`, async () => {
      const processes = await start(4, {}, onRedis())
      const [app] = processes
      const browsers = await logIn(8, app)
      const answers: Answer[] = []
      let isOver = false
      const visits = Promise.all(
        browsers.map(async (browser) => {
          while (!isOver) {
            answers.push(...(await Promise.all(processes.map((one) => browser.get(one, '/account')))))
            await pause(20)
          }
        })
      )
      await pause(300)
      await redis.stop()
      await pause(OUTAGE_SECONDS * 1000)
      await redis.start()
      await pause(700)
      isOver = true
      await visits
      assert.deepEqual(Object.keys(statuses(answers)), ['200'])
      assert.ok(processes.every(({ isAlive }) => isAlive), 'no process died')

      const [browser = new Browser()] = browsers
      await browser.expire(app)
      const again = (await Promise.all(processes.map((one) => ask(browser, one, 10)))).flat()
      assert.deepEqual(statuses(again), { 200: 40 })
      assert.deepEqual([sandbox.counts.refreshes, sandbox.counts.reuses], [1, 0], 'and refreshes are done once again')
    })

    it('stores no readable token in Redis if there is a secret (SEC-24)', async () => {
      const [app, other] = await start(2, {}, onRedis({ secret: SECRET, leeway: 7200_000 }))
      const browser = new Browser()
      await browser.logIn(app, sandbox)
      const tokens = [await browser.tokens(app)]
      // With this leeway, each request starts a background refresh.
      while (sandbox.counts.refreshes < 2) tokens.push(await browser.tokens(other ?? app))
      const contents = await redis.contents()
      const texts = [...contents].map(([key, value]) => key + value).join('\n')
      assert.ok([...contents.keys()].some((key) => key.startsWith('sess:')) && [...contents.keys()].some((key) => /^twilio:login:\{.*\}:record$/.test(key)))
      for (const { accessToken, refreshToken } of tokens) {
        for (const part of [refreshToken, ...accessToken.split('.').slice(1)]) assert.ok(!texts.includes(part))
      }
    })
  })
})
