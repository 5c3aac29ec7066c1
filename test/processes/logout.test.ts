import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { PostgresServer } from '../support/postgres'
import { RedisServer } from '../support/redis'
import { AppProcess, Browser, closeConnections, refreshBegan, type AppSettings } from './app-process'

describe('a logout during requests that use refreshed tokens', function () {
  this.timeout(60_000)

  let sandbox: Sandbox
  let app: AppProcess
  let postgres: PostgresServer | undefined
  let redis: RedisServer | undefined

  after(async () => {
    await postgres?.remove()
    await redis?.remove()
  })
  afterEach(async () => {
    await app.kill()
    closeConnections()
    await sandbox.stop()
  })

  async function startLoggedIn(settings: Partial<AppSettings>): Promise<Browser> {
    sandbox = await startSandbox({ latency: 100 })
    app = await AppProcess.start(sandbox, settings)
    const browser = new Browser()
    await browser.logIn(app, sandbox)
    await browser.expire(app)
    return browser
  }

  /** The person logs out while two requests, which have shared one refresh, run for another 700 ms. */
  async function logsOutAfterRefresh(settings: Partial<AppSettings>): Promise<void> {
    const browser = await startLoggedIn(settings)
    const old = new Browser(browser.cookie)
    const began = app.slowBegan()
    const working = [old.get(app, '/work?ms=700'), old.get(app, '/work?ms=700')]
    await began
    await browser.logOut(app)
    assert.equal((await new Browser(browser.cookie).get(app, '/account')).status, 401, 'logged out')
    const answers = await Promise.all(working)
    assert.deepEqual(answers.map(({ status }) => status), [200, 200])
    assert.equal((await old.get(app, '/account')).status, 401, 'the old cookie stays logged out when the requests have ended')
    assert.equal(sandbox.counts.refreshes, 1)
  }

  /** The person logs out while a request waits for its refresh. */
  async function logsOutDuringRefresh(settings: Partial<AppSettings>): Promise<void> {
    const browser = await startLoggedIn(settings)
    const old = new Browser(browser.cookie)
    const working = old.get(app, '/work?ms=300')
    await refreshBegan(sandbox)
    await browser.logOut(app)
    await working
    assert.equal((await old.get(app, '/account')).status, 401, 'the old cookie stays logged out when the request has ended')
  }

  const stores: readonly (readonly [name: string, settings: (context: Mocha.Context) => Promise<Partial<AppSettings>>])[] = [
    ['sessions in memory', () => Promise.resolve({})],
    ['a session store that reports missing sessions with ENOENT, and whose writes are slow', () => Promise.resolve({ sessions: { kind: 'slow', url: '' } })],
    ['sessions and records in PostgreSQL', async (context) => {
      const { url } = (postgres ??= await PostgresServer.start(context))
      return { sessions: { kind: 'postgres', url }, refreshes: { kind: 'postgres', urls: [url] } }
    }],
    ['sessions and records in Redis', async (context) => {
      const { url } = (redis ??= await RedisServer.start(context))
      return { sessions: { kind: 'redis', url }, refreshes: { kind: 'redis', urls: [url] } }
    }]
  ]

  for (const [name, settings] of stores) {
    it(`is not undone by two requests that share a refresh and end 700 ms later: ${name}`, async function () {
      await logsOutAfterRefresh(await settings(this))
    })

    it(`is not undone by a request whose refresh is in progress: ${name}`, async function () {
      await logsOutDuringRefresh(await settings(this))
    })
  }

  it('is not undone by a refresh that is writing the session to a slow store', async () => {
    const browser = await startLoggedIn({ sessions: { kind: 'slow', url: '' } })
    const old = new Browser(browser.cookie)
    const working = old.get(app, '/work?ms=0')
    while (sandbox.counts.refreshes === 0) await pause(5)
    await pause(50)
    assert.equal((await browser.get(app, '/destroy', 'POST')).status, 204)
    await working
    assert.equal((await old.get(app, '/account')).status, 401, 'the old cookie stays logged out')
  })
})
