import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import { createClient, createClientPool, RESP_TYPES, type RedisClientOptions, type RedisFunctions, type RedisModules, type RedisScripts, type RespVersions } from 'redis'
import { redisRefreshes, type RedisClient, type Refreshes } from '../../../lib'
import { RedisServer } from '../../support/redis'
import { closedPort } from '../../support/twilio-server'
import { itConforms } from './conformance'

const ignore = () => undefined
type NodeRedisOptions = RedisClientOptions<RedisModules, RedisFunctions, RedisScripts, RespVersions>
const nodeRedis = (url: string, options: NodeRedisOptions = {}) => createClient({ url, socket: { reconnectStrategy: 20 }, ...options }).on('error', ignore)
type IORedisOptions = Omit<RedisOptions, 'replyMapping'>
const ioredis = (url: string, options: IORedisOptions = {}) => new Redis(url, { retryStrategy: () => 20, ...options }).on('error', ignore)
const end = (client: Redis | { destroy(): void }) => (client instanceof Redis ? client.disconnect() : client.destroy())

describe('records in Redis', () => {
  let redis: RedisServer
  const ends: (() => unknown)[] = []

  before(async function () {
    redis = await RedisServer.start(this)
  })
  after(async () => {
    await Promise.all(ends.map((end) => end()))
    await (redis as RedisServer | undefined)?.remove()
  })

  const name = () => randomBytes(32).toString('base64url')
  const acquire = (refreshes: Refreshes, login = name()) => refreshes.acquire(login, { generation: 0, owner: 'one', ttl: 60_000 })

  const clients: readonly (readonly [name: string, connect: () => Promise<RedisClient>])[] = [
    ['node-redis', () => connected(nodeRedis(redis.url))],
    ['node-redis with RESP2', () => connected(nodeRedis(redis.url, { RESP: 2 }))],
    ['node-redis with RESP3', () => connected(nodeRedis(redis.url, { RESP: 3 }))],
    ['node-redis with a type mapping to Buffer', () => connected(nodeRedis(redis.url, { commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer, [RESP_TYPES.NUMBER]: String } } }))],
    ['a pool of node-redis', pooled],
    ['ioredis', () => connectLater({})],
    ['ioredis with lazyConnect', () => connectLater({ lazyConnect: true })],
    ['ioredis with lazyConnect and without an offline queue', () => connectLater({ lazyConnect: true, enableOfflineQueue: false })],
    ['ioredis with a key prefix, and numbers as text', () => connectLater({ keyPrefix: 'app:', stringNumbers: true })]
  ]
  async function connected(client: ReturnType<typeof nodeRedis>): Promise<RedisClient> {
    ends.push(() => client.destroy())
    await client.connect()
    return client
  }

  async function pooled(): Promise<RedisClient> {
    const pool = createClientPool({ url: redis.url })
    pool.on('error', ignore)
    ends.push(() => pool.destroy())
    await pool.connect()
    return pool
  }

  function connectLater(options: IORedisOptions): Promise<RedisClient> {
    const client = ioredis(redis.url, options)
    ends.push(() => client.disconnect())
    return Promise.resolve(client)
  }

  for (const [title, connect] of clients) {
    describe(`through ${title}`, () => {
      let one: Refreshes
      let other: Refreshes
      before(async () => {
        one = redisRefreshes(await connect())
        other = redisRefreshes(await connect())
      })
      itConforms(() => ({ one, other }))
    })
  }

  describe('through a client that cannot work', () => {
    const readsAndWrites = (refreshes: Refreshes) => [() => refreshes.read(name()), () => acquire(refreshes), () => refreshes.save(name(), { generation: 1, value: '', owner: 'one', ttl: 1000 })]

    async function isRefused(client: RedisClient, message: RegExp): Promise<void> {
      await assert.rejects(acquire(redisRefreshes(client)), (error: Error) => {
        assert.equal(error.name, 'RefreshStoreError', String(error))
        assert.match(error.message, message)
        return true
      })
    }

    it('name a node-redis client that was never connected, and what to do', async () => {
      const refreshes = redisRefreshes(nodeRedis(redis.url))
      for (const call of readsAndWrites(refreshes)) await assert.rejects(call, { name: 'RefreshStoreError', message: /closed, or was never connected\. Connect it before the first request \(await client\.connect\(\)\)/ })
    })

    it('name a client that is closed already', async () => {
      const client = ioredis(redis.url)
      client.disconnect()
      await new Promise((resolve) => client.once('end', resolve))
      await isRefused(client, /^The Redis client is closed/)
    })

    it('name a server that has never been reached, with the error of the connection', async () => {
      const url = `redis://127.0.0.1:${await closedPort()}`
      const client = nodeRedis(url)
      client.connect().catch(ignore)
      await isRefused(client, /^The Redis client is not connected: .*ECONNREFUSED/)
      client.destroy()
      for (const lazyConnect of [false, true]) {
        const other = ioredis(url, { lazyConnect })
        await isRefused(other, /^The Redis client is not connected: .*ECONNREFUSED/)
        other.disconnect()
      }
    })

    it('name a read-only replica, with the reply of Redis', async () => {
      const replica = await RedisServer.start()
      const client = nodeRedis(replica.url)
      await client.connect()
      await client.replicaOf('127.0.0.1', await closedPort())
      await isRefused(client, /READONLY.* Connect to the master/)
      const other = ioredis(replica.url)
      await isRefused(other, /READONLY.* Connect to the master/)
      client.destroy()
      other.disconnect()
      await replica.remove()
    })

    it('name a missing or wrong password and missing permissions, with the reply of Redis', async () => {
      const secured = await RedisServer.start()
      const admin = nodeRedis(secured.url)
      await admin.connect()
      await admin.aclSetUser('default', ['on', '>password', '~*', '+@all'])
      await admin.aclSetUser('reader', ['on', '>password', '~*', '+get', '+eval', '+info', '+hello'])
      await admin.aclSetUser('scriptless', ['on', '>password', '~*', '+@all', '-eval'])
      const as = (user: string, password: string) => secured.url.replace('redis://', `redis://${user}:${password}@`)
      for (const connect of [ioredis, nodeRedis]) {
        const attempts: readonly (readonly [url: string, message: RegExp])[] = [
          [secured.url, /NOAUTH.*Give the client its password/],
          [as('default', 'wrong'), /WRONGPASS.*Check the client's user name and password/],
          [as('reader', 'password'), /Redis replied: .*Allow its user the commands EVAL, GET, SET, DEL and PTTL/],
          [as('scriptless', 'password'), /Redis replied: .*Allow its user the commands EVAL, GET, SET, DEL and PTTL/]
        ]
        for (const [url, message] of attempts) {
          const client = connect(url)
          if (!(client instanceof Redis)) client.connect().catch(ignore)
          await isRefused(client, message)
          end(client)
        }
      }
      admin.destroy()
      await secured.remove()
    })

    it('name keys that belong to something else', async () => {
      const client = nodeRedis(redis.url)
      await connected(client)
      await client.lPush('taken:{login}:record', 'of another')
      await assert.rejects(acquire(redisRefreshes(client, { prefix: 'taken:' }), 'login'), { name: 'RefreshStoreError', message: /WRONGTYPE.*Choose another prefix/ })
      await client.set('text:{login}:record', 'of another')
      await assert.rejects(redisRefreshes(client, { prefix: 'text:' }).read('login'), { name: 'RefreshStoreError', message: /^Redis replied with string instead of a login's record/ })
    })

    it('name objects that are no clients', async () => {
      for (const reply of [undefined, true, 'OK', {}, [], ['locked'], [null, null]]) {
        await isRefused({ eval: () => Promise.resolve(reply) }, /^Redis replied with .* Is the client one of redis \(node-redis\) or ioredis/)
      }
    })
  })

  describe('through a client that has worked, and whose Redis is gone', () => {
    for (const [title, connect] of [['node-redis', nodeRedis], ['ioredis', ioredis]] as const) {
      it(`leave open what other processes are doing, and do not wait until it is back (${title})`, async () => {
        const server = await RedisServer.start()
        const client = connect(server.url)
        const idle = connect(server.url)
        if (!(client instanceof Redis)) await client.connect()
        if (!(idle instanceof Redis)) await idle.connect()
        const refreshes = redisRefreshes(client)
        const unused = redisRefreshes(idle)
        const login = name()
        await acquire(refreshes, login)
        // ioredis connects by itself: this waits until it has.
        if (idle instanceof Redis) await idle.ping()
        await server.stop()
        for (const store of [refreshes, unused]) {
          await assert.rejects(acquire(store, login), (error: Error) => {
            assert.equal(error.name, 'Error', error.message)
            return true
          })
        }
        await server.start()
        for (let tries = 0; ; tries++) {
          const acquired = await acquire(refreshes, login).catch((error: unknown) => error)
          if (acquired instanceof Error && tries < 20) continue
          assert.deepEqual(acquired, { outcome: 'locked', series: 'one' }, 'the same owner has its lock still')
          break
        }
        for (const each of [client, idle]) end(each)
        await server.remove()
      })
    }

    it('leave open whether a script has run whose reply never came', async () => {
      const server = await RedisServer.start()
      const client = nodeRedis(server.url)
      const other = ioredis(server.url, { autoResendUnfulfilledCommands: false })
      await client.connect()
      await other.ping()
      server.freeze()
      const asked = [client, other].map((one) => acquire(redisRefreshes(one)))
      const lost = Promise.allSettled(asked)
      // By now, both scripts are on their way.
      await new Promise((resolve) => setTimeout(resolve, 50))
      await server.kill()
      assert.deepEqual((await lost).map((result) => (result.status === 'rejected' ? (result.reason as Error).name : 'answered')), ['Error', 'Error'])
      client.destroy()
      other.disconnect()
      await server.remove()
    })
  })
})
