import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { CERTIFICATE } from '../support/certificate'
import type { AppSettings } from './app'
import type { Command, Report, ReportedError } from './app-process'

/** An app that runs in the process of an {@link AppHost}. */
export interface HostedApp {
  readonly url: string
  /** The errors that reached its error handler, oldest first. */
  readonly errors: readonly ReportedError[]
  close(): void
}

const SOURCE = 'test/faults/app-process.ts'

/** A child process that runs one or more apps. */
export class AppHost {
  /** Everything the process wrote to stdout and stderr. */
  output = ''
  readonly #child: ChildProcess
  readonly #apps = new Map<number, { errors: ReportedError[]; resolve: (url: string) => void; reject: (error: Error) => void }>()
  #lastID = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    child.on('message', (report: Report) => {
      const app = this.#apps.get(report.id)
      if ('url' in report) app?.resolve(report.url)
      else app?.errors.push(report.error)
    })
    child.once('exit', () => {
      for (const { reject } of this.#apps.values()) reject(new Error(`The app's process exited: ${this.output}`))
    })
  }

  /** @param built the path from {@link build}; without it, the process compiles the TypeScript itself */
  static start(built?: string): AppHost {
    // Coverage is only measured in the process of the tests.
    const { NODE_V8_COVERAGE: _coverage, ...inherited } = process.env
    const env = { ...inherited, NODE_ENV: 'test', NODE_EXTRA_CA_CERTS: trustedCertificates() }
    return new AppHost(fork(join(process.cwd(), built ?? SOURCE), { execArgv: built === undefined ? ['--import', 'tsx'] : [], env, silent: true }))
  }

  /** Compiles the process's code once, which saves time when many processes are started. Returns the path. */
  static async build(): Promise<string> {
    const outfile = 'node_modules/.cache/passport-twilio/faults.cjs'
    await build({ entryPoints: [SOURCE], outfile, bundle: true, packages: 'external', platform: 'node', format: 'cjs' })
    return outfile
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async open(settings: AppSettings): Promise<HostedApp> {
    const id = ++this.#lastID
    const errors: ReportedError[] = []
    const url = new Promise<string>((resolve, reject) => {
      this.#apps.set(id, { errors, resolve, reject })
    })
    this.#send({ id, open: settings })
    return { url: await url, errors, close: () => this.#send({ id, close: true }) }
  }

  async stop(): Promise<void> {
    if (!this.isAlive) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  #send(command: Command): void {
    if (this.isAlive) this.#child.send(command)
  }
}

let certificates: string | undefined

/** Node reads extra CA certificates from a file at startup. */
function trustedCertificates(): string {
  if (certificates === undefined) {
    certificates = join(mkdtempSync(join(tmpdir(), 'passport-twilio-faults-')), 'ca.pem')
    writeFileSync(certificates, CERTIFICATE)
  }
  return certificates
}
