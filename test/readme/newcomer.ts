import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = process.cwd()
const { name: packageName, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string; bin: Record<string, string> }

/** A person who follows the README: a folder in which the package and its companions are installed. */
export class Newcomer {
  readonly folder: string
  readonly #running: Command[] = []

  private constructor(folder: string) {
    this.folder = folder
  }

  static async arrive(): Promise<Newcomer> {
    const folder = await mkdtemp(join(tmpdir(), 'passport-twilio-readme-'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    return new Newcomer(folder)
  }

  async write(name: string, content: string): Promise<void> {
    await writeFile(join(this.folder, name), content)
  }

  /** Runs a command of the README: `node …`, or `npx` with `tsx` or the package's own command. */
  run(command: string, environment: Readonly<Record<string, string>> = {}): Command {
    const { PATH, HOME, NODE_V8_COVERAGE } = process.env
    const inherited = Object.entries({ PATH, HOME, NODE_V8_COVERAGE }).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const child = spawn(process.execPath, nodeParameters(command), {
      cwd: this.folder,
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const running = new Command(child)
    this.#running.push(running)
    return running
  }

  async leave(): Promise<void> {
    await Promise.all(this.#running.map((command) => command.stop()))
    await rm(this.folder, { recursive: true })
  }
}

/** A running command. */
export class Command {
  /** Everything that it has printed so far. */
  output = ''
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown[]>

  constructor(child: ChildProcess) {
    this.#process = child
    this.#closed = once(child, 'close')
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
  }

  /** Waits until it has printed a text. Rejects if it exits before that. */
  async prints(text: string): Promise<void> {
    const ended = this.#closed.then(() => true)
    while (!this.output.includes(text)) {
      const next = [this.#process.stdout, this.#process.stderr].flatMap((stream) => (stream ? [once(stream, 'data')] : []))
      if ((await Promise.race([...next, ended])) === true && !this.output.includes(text)) throw new Error(`The command ended without "${text}": ${this.output}`)
    }
  }

  /** Waits until it has exited. Resolves to the exit code. */
  async ends(): Promise<unknown> {
    const [code] = await this.#closed
    return code
  }

  /** Sends SIGTERM. */
  terminate(): void {
    this.#process.kill()
  }

  async stop(): Promise<void> {
    this.terminate()
    await this.#closed
  }
}

/** The arguments for Node to run a command of the README. */
function nodeParameters(command: string): string[] {
  const [program, ...parameters] = wordsOf(command)
  if (program === 'node') return parameters
  const [name = '', ...options] = parameters[0] === '-p' && parameters[1] === packageName ? parameters.slice(2) : parameters
  const entry = name === 'tsx' ? 'node_modules/tsx/dist/cli.mjs' : bin[name]
  if (program !== 'npx' || entry === undefined) throw new Error(`The README has a command that this test does not understand: ${command}`)
  return [join(root, entry), ...options]
}

function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
