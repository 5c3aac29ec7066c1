import http from 'node:http'

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity })

export interface Seen {
  readonly status: number
  readonly location: string
}

/** A minimal browser that keeps cookies. Only `finish` follows redirects. */
export class Visitor {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  /** @param page a path, or the URL of another process of the app */
  get(page: string, method = 'GET'): Promise<Seen> {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    return new Promise((resolve, reject) => {
      const request = http.request(new URL(page, this.#origin), { method, agent, headers: cookie === '' ? {} : { Cookie: cookie } }, (response) => {
        for (const header of response.headers['set-cookie'] ?? []) this.#keep(header)
        response.resume()
        response.on('end', () => resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '' }))
        response.on('error', reject)
      })
      request.on('error', reject)
      request.end()
    })
  }

  /** Finishes a login, including all redirects. Throws if the login fails. */
  async finish(callback: string): Promise<void> {
    let seen = await this.get(callback)
    while (seen.status === 302 && !this.#isFinished(seen.location)) seen = await this.get(seen.location)
    if (seen.status !== 302) throw new Error(`The login failed with status ${seen.status}.`)
  }

  /** Opens a guarded page. Throws if it does not load. */
  async visit(page = '/account'): Promise<void> {
    const { status } = await this.get(page)
    if (status !== 200) throw new Error(`${page} returned status ${status}.`)
  }

  async logOut(): Promise<void> {
    const { status } = await this.get('/logout')
    if (status !== 302) throw new Error(`/logout returned status ${status}.`)
  }

  /** express-openid-connect ends at `/`, the others at `/account`. */
  #isFinished(location: string): boolean {
    return ['/', '/account'].includes(new URL(location, this.#origin).pathname)
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
