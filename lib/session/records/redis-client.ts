/** What is used of a node-redis client (`redis`), a cluster's included. */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  readonly isReady?: boolean
}

/** What is used of an ioredis client, a cluster's included. */
export interface IORedisClient {
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>
  readonly status: string
  defineCommand(...definition: never[]): unknown
}

/** A client of `redis` (node-redis) or `ioredis`. */
export type RedisClient = NodeRedisClient | IORedisClient

/** Redis did not do what it was asked, or not in time. */
export class RedisUnavailableError extends Error {
  override readonly name = 'RedisUnavailableError'
}

/** How long Redis may take, in ms: it is asked while people wait. */
const PATIENCE = 1000

export function isRedisClient(client: unknown): client is RedisClient {
  return typeof client === 'object' && client !== null && 'eval' in client && typeof client.eval === 'function'
}

/**
 * Runs a script, now or not at all: a command must not wait in the client's queue until Redis is back.
 *
 * @throws {RedisUnavailableError}
 */
export async function runNow(client: RedisClient, script: string, keys: readonly string[], parameters: readonly string[]): Promise<unknown> {
  if (!isReady(client)) throw new RedisUnavailableError('The Redis client is not connected.')
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RedisUnavailableError(`Redis did not answer within ${PATIENCE} ms.`)), PATIENCE)
  })
  try {
    return await Promise.race([evaluate(client, script, keys, parameters), tooLate])
  } catch (error) {
    if (error instanceof RedisUnavailableError) throw error
    throw new RedisUnavailableError('Redis could not run a script.', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

function isIORedis(client: RedisClient): client is IORedisClient {
  return 'defineCommand' in client
}

function isReady(client: RedisClient): boolean {
  return isIORedis(client) ? client.status === 'ready' : client.isReady !== false
}

function evaluate(client: RedisClient, script: string, keys: readonly string[], parameters: readonly string[]): Promise<unknown> {
  if (isIORedis(client)) return client.eval(script, keys.length, ...keys, ...parameters)
  return client.eval(script, { keys: [...keys], arguments: [...parameters] })
}
