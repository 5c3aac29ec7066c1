import { spawn, execFile, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram, skipWithout } from './requirements'

/** Starts, each on another port. */
const MAX_ATTEMPTS = 3
const USER = 'postgres'

/** Debian keeps PostgreSQL's server programs outside the PATH, in a folder for each version. */
const DEBIAN_FOLDER = '/usr/lib/postgresql'

interface User {
  readonly uid: number
  readonly gid: number
}

/** A real PostgreSQL on a free port, whose data survives a restart. */
export class PostgresServer {
  readonly url: string
  readonly #binaries: string
  readonly #port: number
  readonly #folder: string
  readonly #user: User | undefined
  #process: ChildProcess | undefined

  private constructor(binaries: string, port: number, folder: string, user: User | undefined) {
    this.#binaries = binaries
    this.#port = port
    this.#folder = folder
    this.#user = user
    this.url = `postgres://${USER}@127.0.0.1:${port}/postgres`
  }

  /** Starts a server; where PostgreSQL is not installed, the tests are skipped. */
  static async start(context: Mocha.Context): Promise<PostgresServer> {
    return (await PostgresServer.startIfThere()) ?? skipWithout(context, 'postgres', 'there is no PostgreSQL server on this machine (Debian: apt-get install postgresql).')
  }

  static async startIfThere(): Promise<PostgresServer | undefined> {
    const binaries = findBinaries()
    if (binaries === undefined) return undefined
    const folder = await mkdtemp(join(tmpdir(), 'passport-twilio-postgres-'))
    const user = await otherUserForRoot()
    for (let attempt = 1; ; attempt++) {
      const postgres = new PostgresServer(binaries, await freePort(), folder, user)
      if (attempt === 1) await postgres.#createDatabase()
      try {
        await postgres.start()
        return postgres
      } catch (error) {
        // Another process may have taken the port in the meantime.
        if (attempt === MAX_ATTEMPTS) throw error
      }
    }
  }

  async start(): Promise<void> {
    const settings = { port: this.#port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', full_page_writes: 'off' }
    const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(join(this.#binaries, 'postgres'), ['-D', this.#folder, ...parameters], { ...this.#spawnOptions, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`PostgreSQL ended at its start: ${output}`)))
      child.once('error', reject)
      child.stderr.on('data', (text: Buffer) => {
        output += text.toString()
        if (output.includes('ready to accept connections')) resolve()
      })
    })
  }

  /** Stops the server; open connections are closed, and the data stays for the next start. */
  async stop(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child?.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    // PostgreSQL's "fast shutdown".
    child.kill('SIGINT')
    await exited
  }

  /** Stops the server and removes its data. */
  async remove(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true })
  }

  get #spawnOptions() {
    // The server writes relative to its working directory, which the other user may not be able to read.
    return { cwd: this.#folder, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...this.#user }
  }

  async #createDatabase(): Promise<void> {
    if (this.#user) await chown(this.#folder, this.#user.uid, this.#user.gid)
    const parameters = ['-D', this.#folder, '--username', USER, '--auth', 'trust', '--encoding', 'UTF8', '--no-sync', '--no-instructions']
    await promisify(execFile)(join(this.#binaries, 'initdb'), parameters, this.#spawnOptions)
  }
}

function findBinaries(): string | undefined {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).sort((one, other) => Number(other) - Number(one)) : []
  const installed = versions.map((version) => join(DEBIAN_FOLDER, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb')))
  const inPath = findProgram('initdb')
  return inPath === undefined ? installed : dirname(inPath)
}

/** PostgreSQL refuses to run as root: root runs it as another user. */
async function otherUserForRoot(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  // The package's installation creates the user `postgres`, and this folder for its data.
  const { uid, gid } = await stat('/var/lib/postgresql').catch(() => NOBODY)
  return { uid, gid }
}

const NOBODY: User = { uid: 65_534, gid: 65_534 }

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
