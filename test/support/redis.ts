import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { findProgram, skipWithout } from './requirements'

/** A real Redis on a free port, which keeps what it holds when it is started again. */
export class RedisServer {
  readonly url: string
  readonly #program: string
  readonly #port: number
  readonly #folder: string
  readonly #settings: readonly string[]
  #process: ChildProcess | undefined

  private constructor(program: string, port: number, folder: string, settings: readonly string[]) {
    this.#program = program
    this.#port = port
    this.#folder = folder
    this.#settings = settings
    this.url = `redis://127.0.0.1:${port}`
  }

  /** Starts one. Where there is no such program, the tests of `context` are skipped, or without a context, this fails. */
  static async start(context?: Mocha.Context, settings: readonly string[] = []): Promise<RedisServer> {
    const redis = await RedisServer.startIfThere(settings)
    if (redis) return redis
    const why = 'there is no redis-server on this machine (Debian: apt-get install redis-server).'
    if (!context) throw new Error(why)
    return skipWithout(context, 'redis', why)
  }

  /** @param settings as on its command line: `['--replicaof', '127.0.0.1 6379']` */
  static async startIfThere(settings: readonly string[] = []): Promise<RedisServer | undefined> {
    const program = findProgram('redis-server', 'valkey-server')
    if (!program) return undefined
    const redis = new RedisServer(program, await freePort(), await mkdtemp(join(tmpdir(), 'passport-twilio-redis-')), settings)
    await redis.start()
    return redis
  }

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    const child = spawn(this.#program, ['--port', String(this.#port), '--bind', '127.0.0.1', '--dir', this.#folder, '--appendonly', 'yes', '--save', '', ...this.#settings], {
      stdio: ['ignore', 'pipe', 'ignore']
    })
    this.#process = child
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error('redis-server ended at its start.')))
      child.stdout.on('data', (text: Buffer) => {
        if (text.includes('Ready to accept connections')) resolve()
      })
    })
  }

  /** Ends it; what it holds stays for the next start. */
  async stop(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child) return
    child.kill()
    await once(child, 'exit')
  }

  /** Ends it without a word to its clients. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Lets it hang: connections stay, and nothing is answered. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  async remove(): Promise<void> {
    this.thaw()
    await this.stop()
    await rm(this.#folder, { recursive: true })
  }

  /** Everything it holds, by key. */
  async contents(): Promise<Map<string, string>> {
    const client = await createClient({ url: this.url }).connect()
    const contents = new Map<string, string>()
    for await (const keys of client.scanIterator()) {
      for (const key of keys) contents.set(key, (await client.get(key)) ?? '')
    }
    client.destroy()
    return contents
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
