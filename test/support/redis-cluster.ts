import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'redis'
import { freePort, RedisServer } from './redis'

/** ms after which a node that doesn't reply is replaced. */
const NODE_TIMEOUT = 1000
const MASTERS = 3
const SLOTS = 16_384

/** A real Redis Cluster: 3 masters, each with a replica. */
export class RedisCluster {
  readonly #nodes: readonly RedisServer[]

  private constructor(nodes: readonly RedisServer[]) {
    this.#nodes = nodes
  }

  /** Starts one. Where there is no such program, the tests of `context` are skipped, or without a context, this fails. */
  static async start(context?: Mocha.Context): Promise<RedisCluster> {
    const nodes: RedisServer[] = []
    while (nodes.length < MASTERS * 2) nodes.push(await startNode(context))
    const cluster = new RedisCluster(nodes)
    await cluster.#join()
    return cluster
  }

  get urls(): string[] {
    return this.#nodes.map(({ url }) => url)
  }

  /** The master that has a key like `pattern`. */
  async masterWith(pattern: string): Promise<RedisServer | undefined> {
    for (const node of this.#nodes) {
      const has = await ask(node, async (client) => (await client.sendCommand<[string]>(['ROLE']))[0] === 'master' && (await client.keys(pattern)).length > 0).catch(() => false)
      if (has) return node
    }
    return undefined
  }

  /** Waits until all nodes know that every slot has a master. */
  async #isWhole(): Promise<void> {
    for (const node of this.#nodes) await until(() => ask(node, async (client) => (await client.sendCommand<string>(['CLUSTER', 'INFO'])).includes('cluster_state:ok')))
  }

  async remove(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.remove()))
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.#nodes
    if (!first) return
    const busPort = async (node: RedisServer) => ask(node, async (client) => Object.values(await client.configGet('cluster-port'))[0] ?? '')
    const meet = ['CLUSTER', 'MEET', '127.0.0.1', String(first.port), await busPort(first)]
    for (const node of others) await ask(node, (client) => client.sendCommand(meet))
    for (const node of this.#nodes) await until(() => ask(node, async (client) => (await client.sendCommand<string>(['CLUSTER', 'INFO'])).includes(`cluster_known_nodes:${this.#nodes.length}`)))
    for (const [index, master] of this.#nodes.slice(0, MASTERS).entries()) {
      const [from, to] = [Math.floor((index * SLOTS) / MASTERS), Math.floor(((index + 1) * SLOTS) / MASTERS) - 1]
      await ask(master, (client) => client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', String(from), String(to)]))
      const id = await ask(master, (client) => client.sendCommand<string>(['CLUSTER', 'MYID']))
      const replica = this.#nodes[index + MASTERS]
      if (replica) await until(() => ask(replica, async (client) => (await client.sendCommand<string>(['CLUSTER', 'REPLICATE', id])) === 'OK'))
    }
    await this.#isWhole()
    for (const replica of this.#nodes.slice(MASTERS)) await until(() => ask(replica, async (client) => (await client.info('replication')).includes('master_link_status:up')))
  }
}

async function startNode(context: Mocha.Context | undefined, tries = 5): Promise<RedisServer> {
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': String(NODE_TIMEOUT), 'cluster-port': String(await freePort()), appendonly: 'no' }
  try {
    return await RedisServer.start(context, Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]))
  } catch (error) {
    // Another program may have taken the port meanwhile. What skips a test is no failure.
    if (tries === 0 || !(error instanceof Error) || !error.message.startsWith('redis-server ended')) throw error
    return startNode(context, tries - 1)
  }
}

const connect = (url: string) => createClient({ url, socket: { reconnectStrategy: false } })
type Client = ReturnType<typeof connect>

async function ask<Reply>({ url }: RedisServer, question: (client: Client) => Promise<Reply>): Promise<Reply> {
  const client = connect(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await question(client)
  } finally {
    client.destroy()
  }
}

/** Waits until a server says so; it may not be ready to say anything yet. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await pause(20)
}
