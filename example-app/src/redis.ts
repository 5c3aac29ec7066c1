import { createClient } from 'redis'
import { ConfigError } from './config.ts'
import { log } from './log.ts'

const CONNECTION_LOST = 'Redis cannot be reached. Until it is back, pages that need a session fail with 503. Check that Redis is running and REDIS_URL is right; the app reconnects by itself, and people stay logged in if Redis has kept its data'

/** How long a command waits for a lost connection, in ms: longer than a short interruption, and short enough for a person who waits for a page. */
const COMMAND_TIMEOUT = 1000

export type Redis = Awaited<ReturnType<typeof connectRedis>>

/**
 * Fails if Redis cannot be reached at startup, since that is most likely a wrong URL. If Redis goes away later, the
 * client reconnects, and the log says when the outage begins and ends.
 *
 * @throws {ConfigError} with the reason why Redis cannot be reached
 */
export async function connectRedis(url: string) {
  let isConnected = false
  let isDown = false
  const client = createClient({
    url,
    commandOptions: { timeout: COMMAND_TIMEOUT },
    socket: { reconnectStrategy: (retries) => isConnected && Math.min(50 * 2 ** retries, 2000) }
  })
  client.on('error', (error: Error) => {
    if (!isConnected) return
    // The client retries every two seconds.
    log[isDown ? 'debug' : 'error']({ err: error }, CONNECTION_LOST)
    isDown = true
  })
  client.on('ready', () => {
    if (isDown) log.info('Redis is connected again')
    isDown = false
  })
  await client.connect().catch((error: unknown) => {
    throw new ConfigError([`REDIS_URL cannot be reached (${reasonOf(error)}). Start Redis, or leave REDIS_URL out to keep sessions in memory.`])
  })
  isConnected = true
  return client
}

/** Node's error code, such as ECONNREFUSED, or Redis's message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message.replace(/\.$/, '')
}
