const EVENTS = ['unhandledRejection', 'uncaughtException'] as const

/** What would have ended the process, since it was last asked. Mocha must not see it: it would not know of which run it is. */
export class Troubles {
  readonly #seen: unknown[] = []
  readonly #others = EVENTS.map((event) => [event, process.listeners(event as 'uncaughtException')] as const)

  watch(): void {
    for (const event of EVENTS) {
      process.removeAllListeners(event)
      process.on(event, (error: unknown) => this.#seen.push(error))
    }
  }

  unwatch(): void {
    for (const [event, listeners] of this.#others) {
      process.removeAllListeners(event)
      for (const listener of listeners) process.on(event, listener as () => void)
    }
  }

  /** Node tells of a rejection that nobody handles at the end of a turn. */
  async take(): Promise<unknown[]> {
    await new Promise((resolve) => setImmediate(resolve))
    return this.#seen.splice(0)
  }
}
