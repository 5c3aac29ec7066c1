import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CALLBACK_PATH, createApp } from './app.ts'
import { ConfigError, type Config } from './config.ts'
import { connectRedis } from './redis.ts'
import { connectTwilio, type Twilio } from './twilio.ts'

/**
 * Starts the app in this process.
 *
 * @param sharedTwilio the Twilio or sandbox to use; by default, the one from the configuration
 * @returns the URL to open
 */
export async function startApp(config: Config, sharedTwilio?: Twilio): Promise<string> {
  const server = await listen(config)
  const { port } = server.address() as AddressInfo
  const baseURL = config.baseURL ?? `http://localhost:${port}`
  const twilio = sharedTwilio ?? (await connectTwilio(config, baseURL + CALLBACK_PATH))
  const redis = config.redisURL === undefined ? undefined : await connectRedis(config.redisURL)
  const { app, tokens } = createApp({ config, baseURL, twilio, redis })
  server.on('request', app)
  stopOnSignals(async () => {
    server.close()
    server.closeIdleConnections()
    // A refresh that is under way has spent its refresh token: its result must be stored before the process ends.
    await tokens.close()
    server.closeAllConnections()
    redis?.destroy()
    await twilio.sandbox?.stop()
  })
  return baseURL
}

function listen({ port, host }: Config): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => resolve(server))
  })
}

function stopOnSignals(stop: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop()
        .catch((error: unknown) => console.error(error))
        .finally(() => {
          if (process.connected) process.disconnect()
        })
    })
  }
}

/** Names the Twilio that users log in with, for the message at startup. */
export function describeTwilio({ credentials, twilioURL, apiVersion }: Config): string {
  return credentials ? `Twilio${twilioURL === undefined ? '' : ` at ${twilioURL}`} (${apiVersion})` : 'a sandbox, a Twilio on this machine, since TWILIO_CLIENT_ID is not set'
}

/** Prints why the app could not start, and exits. */
export function giveUp(error: unknown): never {
  console.error(describeError(error))
  process.exit(1)
}

function describeError(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Stop what runs there, or choose another: PORT=3001 npm start`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
