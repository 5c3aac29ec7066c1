const EVENTS = ['unhandledRejection', 'uncaughtException'] as const

/** Collects errors that would have crashed the process. Mocha must not handle them, since it cannot tell which run caused them. */
export class Troubles {
  readonly #errors: unknown[] = []
  readonly #originalListeners = EVENTS.map((event) => [event, process.listeners(event as 'uncaughtException')] as const)

  watch(): void {
    for (const event of EVENTS) {
      process.removeAllListeners(event)
      process.on(event, (error: unknown) => this.#errors.push(error))
    }
  }

  unwatch(): void {
    for (const [event, listeners] of this.#originalListeners) {
      process.removeAllListeners(event)
      for (const listener of listeners) process.on(event, listener as () => void)
    }
  }

  /** Returns the errors since the last call. Waits first, because Node reports unhandled rejections at the end of an event loop turn. */
  async take(): Promise<unknown[]> {
    await new Promise((resolve) => setImmediate(resolve))
    return this.#errors.splice(0)
  }
}
