import http from 'node:http'

/** What a visitor was answered. */
export interface Seen {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** How long a visitor waits for an answer, in ms. */
const PATIENCE = 10_000

/** Somebody's browser: keeps cookies, follows nothing, and gives up after a while. */
export class Visitor {
  /** All that this visitor was answered, oldest first. */
  readonly seen: Seen[] = []
  readonly #origin: string
  readonly #patience: number
  readonly #cookies = new Map<string, string>()

  constructor(origin: string, patience = PATIENCE) {
    this.#origin = origin
    this.#patience = patience
  }

  /** @param path of the app, or an address whose path is taken, byte for byte */
  get(path: string, { method = 'GET', headers, body }: Asked = {}): Promise<Seen> {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(this.#origin)
      const request = http.request({
        hostname,
        port,
        path: path.replace(/^https?:\/\/[^/]*/, ''),
        method,
        agent: false,
        headers: { Accept: 'text/html', ...(cookie === '' ? {} : { Cookie: cookie }), ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }), ...headers }
      })
      const patience = setTimeout(() => request.destroy(new Error(`no answer within ${this.#patience} ms`)), this.#patience)
      request.on('error', (error) => {
        clearTimeout(patience)
        reject(error)
      })
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('error', reject)
        response.on('end', () => {
          clearTimeout(patience)
          for (const header of response.headers['set-cookie'] ?? []) this.#keep(header)
          const seen = { status: response.statusCode ?? 0, headers: response.headers, body: text }
          this.seen.push(seen)
          resolve(seen)
        })
      })
      request.end(body)
    })
  }

  #keep(header: string): void {
    const [pair = ''] = header.split(';', 1)
    const at = pair.indexOf('=')
    this.#cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }

  /** Has another value for each cookie from now on. */
  changeCookies(change: (value: string) => string): void {
    for (const [name, value] of this.#cookies) this.#cookies.set(name, change(value))
  }

  /** Has somebody else's cookies, as whoever was made to take them has. */
  takeCookiesOf(other: Visitor): void {
    for (const [name, value] of other.#cookies) this.#cookies.set(name, value)
  }
}
