import http from 'node:http'

/** A response that a visitor received. */
export interface ReceivedResponse {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export interface RequestOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** How long a visitor waits for a response by default, in ms. */
const DEFAULT_MAX_WAIT = 10_000

/** A visitor's browser. It keeps cookies, does not follow redirects, and times out. */
export class Visitor {
  /** All responses that this visitor received, oldest first. */
  readonly responses: ReceivedResponse[] = []
  readonly #origin: string
  readonly #maxWait: number
  readonly #cookies = new Map<string, string>()

  constructor(origin: string, maxWait = DEFAULT_MAX_WAIT) {
    this.#origin = origin
    this.#maxWait = maxWait
  }

  /** @param path a path of the app, or a URL whose path is used unchanged */
  get(path: string, { method = 'GET', headers, body }: RequestOptions = {}): Promise<ReceivedResponse> {
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
      const timer = setTimeout(() => request.destroy(new Error(`no response within ${this.#maxWait} ms`)), this.#maxWait)
      request.on('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('error', reject)
        response.on('end', () => {
          clearTimeout(timer)
          for (const header of response.headers['set-cookie'] ?? []) this.#keep(header)
          const received = { status: response.statusCode ?? 0, headers: response.headers, body: text }
          this.responses.push(received)
          resolve(received)
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

  /** Changes the value of every cookie. */
  changeCookies(change: (value: string) => string): void {
    for (const [name, value] of this.#cookies) this.#cookies.set(name, change(value))
  }

  /** Takes over another visitor's cookies, as a victim of session fixation does. */
  takeCookiesOf(other: Visitor): void {
    for (const [name, value] of other.#cookies) this.#cookies.set(name, value)
  }
}
