import { fork, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Sandbox } from '../../lib/sandbox'

/** The settings of an app in these tests. */
export interface AppSettings {
  readonly clientID: string
  readonly clientSecret: string
  readonly sandboxURL: string
  /** Time limit of a call to Twilio, in ms. */
  readonly timeout?: number | undefined
  readonly secret?: string | undefined
  readonly leeway?: number | undefined
  /** The session store. Default: in memory. */
  readonly sessions?: { readonly kind: 'redis' | 'postgres' | 'slow'; readonly url: string } | undefined
  /** The store of the refresh records. Default: in memory. */
  readonly refreshes?: { readonly kind: RefreshesKind; readonly urls: readonly string[] } | undefined
  /** Blocks the event loop once for `ms`, just before or after the app sends the command that acquires a lock. */
  readonly stall?: { readonly ms: number; readonly isSent: boolean } | undefined
}

/** The stores of refresh records, each with its client. */
export type RefreshesKind = 'redis' | 'ioredis' | 'redis cluster' | 'ioredis cluster' | 'redis sentinel' | 'ioredis sentinel' | 'postgres'

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** An app in a process of its own. */
export class AppProcess {
  readonly url: string
  readonly warnings: string[] = []
  readonly #process: ChildProcess
  readonly #events = new EventEmitter()

  private constructor(child: ChildProcess, url: string) {
    this.#process = child
    this.url = url
    child.on('message', (message: { warning?: string; slowBegan?: boolean }) => {
      if (message.warning !== undefined) this.warnings.push(message.warning)
      if (message.slowBegan) this.#events.emit('slow')
    })
  }

  static async start({ clientID, clientSecret, url: sandboxURL }: Sandbox, settings: Partial<AppSettings> = {}): Promise<AppProcess> {
    // Coverage is only measured in the process of the tests.
    const { NODE_V8_COVERAGE: _coverage, ...inherited } = process.env
    const child = fork(join(process.cwd(), 'test/processes/app.ts'), { execArgv: ['--import', 'tsx'], env: { ...inherited, NODE_ENV: 'test' } })
    child.send({ clientID, clientSecret, sandboxURL, ...settings } satisfies AppSettings)
    const failed = once(child, 'exit').then(() => {
      throw new Error('The app ended before it reported its URL.')
    })
    const [{ url }] = (await Promise.race([once(child, 'message'), failed])) as [{ url: string }]
    failed.catch(() => undefined)
    return new AppProcess(child, url)
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Waits until a slow request has loaded its session. */
  async slowBegan(): Promise<void> {
    await once(this.#events, 'slow')
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.isAlive) return
    this.#process.kill(signal)
    await once(this.#process, 'exit')
  }
}

/** A browser that can send its requests to any process. */
export class Browser {
  #cookie: string

  /** @param cookie the session cookie of another browser */
  constructor(cookie = '') {
    this.#cookie = cookie
  }

  get cookie(): string {
    return this.#cookie
  }

  async get(app: AppProcess, path: string, method = 'GET'): Promise<Answer> {
    const answer = await send(app.url + path, method, this.#cookie)
    const [cookie] = answer.headers['set-cookie'] ?? []
    if (cookie !== undefined) this.#cookie = cookie.split(';', 1)[0] ?? ''
    return answer
  }

  async logIn(app: AppProcess, sandbox: Sandbox): Promise<void> {
    const begun = await this.get(app, '/auth/twilio')
    const callback = new URL(await sandbox.login(begun.headers.location ?? ''))
    const { status, body } = await this.get(app, callback.pathname + callback.search)
    if (status !== 302) throw new Error(`The callback answered ${status}: ${body}`)
  }

  /** The tokens that the app currently uses for this session. */
  async tokens(app: AppProcess): Promise<{ accessToken: string; refreshToken: string }> {
    const { status, body } = await this.get(app, '/account')
    if (status !== 200) throw new Error(`/account answered ${status}: ${body}`)
    return JSON.parse(body) as { accessToken: string; refreshToken: string }
  }

  async logOut(app: AppProcess): Promise<void> {
    const { status, body } = await this.get(app, '/logout', 'POST')
    if (status !== 204) throw new Error(`/logout answered ${status}: ${body}`)
  }

  /** Repeats a request while the app answers 503, for at most `patience` ms. */
  async getWhenAvailable(app: AppProcess, path: string, patience: number): Promise<Answer> {
    const end = Date.now() + patience
    for (;;) {
      const answer = await this.get(app, path)
      if (answer.status !== 503 || Date.now() > end) return answer
      await pause(100)
    }
  }

  /** Makes the tokens in this session expire. */
  async expire(app: AppProcess): Promise<void> {
    await this.get(app, '/expire', 'POST')
  }
}

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity })

export function closeConnections(): void {
  agent.destroy()
}

function send(url: string, method: string, cookie: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent, headers: { Accept: 'application/json', ...(cookie === '' ? {} : { Cookie: cookie }) } }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    request.on('error', reject)
    request.end()
  })
}

/** The number of answers with each status. */
export function statuses(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** Waits until a refresh has reached the sandbox, not counting its first `after` requests. */
export async function refreshBegan({ requests }: Sandbox, after = 0): Promise<void> {
  while (!requests.slice(after).some(({ parameters }) => (parameters.GrantType ?? parameters.grant_type) === 'refresh_token')) await pause(5)
}
