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

/** Three processes behind one port, which share their sessions and their refreshes through Redis. */

const PROCESSES = 3
const USUAL_REDIS = 'redis://127.0.0.1:6379'

/** What a process asks the first one, which has the sandbox. */
type Question = { ask: 'requests'; number: number } | { ask: 'expireAccessTokens' }
interface Reply {
  number: number
  requests: LoggedRequest[]
}

await (cluster.isPrimary ? startAll() : startOne()).catch(giveUp)

async function startAll(): Promise<void> {
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
  if (sandbox) for (const worker of workers) answerQuestions(worker, sandbox)
  const stopAll = () => {
    for (const worker of workers) worker.kill()
    void sandbox?.stop()
  }
  cluster.once('exit', (_worker, code) => {
    // One that could not start has said why; three are wanted.
    if (code !== 0) process.exitCode = 1
    stopAll()
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopAll)
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('listening', resolve))))
  console.log(`${PROCESSES} processes, with ${redisURL}, logging in with ${describeTwilio(config)}. Open ${baseURL}`)
}

async function startOne(): Promise<void> {
  const { hasSandbox, ...twilio } = JSON.parse(process.env.EXAMPLE_TWILIO ?? '{}') as Twilio & { hasSandbox: boolean }
  await startApp(readConfig(process.env), hasSandbox ? { ...twilio, sandbox: remoteSandbox() } : twilio)
}

function answerQuestions(worker: Worker, sandbox: SandboxControl): void {
  worker.on('message', (question: Question) => {
    if (question.ask === 'expireAccessTokens') sandbox.expireAccessTokens()
    else void sandbox.requests().then((requests) => worker.send({ number: question.number, requests }))
  })
}

/** The sandbox of the first process. */
function remoteSandbox(): SandboxControl {
  let asked = 0
  const ask = (question: Question) => process.send?.(question)
  return {
    expireAccessTokens: () => ask({ ask: 'expireAccessTokens' }),
    requests() {
      const number = asked++
      return new Promise((resolve) => {
        const listen = (reply: Reply) => {
          if (reply.number !== number) return
          process.off('message', listen)
          resolve(reply.requests)
        }
        process.on('message', listen)
        ask({ ask: 'requests', number })
      })
    },
    stop: () => Promise.resolve()
  }
}

/** A Redis that runs here as usual; else one of our own, where there is such a program. */
async function findRedis(): Promise<string> {
  if (await isListening(6379)) return USUAL_REDIS
  const folder = mkdtempSync(join(tmpdir(), 'passport-twilio-example-'))
  const redis = spawn('redis-server', ['--port', '6379', '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore' })
  process.once('exit', () => {
    redis.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  const missing = new Promise<never>((_resolve, reject) => {
    redis.once('error', () => reject(new ConfigError(['REDIS_URL is missing, and there is no redis-server on this machine. Several processes need a Redis to share their sessions.'])))
  })
  await Promise.race([missing, untilListening(6379)])
  return USUAL_REDIS
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

