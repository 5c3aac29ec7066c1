import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'redis'
import { redisRefreshes, TwilioNetworkError, TwilioTimeoutError, TwilioTokenError, type RedisClient, type TwilioTokens } from '../../../lib'
import { nameOf } from '../../../lib/session/records/memory-refreshes'
import { withClock } from '../../support/clock'
import { gate } from '../../support/gate'
import { RedisServer } from '../../support/redis'

let number = 0
const newTokens = (): TwilioTokens & { refreshToken: string } => ({ accessToken: `access-${++number}`, refreshToken: `refresh-${number}`, tokenType: 'Bearer', claims: {} })
const limits = (ms = 5000) => ({ deadline: Date.now() + ms })
const never = () => assert.fail('it was asked again')

const createTestClient = (url: string) => createClient({ url, socket: { reconnectStrategy: 20 } }).on('error', () => undefined)

describe('redisRefreshes', () => {
  let redis: RedisServer
  let clients: ReturnType<typeof createTestClient>[] = []
  const warnings: string[] = []
  const warn = (message: string) => warnings.push(message)

  before(async function () {
    redis = await RedisServer.start(this)
  })
  after(() => (redis as RedisServer | undefined)?.remove())
  beforeEach(() => {
    warnings.length = 0
  })
  afterEach(() => {
    for (const client of clients) client.destroy()
    clients = []
  })

  async function connect(): Promise<RedisClient> {
    const client = createTestClient(redis.url)
    clients.push(client)
    return client.connect()
  }

  /** What two processes have, each with its own connection and its own memory. */
  async function twoProcesses(options: Parameters<typeof redisRefreshes>[1] = {}) {
    return [redisRefreshes(await connect(), { warn, ...options }), redisRefreshes(await connect(), { warn, ...options })] as const
  }

  it('gives another process what came of a refresh, at once and later', async () => {
    const [one, other] = await twoProcesses()
    const [spent, fresh] = [newTokens(), newTokens()]
    const asked = one.once(spent, async () => (await pause(50), fresh), limits())
    await pause(10)
    const waited = await other.once(spent, never, limits())
    assert.deepEqual((await asked).tokens, fresh)
    assert.deepEqual(waited.tokens, fresh)
    const [late] = await twoProcesses()
    assert.deepEqual((await late.once(spent, never, limits())).tokens, fresh)
    assert.deepEqual(warnings, [])
  })

  it('is remembered by a process for a minute, and by Redis for the time that was given', async () => {
    await withClock(['Date'], async () => {
      const [one] = await twoProcesses()
      const [forgotten, lasting, fresh] = [newTokens(), newTokens(), newTokens()]
      for (const spent of [forgotten, lasting]) await one.once(spent, () => Promise.resolve(fresh), limits())
      const [client] = clients
      for (const key of await redis.contents().then((contents) => [...contents.keys()])) if (key.includes(nameOf(forgotten))) await client?.del(key)
      assert.deepEqual((await one.once(forgotten, never, limits())).tokens, fresh)
      mock.timers.tick(61_000)
      assert.deepEqual((await one.once(lasting, never, limits())).tokens, fresh)
      const again = newTokens()
      assert.deepEqual((await one.once(forgotten, () => Promise.resolve(again), limits())).tokens, again)
    })
  })

  it('tells one refresh of a lasting refresh token from the next', async () => {
    const [one, other] = await twoProcesses()
    const spent = newTokens()
    const second = { ...newTokens(), refreshToken: spent.refreshToken }
    const third = { ...newTokens(), refreshToken: spent.refreshToken }
    assert.deepEqual((await one.once(spent, () => Promise.resolve(second), limits())).tokens, second)
    assert.deepEqual((await other.once(second, () => Promise.resolve(third), limits())).tokens, third)
  })

  it('tells those who waited why it failed, and lets those who come later try again', async () => {
    const [one, other] = await twoProcesses()
    const [spent, fresh] = [newTokens(), newTokens()]
    const failures: readonly [Error, (error: unknown) => boolean][] = [
      [
        new TwilioTokenError('refused', { code: 'invalid_grant', status: 400, twilioCode: 20001, moreInfo: 'https://x.example/', retryAt: 7 }),
        (error) => error instanceof TwilioTokenError && error.code === 'invalid_grant' && error.status === 400 && error.twilioCode === 20001 && error.retryAt === 7
      ],
      [new TwilioTimeoutError('too slow'), (error) => error instanceof TwilioNetworkError && error.message === 'too slow']
    ]
    for (const [failure, isTheSame] of failures) {
      const asked = one.once(spent, async () => {
        await pause(40)
        throw failure
      }, limits())
      await pause(10)
      const waited = other.once(spent, never, limits())
      await Promise.all([assert.rejects(asked, failure), assert.rejects(waited, isTheSame)])
    }
    assert.deepEqual((await other.once(spent, () => Promise.resolve(fresh), limits())).tokens, fresh)
  })

  it('waits for another process no longer than it may', async () => {
    const [one, other] = await twoProcesses()
    const spent = newTokens()
    const asked = one.once(spent, async () => (await pause(200), newTokens()), limits())
    await pause(10)
    await assert.rejects(other.once(spent, never, limits(60)), TwilioTimeoutError)
    await asked
  })

  it('keeps the lock for as long as the refresh takes', async () => {
    const [one, other] = await twoProcesses()
    const [spent, fresh] = [newTokens(), newTokens()]
    const asked = one.once(spent, async () => (await pause(3500), fresh), limits(10_000))
    await pause(3200)
    assert.deepEqual((await other.once(spent, never, limits(10_000))).tokens, fresh)
    await asked
  }).timeout(10_000)

  it('takes the lock of a process that died once its time is over', async () => {
    const [one, other] = await twoProcesses()
    const [spent, fresh] = [newTokens(), newTokens()]
    void one.once(spent, () => new Promise(() => undefined), limits())
    await pause(20)
    clients[0]?.destroy()
    assert.deepEqual((await other.once(spent, () => Promise.resolve(fresh), limits(10_000))).tokens, fresh)
  }).timeout(10_000)

  it('forgets when it is told to, and under its own names', async () => {
    const [one, other] = await twoProcesses({ keptFor: 123_456, prefix: 'mine:' })
    const [spent, fresh] = [newTokens(), newTokens()]
    await one.once(spent, () => Promise.resolve(newTokens()), limits())
    const key = `mine:{${nameOf(spent)}}:answer`
    const left = await clients[0]?.pTTL(key)
    assert.ok(left !== undefined && left > 60_000 && left <= 123_456, `${left} ms are left`)
    // As Redis does at the end of that time.
    await clients[0]?.del(key)
    assert.deepEqual((await other.once(spent, () => Promise.resolve(fresh), limits())).tokens, fresh)
  })

  it('keeps tokens that were given again for those alone who waited for them', async () => {
    const [one, other] = await twoProcesses()
    const same = newTokens()
    const waiting = gate()
    const asked = one.once(same, async () => (await waiting.opened, same), limits())
    while ((await clients[1]?.exists(`twilio:refresh:{${nameOf(same)}}:lock`)) !== 1);
    const waited = other.once(same, never, limits())
    await pause(20)
    waiting.open()
    assert.deepEqual((await Promise.all([asked, waited])).map(({ tokens }) => tokens), [same, same])
    const left = await clients[0]?.pTTL(`twilio:refresh:{${nameOf(same)}}:answer`)
    assert.ok(left !== undefined && left <= 2000, `${left} ms are left`)
  })

  it('does not take for an answer what it cannot read', async () => {
    const [one, other] = await twoProcesses()
    const spent = newTokens()
    const before = new Set((await redis.contents()).keys())
    await one.once(spent, () => Promise.resolve(newTokens()), limits())
    const [key = ''] = [...(await redis.contents()).keys()].filter((name) => !before.has(name))
    await clients[0]?.set(key, 'something else')
    await assert.rejects(other.once(spent, never, limits()), (error) => error instanceof TwilioNetworkError && error.message.includes('cannot be read'))
  })

  describe('while Redis is gone', () => {
    afterEach(async () => {
      redis.thaw()
      await redis.stop()
      await redis.start()
    })

    it('refreshes once within each process, with one warning, and comes back by itself', async () => {
      const [one, other] = await twoProcesses()
      await redis.stop()
      await pause(30)
      for (let time = 0; time < 3; time++) {
        const [spent, fresh] = [newTokens(), newTokens()]
        let asked = 0
        const refresh = () => (asked++, Promise.resolve(fresh))
        const answers = await Promise.all([one.once(spent, refresh, limits()), one.once(spent, refresh, limits())])
        assert.deepEqual(answers.map(({ tokens }) => tokens), [fresh, fresh])
        assert.equal(asked, 1)
      }
      assert.equal(warnings.length, 1)
      assert.match(warnings[0] ?? '', /^Redis is gone\. Until it is back, each process refreshes Twilio tokens on its own/)
      await redis.start()
      while (!clients.every(({ isReady }) => isReady)) await pause(10)
      const [spent, fresh] = [newTokens(), newTokens()]
      await one.once(spent, () => Promise.resolve(fresh), limits())
      assert.deepEqual((await other.once(spent, never, limits())).tokens, fresh)
    })

    it('goes on when Redis hangs, and does not wait for it for long', async () => {
      const [one] = await twoProcesses()
      redis.freeze()
      const [spent, fresh] = [newTokens(), newTokens()]
      assert.deepEqual((await one.once(spent, () => Promise.resolve(fresh), limits())).tokens, fresh)
      assert.equal(warnings.length, 1)
    }).timeout(10_000)

    it('leaves an answer when Redis is back, that it had when Redis was gone', async () => {
      const [one, other] = await twoProcesses()
      const [spent, fresh] = [newTokens(), newTokens()]
      const asked = one.once(spent, async () => {
        await redis.stop()
        return fresh
      }, limits())
      await asked
      await redis.start()
      while (!clients.every(({ isReady }) => isReady)) await pause(10)
      await pause(600)
      assert.deepEqual((await other.once(spent, never, limits())).tokens, fresh)
    }).timeout(10_000)

    it('does not spend a token that another process was about to spend', async () => {
      const [one, other] = await twoProcesses()
      const spent = newTokens()
      const asked = one.once(spent, async () => (await pause(300), newTokens()), limits())
      await pause(10)
      const waited = assert.rejects(other.once(spent, never, limits()), (error) => error instanceof TwilioNetworkError && error.message.includes('Redis is gone before its answer'))
      await redis.stop()
      await waited
      await asked
    })
  })

  it('passes on what is wrong with itself and not with Redis', async () => {
    const broken: RedisClient = { eval: () => Promise.resolve('what is this?') }
    const fresh = newTokens()
    assert.deepEqual((await redisRefreshes(broken, { warn }).once(newTokens(), () => Promise.resolve(fresh), limits())).tokens, fresh)
  })
})
