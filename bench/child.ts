import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A child process that answers each message with one message. */
export class Child {
  readonly #process: ChildProcess
  readonly #file: string

  private constructor(child: ChildProcess, file: string) {
    this.#process = child
    this.#file = file
  }

  /** @param file relative to this folder */
  static start(file: string, { env = {}, execArgv = [] }: { env?: NodeJS.ProcessEnv; execArgv?: readonly string[] } = {}): Child {
    return new Child(fork(join(import.meta.dirname, file), { execArgv: [...execArgv, '--import', 'tsx'], env: { ...process.env, ...env } }), file)
  }

  async ask<Answer>(question: object): Promise<Answer> {
    this.#process.send(question)
    const stop = new AbortController()
    const failed = once(this.#process, 'exit', { signal: stop.signal }).then(() => Promise.reject(new Error(`The process of ${this.#file} has ended.`)))
    const [answer] = (await Promise.race([once(this.#process, 'message', { signal: stop.signal }), failed])) as [Answer]
    stop.abort()
    failed.catch(() => undefined)
    return answer
  }

  /** Lets it end by itself, so that Node can write its CPU profile. */
  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.disconnect()
    await exited
  }
}
