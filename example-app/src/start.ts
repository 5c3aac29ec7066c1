import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'
import { CALLBACK_PATH, createApp } from './app.ts'
import { ConfigError, type Config } from './config.ts'
import { log, logTwilioEvents } from './log.ts'
import { connectRedis } from './redis.ts'
import { connectTwilio, type Twilio } from './twilio.ts'
import { openUsers } from './users.ts'

/**
 * Starts the app in this process.
 *
 * @param sharedTwilio the Twilio or sandbox to use; by default, the one from the configuration
 * @returns the URL to open
 */
export async function startApp(config: Config, sharedTwilio?: Twilio): Promise<string> {
  log.level = config.logLevel
  logTwilioEvents()
  const server = await listen(config)
  const baseURL = config.baseURL ?? `http://localhost:${portOf(server)}`
  const preparing = prepare(config, baseURL, sharedTwilio)
  // The port is only known once the server listens. A request that arrives before the app is ready waits for it.
  server.on('request', (req, res) => {
    preparing.then(({ app }) => void app(req, res)).catch(() => res.destroy())
  })
  const prepared = await preparing
  stopOnSignals(async () => {
    server.close()
    server.closeIdleConnections()
    // A refresh that is under way has spent its refresh token: its result must be stored before the process ends.
    await prepared.closeTokens()
    server.closeAllConnections()
    await prepared.closeStorage()
  })
  return baseURL
}

interface PreparedApp {
  app: Express
  /** Waits for refreshes that are under way. */
  closeTokens(): Promise<void>
  closeStorage(): Promise<void>
}

async function prepare(config: Config, baseURL: string, sharedTwilio: Twilio | undefined): Promise<PreparedApp> {
  const { redisURL, databaseURL } = config
  const twilio = sharedTwilio ?? (await connectTwilio(config, baseURL + CALLBACK_PATH))
  const redis = redisURL === undefined ? undefined : await connectRedis(redisURL)
  const users = await openUsers({ databaseURL, redis })
  if (config.isProduction && twilio.sandbox) log.warn('TWILIO_CLIENT_ID is not set: people log in with a sandbox, where anybody can be anybody')
  if (config.isProduction && !redis) log.warn('REDIS_URL is not set: sessions are kept in memory, so everybody is logged out when this process stops')
  const { app, tokens } = createApp({ config, baseURL, twilio, users, redis })
  return {
    app,
    closeTokens: () => tokens.close(),
    async closeStorage() {
      redis?.destroy()
      await users.close()
      await twilio.sandbox?.stop()
    }
  }
}

export function listen({ port, host }: Pick<Config, 'port' | 'host'>): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => resolve(server))
  })
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function stopOnSignals(stop: () => Promise<void>): void {
  let isStopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) return
      isStopping = true
      stop()
        .catch((error: unknown) => log.error({ err: error }, 'The app did not stop cleanly'))
        .finally(() => {
          if (process.connected) process.disconnect()
        })
    })
  }
}

/** Names the Twilio that users log in with, for the message at startup. */
export function describeTwilio({ credentials, twilioURL, apiVersion }: Config): string {
  return credentials ? `Twilio${twilioURL === undefined ? '' : ` at ${twilioURL}`} (${apiVersion})` : 'a sandbox, a local stand-in for Twilio, because TWILIO_CLIENT_ID is not set'
}

/** Prints why the app could not start, and exits. */
export function giveUp(error: unknown): never {
  console.error(describeError(error))
  process.exit(1)
}

function describeError(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Stop the program that uses it, or set PORT to another port.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'HOST must be an address of this computer, such as 127.0.0.1 or 0.0.0.0.'
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
