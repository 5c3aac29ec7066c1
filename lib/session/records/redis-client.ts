import { RefreshStoreError } from './refreshes'

/** What is used of a node-redis client (`redis`): a client, a cluster, a sentinel or a pool. */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  readonly isReady?: boolean
  readonly isOpen?: boolean
}

/** What is used of an ioredis client: a client or a cluster. */
export interface IORedisClient {
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>
  readonly status: string
  defineCommand(...definition: never[]): unknown
}

/** A client of `redis` (node-redis) or `ioredis`. */
export type RedisClient = NodeRedisClient | IORedisClient

export function isRedisClient(client: unknown): client is RedisClient {
  return typeof client === 'object' && client !== null && 'eval' in client && typeof client.eval === 'function'
}

/**
 * Runs a script at once: a command must not wait in the client's queue until Redis is back.
 *
 * @throws {RefreshStoreError} when the client isn't connected, or Redis refuses
 */
export async function runScript(client: RedisClient, script: string, keys: readonly string[], parameters: readonly string[]): Promise<unknown> {
  if (isIORedis(client)) {
    // A lazy client ('wait') connects with its first command.
    if (client.status !== 'ready' && client.status !== 'wait') throw new RefreshStoreError(`The ioredis client is not connected (status: ${client.status}).`)
    return client.eval(script, keys.length, ...keys, ...parameters)
  }
  if (client.isOpen === false) throw new RefreshStoreError('The node-redis client is not connected. Call await client.connect() first.')
  if (client.isReady === false) throw new RefreshStoreError('The node-redis client has lost its connection.')
  return client.eval(script, { keys: [...keys], arguments: [...parameters] })
}

function isIORedis(client: RedisClient): client is IORedisClient {
  return 'defineCommand' in client
}
