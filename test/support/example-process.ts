import { spawn, type ChildProcess } from 'node:child_process'
import { on, once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

const folder = join(process.cwd(), 'example-app')

/** The example app, as a newcomer starts it: a process of its own. */
export class ExampleProcess {
  /** Where it says that browsers find it. */
  readonly url: string
  /** What it said at its start. */
  readonly output: string
  /** Where it listens. */
  readonly localURL: string
  readonly #process: ChildProcess

  private constructor(child: ChildProcess, port: number, output: string, url: string) {
    this.#process = child
    this.localURL = `http://localhost:${port}`
    this.output = output
    this.url = url
  }

  /** Starts it on a free port, and waits for the line that says where it is. */
  static async start(environment: Readonly<Record<string, string>> = {}, entry = 'server.ts'): Promise<ExampleProcess> {
    const port = await freePort()
    const child = spawnExample({ PORT: String(port), ...environment }, entry)
    let output = ''
    for await (output of outputOf(child)) {
      const url = /Open (https?:\S+)/.exec(output)?.[1]
      if (url !== undefined) return new ExampleProcess(child, port, output, url)
    }
    throw new Error(`The example ended before it said where it is: ${output}`)
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    this.#process.kill()
    await once(this.#process, 'exit')
  }
}

/** Runs the example until it ends, and gives what it said. */
export async function runExample(environment: Readonly<Record<string, string>>): Promise<{ code: unknown; output: string }> {
  const child = spawnExample(environment)
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
