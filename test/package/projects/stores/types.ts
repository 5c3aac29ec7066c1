import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis-5'
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis-6'
import { Cluster as ValkeyCluster, Redis as Valkey } from 'iovalkey'
import { postgresRefreshes, redisRefreshes, type Refreshes } from 'passport-twilio'
import pg from 'pg'
import * as redis4 from 'redis-4'
import * as redis5 from 'redis-5'
import * as redis6 from 'redis'

/** Each client is accepted with its own types. */
export const stores: Refreshes[] = [
  redisRefreshes(redis4.createClient()),
  redisRefreshes(redis4.createCluster({ rootNodes: [] })),
  redisRefreshes(redis5.createClient()),
  redisRefreshes(redis5.createClientPool()),
  redisRefreshes(redis5.createCluster({ rootNodes: [] })),
  redisRefreshes(redis5.createSentinel({ name: 'main', sentinelRootNodes: [] })),
  redisRefreshes(redis6.createClient()),
  redisRefreshes(redis6.createClientPool()),
  redisRefreshes(redis6.createCluster({ rootNodes: [] })),
  redisRefreshes(redis6.createSentinel({ name: 'main', sentinelRootNodes: [] })),
  redisRefreshes(new Redis5()),
  redisRefreshes(new Cluster5([])),
  redisRefreshes(new Redis6()),
  redisRefreshes(new Cluster6([])),
  redisRefreshes(new Valkey()),
  redisRefreshes(new ValkeyCluster([])),
  postgresRefreshes(new pg.Pool())
]
