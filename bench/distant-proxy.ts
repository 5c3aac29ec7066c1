import { Child } from './child.ts'
import type { Provider } from './provider.ts'
import type { Answer, Question } from './distant-proxy-server.ts'

/** ms from a request to its response, if the provider takes no time. */
export const ROUND_TRIP = 40

/** A TLS proxy in front of the provider, in its own process, that is as slow as a network to a distant place. */
export class DistantProxy {
  readonly url: string
  readonly #child: Child

  private constructor(child: Child, url: string) {
    this.#child = child
    this.url = url
  }

  static async start({ issuer }: Provider): Promise<DistantProxy> {
    const child = Child.start('distant-proxy-server.ts')
    const { url } = await child.ask<Answer>({ target: issuer } satisfies Question)
    return new DistantProxy(child, url)
  }

  /** Resolves when all connections are closed, and the apps have had the time to notice. */
  async closeConnections(): Promise<void> {
    await this.#child.ask<Answer>({ close: true } satisfies Question)
  }

  async stop(): Promise<void> {
    await this.#child.stop()
  }
}
