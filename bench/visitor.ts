import http from 'node:http'

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity })

export interface Seen {
  readonly status: number
  readonly location: string
}

/** Somebody's browser, as cheap as can be: it keeps cookies, and follows only what it is told to. */
export class Visitor {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  get(path: string, method = 'GET'): Promise<Seen> {
    const url = path.startsWith('http') ? path : this.#origin + path
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    return new Promise((resolve, reject) => {
      const request = http.request(url, { method, agent, headers: cookie === '' ? {} : { Cookie: cookie } }, (response) => {
        for (const header of response.headers['set-cookie'] ?? []) this.#keep(header)
        response.resume()
        response.on('end', () => resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '' }))
        response.on('error', reject)
      })
      request.on('error', reject)
      request.end()
    })
  }

  /** Ends a login, whatever redirects that takes, and says so when it does not end on the account. */
  async finish(callback: string): Promise<void> {
    let seen = await this.get(callback)
    while (seen.status === 302 && !seen.location.endsWith('/account') && new URL(seen.location, this.#origin).pathname !== '/') seen = await this.get(seen.location)
    if (seen.status !== 302) throw new Error(`The login ended with ${seen.status}.`)
  }

  /** The guarded page. */
  async visit(page = '/account'): Promise<void> {
    const { status } = await this.get(page)
    if (status !== 200) throw new Error(`${page} was answered ${status}.`)
  }

  #keep(header: string): void {
    const [pair = ''] = header.split(';', 1)
    const at = pair.indexOf('=')
    if (/expires=Thu, 01 Jan 1970/i.test(header)) this.#cookies.delete(pair.slice(0, at))
    else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }
}

export function closeConnections(): void {
  agent.destroy()
}
