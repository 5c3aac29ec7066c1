import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** The OAuth provider that all contenders use, in its own process. */
export interface Provider {
  readonly issuer: string
  readonly clientID: string
}

export class ProviderProcess {
  readonly provider: Provider
  readonly #process: ChildProcess

  private constructor(child: ChildProcess, provider: Provider) {
    this.#process = child
    this.provider = provider
  }

  /** @param latency ms before each token response */
  static async start(latency = 0): Promise<ProviderProcess> {
    const child = fork(join(import.meta.dirname, 'token-server.ts'), { execArgv: ['--import', 'tsx'], env: { ...process.env, TOKEN_LATENCY: String(latency) } })
    const [provider] = (await once(child, 'message')) as [Provider]
    return new ProviderProcess(child, provider)
  }

  async tokenRequests(): Promise<number> {
    this.#process.send('count')
    const [{ tokenRequests }] = (await once(this.#process, 'message')) as [{ tokenRequests: number }]
    return tokenRequests
  }

  stop(): void {
    this.#process.kill()
  }
}
