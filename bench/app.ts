import { Child } from './child.ts'
import type { Contender } from './contenders/contender.ts'
import { CONTENDERS, type ContenderName } from './contenders/index.ts'
import { HERE } from './package.ts'
import type { AppSettings, Cost, CostQuestion, Started } from './server.ts'
import { IN_MEMORY, type StoreSettings } from './stores.ts'
import { Visitor } from './visitor.ts'

export interface AppOptions {
  /** The provider's URL. */
  readonly issuer: string
  /** Default: in memory. */
  readonly stores?: StoreSettings
  /** Where passport-twilio is. Default: this checkout. */
  readonly packageFolder?: string
  readonly env?: NodeJS.ProcessEnv
}

/** With `BENCH_PROFILE=folder`, each app writes a CPU profile to the folder when it is stopped. */
const PROFILING = process.env.BENCH_PROFILE === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`]

/** A contender's app, running in its own process. */
export class App {
  readonly url: string
  readonly contender: Contender
  readonly #child: Child

  private constructor(child: Child, url: string, contender: Contender) {
    this.#child = child
    this.url = url
    this.contender = contender
  }

  static async start(contender: ContenderName, { issuer, stores = IN_MEMORY, packageFolder = HERE, env = {} }: AppOptions): Promise<App> {
    const child = Child.start('server.ts', { execArgv: ['--expose-gc', ...PROFILING], env: { ...env, NODE_ENV: 'production' } })
    const { url } = await child.ask<Started>({ contender, issuer, stores, packageFolder } satisfies AppSettings)
    return new App(child, url, CONTENDERS[contender])
  }

  async cost({ collect }: CostQuestion = { collect: false }): Promise<Cost> {
    return this.#child.ask<Cost>({ collect })
  }

  /** Runs a task many times, eight at once. Returns the CPU time of the app's process, in µs per task. */
  async cpuOf(times: number, task: (index: number) => Promise<unknown>): Promise<number> {
    const before = await this.cost()
    let next = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (next < times) await task(next++)
      })
    )
    const after = await this.cost()
    return (after.cpu - before.cpu) / times
  }

  /** @param prefix of the paths of the login and the callback */
  async logIn(prefix = ''): Promise<Visitor> {
    const visitor = new Visitor(this.url)
    await visitor.finish(await this.beginLogin(visitor, prefix))
    return visitor
  }

  /** Begins a login, and returns the callback to which the provider redirects. */
  async beginLogin(visitor: Visitor, prefix = ''): Promise<string> {
    const { location } = await visitor.get(prefix + this.contender.loginPath)
    const { searchParams } = new URL(location)
    const state = searchParams.get('state') ?? searchParams.get('State')
    const nonce = searchParams.get('nonce')
    const query = new URLSearchParams({ code: nonce === null ? 'code' : `code.${nonce}`, ...(state === null ? {} : { state }) })
    return `${prefix}${this.contender.callbackPath}?${query.toString()}`
  }

  async stop(): Promise<void> {
    await this.#child.stop()
  }
}
