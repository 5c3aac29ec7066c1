import { randomBytes } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { redisRefreshes, type Refreshes } from 'passport-twilio'
import { createClient } from 'redis'
import { ConfigError, type Config } from './config.ts'

/** Stores the sessions, and the records of logins that processes share. */
export interface Sessions {
  middleware: RequestHandler
  /** `undefined` without Redis: a single process keeps the records in memory. */
  refreshes: Refreshes | undefined
  close(): void
}

export async function openSessions({ sessionSecret, redisURL }: Config, isSecure: boolean): Promise<Sessions> {
  const redis = redisURL === undefined ? undefined : await connectRedis(redisURL)
  return {
    middleware: session({
      name: 'example.session',
      secret: sessionSecret ?? randomBytes(32).toString('base64'),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure: isSecure },
      ...(redis ? { store: new RedisStore({ client: redis, prefix: 'example:session:' }) } : {})
    }),
    refreshes: redis && redisRefreshes(redis, { prefix: 'example:login:' }),
    close: () => redis?.destroy()
  }
}

/**
 * Fails if Redis cannot be reached at startup, since that is most likely a wrong URL. If Redis goes away later, the
 * client reconnects.
 *
 * @throws {ConfigError} with the reason why Redis cannot be reached
 */
async function connectRedis(url: string) {
  let isConnected = false
  const client = createClient({ url, socket: { reconnectStrategy: (retries) => isConnected && Math.min(50 * 2 ** retries, 2000) } })
  client.on('error', (error: Error) => {
    if (isConnected) console.error(`Redis: ${error.message}`)
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
