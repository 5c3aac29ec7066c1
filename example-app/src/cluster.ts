import cluster, { type Worker } from 'node:cluster'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LoggedRequest } from 'passport-twilio/sandbox'
import { CALLBACK_PATH } from './app.ts'
import { APP_SLUG } from './brand.ts'
import { ConfigError, readConfig, type Config } from './config.ts'
import { connectRedis } from './redis.ts'
import { describeTwilio, giveUp, listen, portOf, startApp } from './start.ts'
import { connectTwilio, type SandboxControl, type Twilio } from './twilio.ts'
import { openUsers } from './users.ts'

/** Runs the app as three processes behind one port. They share their sessions, and coordinate refreshes, through Redis. */

const PROCESSES = 3
const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379'

/** Sent by a worker to the primary process, which runs the one sandbox that all workers use. */
type SandboxCall = { call: 'requests'; callID: number } | { call: 'expireAccessTokens' }
interface SandboxReply {
  callID: number
  requests: LoggedRequest[]
}
/** Sent by a worker once it can answer requests. */
interface Ready {
  isReady: true
}

await (cluster.isPrimary ? startPrimary() : startWorker()).catch(giveUp)

async function startPrimary(): Promise<void> {
  const config = readConfig(process.env)
  const port = await findPort(config)
  const baseURL = config.baseURL ?? `http://localhost:${port}`
  const redis = config.redisURL === undefined ? await findRedis() : { url: config.redisURL, stop: () => undefined }
  // A problem that all workers would have is reported once, before they are started.
  await checkStorage({ ...config, redisURL: redis.url })
  const { sandbox, ...twilio } = await connectTwilio(config, baseURL + CALLBACK_PATH)

  const shared = {
    PORT: String(port),
    REDIS_URL: redis.url,
    SESSION_SECRET: config.sessionSecret ?? randomBytes(32).toString('base64'),
    EXAMPLE_TWILIO: JSON.stringify({ ...twilio, hasSandbox: sandbox !== undefined })
  }
  const workers = Array.from({ length: PROCESSES }, () => cluster.fork(shared))
  if (sandbox) for (const worker of workers) handleSandboxCalls(worker, sandbox)

  const stopping = new AbortController()
  const stopWorkers = () => {
    stopping.abort()
    for (const worker of workers) worker.process.kill('SIGTERM')
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopWorkers)
  cluster.on('exit', () => {
    if (!stopping.signal.aborted) {
      // The worker has logged why. Without it, there is no point in running the others.
      process.exitCode = 1
      stopWorkers()
    }
    // The workers need the sandbox and Redis until the end.
    if (workers.every((worker) => worker.isDead())) {
      void sandbox?.stop()
      redis.stop()
    }
  })

  await Promise.all(workers.map(untilReady))
  if (stopping.signal.aborted) return
  console.log(`${PROCESSES} processes, with Redis at ${new URL(redis.url).host}, logging in with ${describeTwilio(config)}. Open ${baseURL}`)
}

async function startWorker(): Promise<void> {
  const { hasSandbox, ...twilio } = JSON.parse(process.env.EXAMPLE_TWILIO ?? '{}') as Twilio & { hasSandbox: boolean }
  await startApp(readConfig(process.env), hasSandbox ? { ...twilio, sandbox: remoteSandbox() } : twilio)
  process.send?.({ isReady: true } satisfies Ready)
}

/** The port to listen on; a free one for port 0. Fails if the port is taken. */
async function findPort(config: Pick<Config, 'port' | 'host'>): Promise<number> {
  const server = await listen(config)
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

async function checkStorage({ redisURL = '', databaseURL }: Config): Promise<void> {
  const redis = await connectRedis(redisURL)
  const users = await openUsers({ databaseURL, redis })
  await users.close()
  redis.destroy()
}

/** Until it is ready, or has exited. */
function untilReady(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.on('message', (message: Partial<Ready>) => {
      if (message.isReady) resolve()
    })
    worker.once('exit', () => resolve())
  })
}

function handleSandboxCalls(worker: Worker, sandbox: SandboxControl): void {
  worker.on('message', (message: Partial<SandboxCall>) => {
    if (message.call === 'expireAccessTokens') sandbox.expireAccessTokens()
    else if (message.call === 'requests') void sandbox.requests().then((requests) => worker.isConnected() && worker.send({ callID: message.callID, requests }))
  })
}

/** The primary process's sandbox, as seen by a worker. */
function remoteSandbox(): SandboxControl {
  let lastCallID = 0
  const send = (message: SandboxCall) => process.send?.(message)
  return {
    expireAccessTokens: () => send({ call: 'expireAccessTokens' }),
    requests() {
      const callID = ++lastCallID
      return new Promise((resolve) => {
        const listen = (reply: SandboxReply) => {
          if (reply.callID !== callID) return
          process.off('message', listen)
          resolve(reply.requests)
        }
        process.on('message', listen)
        send({ call: 'requests', callID })
      })
    },
    stop: () => Promise.resolve()
  }
}

interface RunningRedis {
  url: string
  stop(): void
}

/** Uses the Redis on the default port, or starts one if `redis-server` is installed. */
async function findRedis(): Promise<RunningRedis> {
  if (await canReachRedis(DEFAULT_REDIS_URL)) return { url: DEFAULT_REDIS_URL, stop: () => undefined }
  const port = await findPort({ port: 0, host: '127.0.0.1' })
  return startRedis(port)
}

async function startRedis(port: number): Promise<RunningRedis> {
  const url = `redis://127.0.0.1:${port}`
  const folder = mkdtempSync(join(tmpdir(), `${APP_SLUG}-`))
  // Detached, so that Ctrl-C does not reach it while the workers still need it.
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore', detached: true })
  process.once('exit', () => {
    redis.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  const failed = new Promise<never>((_resolve, reject) => {
    redis.once('error', () => reject(new ConfigError(['REDIS_URL is not set, and redis-server is not installed. The processes need a Redis to share their sessions: install redis-server, or set REDIS_URL.'])))
    redis.once('exit', () => reject(new ConfigError(['REDIS_URL is not set, and redis-server could not be started. Start a Redis, and set REDIS_URL.'])))
  })
  await Promise.race([failed, untilReachable(url)])
  failed.catch(() => undefined)
  return { url, stop: () => redis.kill() }
}

async function untilReachable(url: string): Promise<void> {
  while (!(await canReachRedis(url))) await pause(50)
}

async function canReachRedis(url: string): Promise<boolean> {
  try {
    const redis = await connectRedis(url)
    redis.destroy()
    return true
  } catch {
    return false
  }
}
