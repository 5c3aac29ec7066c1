import { Child } from './child.ts'
import type { Counts, ProviderSettings } from './token-server.ts'

/** The OAuth provider of all contenders, in its own process. */
export class Provider {
  readonly issuer: string
  readonly #child: Child

  private constructor(child: Child, issuer: string) {
    this.#child = child
    this.issuer = issuer
  }

  static async start(settings: ProviderSettings = {}): Promise<Provider> {
    const child = Child.start('token-server.ts')
    const { issuer } = await child.ask<Counts>(settings)
    return new Provider(child, issuer)
  }

  async set(settings: ProviderSettings): Promise<void> {
    await this.#child.ask(settings)
  }

  /** What the provider has received since its start. */
  async counts(): Promise<Counts> {
    return this.#child.ask<Counts>({})
  }

  async stop(): Promise<void> {
    await this.#child.stop()
  }
}
