import { setImmediate as pendingInput, setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'redis'
import { ConfigError } from './config.ts'
import { log } from './log.ts'

const CONNECTION_LOST = 'Redis cannot be reached. Until it is back, pages that need a session fail with 503. Check that Redis is running and REDIS_URL is right; the app reconnects by itself, and people stay logged in if Redis has kept its data'

/** How long a command waits for a lost connection, in ms: longer than a short interruption, and short enough for a person who waits for a page. */
const COMMAND_TIMEOUT = 1000

/** How long Redis may take to reply, in ms. */
const REPLY_TIMEOUT = 2000
/** How often that is checked, in ms. */
const CHECK_INTERVAL = 1000

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
  const reportOutage = (error: Error) => {
    if (!isConnected) return
    // The client retries every two seconds.
    log[isDown ? 'debug' : 'error']({ err: error }, CONNECTION_LOST)
    isDown = true
  }
  client.on('error', reportOutage)
  client.on('ready', () => {
    if (isDown) log.info('Redis is connected again')
    isDown = false
  })
  await inTime(client.connect()).catch((error: unknown) => {
    if (client.isOpen) client.destroy()
    throw new ConfigError([`REDIS_URL cannot be reached (${reasonOf(error)}). Start Redis, or leave REDIS_URL out to keep sessions in memory.`])
  })
  isConnected = true
  void reconnectWithoutReply(client, reportOutage)
  return client
}

interface Connection {
  readonly isOpen: boolean
  ping(): Promise<unknown>
  destroy(): void
  connect(): Promise<unknown>
}

/**
 * Drops the connection if Redis stops replying without closing it: it hangs, or the network loses every packet. The client
 * itself would wait for many minutes, and every page with it, since its timeouts end when a command is sent.
 */
async function reconnectWithoutReply(client: Connection, reportOutage: (error: Error) => void): Promise<void> {
  for (;;) {
    await pause(CHECK_INTERVAL, undefined, { ref: false })
    if (!client.isOpen) return
    try {
      // Another error is a reply, or the client reports it itself.
      await inTime(client.ping().catch(() => undefined))
    } catch (error) {
      reportOutage(error as NoReplyError)
      client.destroy()
      client.connect().catch(() => undefined)
    }
  }
}

class NoReplyError extends Error {
  constructor(limit: number) {
    super(`no reply within ${limit} ms`)
    this.name = 'NoReplyError'
  }
}

/**
 * Rejects if Redis does not reply in time, so that nobody waits for a page until the connection is dropped. The command may
 * still be carried out.
 */
export async function inTime<Reply>(reply: Promise<Reply>, limit = REPLY_TIMEOUT): Promise<Reply> {
  const ended = new AbortController()
  // After the process was busy, a reply that has arrived is read first.
  const late = pause(limit, undefined, { signal: ended.signal }).then(() => pendingInput()).then(() => {
    throw new NoReplyError(limit)
  })
  return Promise.race([reply, late]).finally(() => ended.abort())
}

/** Node's error code, such as ECONNREFUSED, or Redis's message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message.replace(/\.$/, '')
}
