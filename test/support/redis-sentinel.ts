import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { freePort, RedisServer } from './redis'
import { until } from './redis-cluster'
import { findProgram } from './requirements'

/** ms after which a master that doesn't reply is replaced. */
const DOWN_AFTER = 1000
const SENTINELS = 3

/** A real Redis with a replica, watched by three Sentinels. */
export class RedisSentinel {
  /** What the Sentinels call it. */
  readonly name = 'main'
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly #folder: string
  readonly #ports: number[] = []
  readonly #processes: ChildProcess[] = []

  private constructor(master: RedisServer, replica: RedisServer, folder: string) {
    this.master = master
    this.replica = replica
    this.#folder = folder
  }

  /** Starts one; the tests are skipped where there is no such program. */
  static async start(context: Mocha.Context): Promise<RedisSentinel> {
    const master = await RedisServer.start(context)
    const replica = await RedisServer.start(context, ['--replicaof', `127.0.0.1 ${master.port}`])
    const sentinel = new RedisSentinel(master, replica, await mkdtemp(join(tmpdir(), 'passport-twilio-sentinel-')))
    for (let index = 0; index < SENTINELS; index++) await sentinel.#startSentinel(index)
    for (const port of sentinel.#ports) await until(() => knowsAll(port, sentinel.name))
    return sentinel
  }

  get urls(): string[] {
    return this.#ports.map((port) => `redis://127.0.0.1:${port}`)
  }

  async remove(): Promise<void> {
    for (const child of this.#processes) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    await Promise.all([this.master.remove(), this.replica.remove()])
    await rm(this.#folder, { recursive: true })
  }

  async #startSentinel(index: number): Promise<void> {
    const port = await freePort()
    const file = join(this.#folder, `sentinel-${index}.conf`)
    const settings = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${this.#folder}`,
      `sentinel monitor ${this.name} 127.0.0.1 ${this.master.port} 2`,
      `sentinel down-after-milliseconds ${this.name} ${DOWN_AFTER}`,
      `sentinel failover-timeout ${this.name} 3000`
    ]
    await writeFile(file, settings.join('\n') + '\n')
    this.#ports.push(port)
    this.#processes.push(spawn(findProgram('redis-server', 'valkey-server') ?? 'redis-server', [file, '--sentinel'], { stdio: 'ignore' }))
  }
}

async function knowsAll(port: number, name: string): Promise<boolean> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const reply = await client.sendCommand<string[] | Record<string, string>>(['SENTINEL', 'MASTER', name])
    const master = Array.isArray(reply) ? Object.fromEntries(reply.flatMap((key, index) => (index % 2 ? [] : [[key, reply[index + 1]]]))) : reply
    return master['num-slaves'] === '1' && master['num-other-sentinels'] === String(SENTINELS - 1)
  } finally {
    client.destroy()
  }
}
