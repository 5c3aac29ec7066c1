import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import { Visitor } from './visitor.ts'
import type { Provider } from './provider.ts'
import type { Cost, Start, Started } from './server.ts'

/** The average cost of a task. */
export interface Measured {
  /** CPU time of the app's process, in µs per task. */
  readonly cpu: number
  /** Wall time, in µs per task. */
  readonly wall: number
}

/** A contender's app, running in its own process. */
export class App {
  readonly url: string
  readonly loginPath: string
  readonly #callbackPath: string
  readonly #process: ChildProcess

  private constructor(child: ChildProcess, url: string, contender: ContenderName) {
    this.#process = child
    this.url = url
    this.loginPath = CONTENDERS[contender].loginPath
    this.#callbackPath = CONTENDERS[contender].callbackPath
  }

  static async start(contender: ContenderName, provider: Provider, redisURL = ''): Promise<App> {
    const child = fork(join(import.meta.dirname, 'server.ts'), {
      execArgv: ['--expose-gc', ...(process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`] : []), '--import', 'tsx'],
      env: { ...process.env, NODE_ENV: 'production' }
    })
    child.send({ contender, provider, redisURL } satisfies Start)
    const [{ appURL }] = (await once(child, 'message')) as [Started]
    return new App(child, appURL, contender)
  }

  async cost(question: 'cost' | 'collect' = 'cost'): Promise<Cost> {
    this.#process.send(question)
    const [cost] = (await once(this.#process, 'message')) as [Cost]
    return cost
  }

  /** Runs a task many times, eight at once, and returns its average cost. */
  async measure(times: number, work: (index: number) => Promise<unknown>): Promise<Measured> {
    const [before, began] = [await this.cost(), performance.now()]
    let next = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (next < times) await work(next++)
      })
    )
    const [after, ended] = [await this.cost(), performance.now()]
    return { cpu: (after.cpu - before.cpu) / times, wall: ((ended - began) * 1000) / times }
  }

  /** The callback to which the provider would redirect. */
  callbackOf(authorizeURL: string): string {
    const { searchParams } = new URL(authorizeURL)
    const state = searchParams.get('state') ?? searchParams.get('State')
    const nonce = searchParams.get('nonce')
    const query = new URLSearchParams({ code: nonce === null ? 'code' : `code.${nonce}`, ...(state === null ? {} : { state }) })
    return `${this.#callbackPath}?${query.toString()}`
  }

  /** @param path a prefix for the paths of the login and the callback */
  async logIn(path = ''): Promise<Visitor> {
    const visitor = new Visitor(this.url)
    const begun = await visitor.get(path + this.loginPath)
    await visitor.finish(path + this.callbackOf(begun.location))
    return visitor
  }

  stop(): void {
    this.#process.send('stop')
  }
}
