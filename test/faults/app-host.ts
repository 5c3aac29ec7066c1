import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { CERTIFICATE } from '../support/certificate'
import type { AppSettings } from './app'
import type { Order, Report, ToldError } from './app-process'

/** An app in the other process. */
export interface HostedApp {
  readonly url: string
  /** What its error handler was given, oldest first. */
  readonly errors: readonly ToldError[]
  close(): void
}

const SOURCE = 'test/faults/app-process.ts'

/** A process that apps run in. */
export class AppHost {
  /** All that the process wrote. */
  output = ''
  readonly #child: ChildProcess
  readonly #apps = new Map<number, { errors: ToldError[]; opened: (url: string) => void; failed: (error: Error) => void }>()
  #last = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    child.on('message', (report: Report) => {
      const app = this.#apps.get(report.id)
      if ('url' in report) app?.opened(report.url)
      else app?.errors.push(report.error)
    })
    child.once('exit', () => {
      for (const { failed } of this.#apps.values()) failed(new Error(`The app's process ended: ${this.output}`))
    })
  }

  /** @param built what {@link build} gave; without, the process compiles for itself */
  static start(built?: string): AppHost {
    // What the tests cover is measured in their own process.
    const { NODE_V8_COVERAGE: _coverage, ...inherited } = process.env
    const env = { ...inherited, NODE_ENV: 'test', NODE_EXTRA_CA_CERTS: trustedCertificates() }
    return new AppHost(fork(join(process.cwd(), built ?? SOURCE), { execArgv: built === undefined ? ['--import', 'tsx'] : [], env, silent: true }))
  }

  /** Compiles the process once, for whoever starts hundreds of them. */
  static async build(): Promise<string> {
    const outfile = 'node_modules/.cache/passport-twilio/faults.cjs'
    await build({ entryPoints: [SOURCE], outfile, bundle: true, packages: 'external', platform: 'node', format: 'cjs' })
    return outfile
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async open(settings: AppSettings): Promise<HostedApp> {
    const id = ++this.#last
    const errors: ToldError[] = []
    const opened = new Promise<string>((resolve, reject) => {
      this.#apps.set(id, { errors, opened: resolve, failed: reject })
    })
    this.#order({ id, open: settings })
    return { url: await opened, errors, close: () => this.#order({ id, close: true }) }
  }

  async stop(): Promise<void> {
    if (!this.isAlive) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  #order(order: Order): void {
    if (this.isAlive) this.#child.send(order)
  }
}

let certificates: string | undefined

/** Node reads them from a file, as it starts. */
function trustedCertificates(): string {
  if (certificates === undefined) {
    certificates = join(mkdtempSync(join(tmpdir(), 'passport-twilio-faults-')), 'ca.pem')
    writeFileSync(certificates, CERTIFICATE)
  }
  return certificates
}
