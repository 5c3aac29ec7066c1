import cluster, { type Worker } from 'node:cluster'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoggedRequest } from 'passport-twilio/sandbox'
import { CALLBACK_PATH } from './app.ts'
import { ConfigError, readConfig } from './config.ts'
import { describeTwilio, giveUp, startApp } from './start.ts'
import { connectTwilio, type SandboxControl, type Twilio } from './twilio.ts'

/** Runs the app as three processes behind one port. They share their sessions, and coordinate refreshes, through Redis. */

const PROCESSES = 3
const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379'

/** Sent by a worker to the primary process, which runs the one sandbox that all workers use. */
type SandboxCall = { call: 'requests'; callID: number } | { call: 'expireAccessTokens' }
interface SandboxReply {
  callID: number
  requests: LoggedRequest[]
}

await (cluster.isPrimary ? startPrimary() : startWorker()).catch(giveUp)

async function startPrimary(): Promise<void> {
  const config = readConfig(process.env)
  const baseURL = config.baseURL ?? `http://localhost:${config.port}`
  const redisURL = config.redisURL ?? (await findRedis())
  const { sandbox, ...twilio } = await connectTwilio(config, baseURL + CALLBACK_PATH)
  const shared = {
    REDIS_URL: redisURL,
    SESSION_SECRET: config.sessionSecret ?? randomBytes(32).toString('base64'),
    EXAMPLE_TWILIO: JSON.stringify({ ...twilio, hasSandbox: sandbox !== undefined })
  }
  const workers = Array.from({ length: PROCESSES }, () => cluster.fork(shared))
  if (sandbox) for (const worker of workers) handleSandboxCalls(worker, sandbox)
  const stopAll = () => {
    for (const worker of workers) worker.kill()
    void sandbox?.stop()
  }
  cluster.once('exit', (_worker, code) => {
    // A worker that cannot start has logged why. Without it there is no point in running the others.
    if (code !== 0) process.exitCode = 1
    stopAll()
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopAll)
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('listening', resolve))))
  console.log(`${PROCESSES} processes, with ${redisURL}, logging in with ${describeTwilio(config)}. Open ${baseURL}`)
}

async function startWorker(): Promise<void> {
  const { hasSandbox, ...twilio } = JSON.parse(process.env.EXAMPLE_TWILIO ?? '{}') as Twilio & { hasSandbox: boolean }
  await startApp(readConfig(process.env), hasSandbox ? { ...twilio, sandbox: remoteSandbox() } : twilio)
}

function handleSandboxCalls(worker: Worker, sandbox: SandboxControl): void {
  worker.on('message', (message: SandboxCall) => {
    if (message.call === 'expireAccessTokens') sandbox.expireAccessTokens()
    else void sandbox.requests().then((requests) => worker.send({ callID: message.callID, requests }))
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

/** Uses the Redis on the default port, or starts one if `redis-server` is installed. */
async function findRedis(): Promise<string> {
  if (await isListening(6379)) return DEFAULT_REDIS_URL
  const folder = mkdtempSync(join(tmpdir(), 'passport-twilio-example-'))
  const redis = spawn('redis-server', ['--port', '6379', '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore' })
  process.once('exit', () => {
    redis.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  const missing = new Promise<never>((_resolve, reject) => {
    redis.once('error', () => reject(new ConfigError(['REDIS_URL is not set, and redis-server is not installed. Several processes need a Redis to share their sessions: install redis-server, or set REDIS_URL.'])))
  })
  await Promise.race([missing, untilListening(6379)])
  return DEFAULT_REDIS_URL
}

async function untilListening(port: number): Promise<void> {
  while (!(await isListening(port))) await new Promise((resolve) => setTimeout(resolve, 50))
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

