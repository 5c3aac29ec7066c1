import { setTimeout as pause } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { createCluster, createSentinel } from 'redis'
import { redisRefreshes, type RedisClient, type Refreshes } from '../../lib'
import { itConforms } from '../session/records/conformance'
import { RedisCluster } from '../support/redis-cluster'
import { RedisSentinel } from '../support/redis-sentinel'

const ignore = () => undefined
const hostsOf = (urls: readonly string[]) => urls.map((url) => new URL(url)).map(({ hostname, port }) => ({ host: hostname, port: Number(port) }))

/** Separate from the other tests of records in Redis, since these servers take seconds to start. */
describe('records in Redis', function () {
  this.timeout(60_000)

  const ends: (() => unknown)[] = []

  function conforms(connect: () => Promise<RedisClient>): void {
    let one: Refreshes
    let other: Refreshes
    before(async () => {
      one = redisRefreshes(await connect())
      other = redisRefreshes(await connect())
    })
    itConforms(() => ({ one, other }))
  }

  describe('Cluster', () => {
    let cluster: RedisCluster
    before(async function () {
      cluster = await RedisCluster.start(this)
    })
    after(async () => {
      // Some clients close only once their servers are gone.
      const ended = Promise.allSettled(ends.splice(0).map((end) => end()))
      await (cluster as RedisCluster | undefined)?.remove()
      await Promise.race([ended, pause(1000)])
    })

    describe('through node-redis', () => {
      conforms(async () => {
        const client = createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) })
        client.on('error', ignore)
        ends.push(() => client.destroy())
        await client.connect()
        return client
      })
    })

    describe('through ioredis', () => {
      conforms(() => {
        const client = new Cluster(hostsOf(cluster.urls), { lazyConnect: true }).on('error', ignore)
        ends.push(() => client.disconnect())
        return Promise.resolve(client)
      })
    })
  })

  describe('Sentinel', () => {
    let sentinel: RedisSentinel
    before(async function () {
      sentinel = await RedisSentinel.start(this)
    })
    after(async () => {
      // Some clients close only once their servers are gone.
      const ended = Promise.allSettled(ends.splice(0).map((end) => end()))
      await (sentinel as RedisSentinel | undefined)?.remove()
      await Promise.race([ended, pause(1000)])
    })

    describe('through node-redis', () => {
      conforms(async () => {
        const client = createSentinel({ name: sentinel.name, sentinelRootNodes: hostsOf(sentinel.urls) })
        client.on('error', ignore)
        ends.push(() => client.destroy())
        await client.connect()
        return client
      })
    })

    describe('through ioredis', () => {
      conforms(() => {
        const client = new Redis({ sentinels: hostsOf(sentinel.urls), name: sentinel.name }).on('error', ignore)
        ends.push(() => client.disconnect())
        return Promise.resolve(client)
      })
    })
  })
})
