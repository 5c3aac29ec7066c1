import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Sandbox } from '../../lib/sandbox'
import type { FromApp, Report } from './reporter'

const LOG_MAX = 200_000

/** The example app in its own process, set up as in production. */
export class ExampleApp {
  readonly url: string
  /** Warnings, uncaught exceptions, and unexpected exits. */
  readonly problems: string[] = []
  readonly #process: ChildProcess
  #log = ''
  #isStopping = false

  private constructor(child: ChildProcess, url: string) {
    this.#process = child
    this.url = url
    child.stderr?.on('data', (text: Buffer) => (this.#log = (this.#log + text.toString()).slice(-LOG_MAX)))
    child.on('message', (message: FromApp) => {
      if ('problem' in message) this.problems.push(message.problem)
    })
    child.on('exit', (code, signal) => {
      if (!this.#isStopping) this.problems.push(`The app exited unexpectedly (${signal ?? String(code)}): ${this.#log.slice(-2000)}`)
    })
  }

  static async start({ clientID, clientSecret, url }: Sandbox, redisURL: string, port: number): Promise<ExampleApp> {
    const baseURL = `http://localhost:${port}`
    const child = fork('src/server.ts', {
      cwd: join(process.cwd(), 'example-app'),
      execArgv: ['--expose-gc', '--import', 'tsx', '--import', pathToFileURL(join(__dirname, 'reporter.ts')).href],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_ENV: 'production',
        PORT: String(port),
        BASE_URL: baseURL,
        TRUST_PROXY: '1',
        REDIS_URL: redisURL,
        SESSION_SECRET: 'a secret for the soak test, long enough',
        TWILIO_CLIENT_ID: clientID,
        TWILIO_CLIENT_SECRET: clientSecret,
        TWILIO_BASE_URL: url
      }
    })
    const app = new ExampleApp(child, baseURL)
    const exited = once(child, 'exit').then(() => {
      throw new Error(`The example did not start: ${app.#log}`)
    })
    await Promise.race([once(child.stdout ?? child, 'data'), exited])
    exited.catch(() => undefined)
    return app
  }

  /** The end of what the app wrote to stderr. */
  get log(): string {
    return this.#log
  }

  /** Asks the app's process for its heap size and active resources. */
  async report(): Promise<Report> {
    this.#process.send('report')
    for (;;) {
      const [message] = (await once(this.#process, 'message')) as [FromApp]
      if ('report' in message) return message.report
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    // SIGKILL, because leaked resources could keep the process from exiting.
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }
}
