import { spawn, type ChildProcess } from 'node:child_process'
import { on, once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

const folder = join(process.cwd(), 'example-app')

/** The example app in a process of its own. */
export class ExampleProcess {
  /** The URL that it printed. */
  readonly url: string
  /** What it printed when it started. */
  readonly output: string
  /** The URL of the port that it listens on. */
  readonly localURL: string
  readonly #process: ChildProcess
  #log = ''

  private constructor(child: ChildProcess, port: number, output: string, url: string) {
    this.#process = child
    this.localURL = `http://localhost:${port}`
    this.output = output
    this.url = url
    child.stderr?.on('data', (chunk: Buffer) => (this.#log += chunk.toString()))
  }

  /** What it has written to stderr since it printed its URL. */
  get errorOutput(): string {
    return this.#log
  }

  /** What it has logged since it printed its URL: one object per line. */
  get log(): Record<string, unknown>[] {
    return this.#log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** Starts it on a free port, and waits until it prints its URL. */
  static async start(environment: Readonly<Record<string, string>> = {}, entry = 'server.ts'): Promise<ExampleProcess> {
    const port = await freePort()
    const child = spawnExample({ PORT: String(port), ...environment }, entry)
    let output = ''
    for await (output of outputOf(child)) {
      const url = /Open (https?:\S+)/.exec(output)?.[1]
      if (url !== undefined) return new ExampleProcess(child, port, output, url)
    }
    throw new Error(`The example exited before it printed its URL: ${output}`)
  }

  /** Stops it with a signal, and resolves to its exit code. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<unknown> {
    if (this.#process.exitCode !== null) return this.#process.exitCode
    this.#process.kill(signal)
    const [code] = (await once(this.#process, 'exit')) as [unknown]
    return code
  }
}

/** Runs the example until it exits, and resolves to its exit code and its output. */
export async function runExample(environment: Readonly<Record<string, string>>, entry?: string): Promise<{ code: unknown; output: string }> {
  const child = spawnExample(environment, entry)
  const ended = once(child, 'exit')
  let output = ''
  for await (const text of outputOf(child)) output = text
  const [code] = (await ended) as [unknown]
  return { code, output }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function spawnExample(environment: Readonly<Record<string, string>>, entry = 'server.ts'): ChildProcess {
  const { PATH, HOME, NODE_V8_COVERAGE } = process.env
  const inherited = Object.entries({ PATH, HOME, NODE_V8_COVERAGE }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return spawn(process.execPath, ['--import', 'tsx', join('src', entry)], { cwd: folder, env: { ...Object.fromEntries(inherited), ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Everything printed so far, each time that something is. Keeps reading after the caller has stopped, so that the process never has to wait. */
async function* outputOf({ stdout, stderr }: ChildProcess): AsyncGenerator<string> {
  if (!stdout || !stderr) return
  let text = ''
  stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  for await (const _chunk of on(stdout, 'data', { close: ['end'] })) yield text
  yield text
}
