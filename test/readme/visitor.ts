/** A browser without its screen: keeps cookies, and follows nothing by itself. */
export class Visitor {
  readonly #appURL: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #cookies = new Map<string, string>()

  /** @param headers what a proxy in front of the app adds */
  constructor(appURL: string, headers: Readonly<Record<string, string>> = {}) {
    this.#appURL = appURL
    this.#headers = headers
  }

  /** The value of the `Cookie` header. */
  get cookie(): string {
    return [...this.#cookies].map((pair) => pair.join('=')).join('; ')
  }

  async request(path: string, { method = 'GET', accept = 'text/html' } = {}): Promise<Answer> {
    const response = await fetch(new URL(path, this.#appURL), { method, redirect: 'manual', headers: { ...this.#headers, accept, cookie: this.cookie } })
    for (const header of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      this.#cookies.set(name, value)
    }
    return { status: response.status, location: response.headers.get('location') ?? '', headers: response.headers, text: await response.text() }
  }

  /** The same person at another process of the app. */
  at(appURL: string): Visitor {
    const same = new Visitor(appURL, this.#headers)
    for (const [name, value] of this.#cookies) same.#cookies.set(name, value)
    return same
  }

  /**
   * A whole login that begins at a path of the app.
   *
   * @param approve what happens at Twilio: from where the app sends the browser to where it comes back
   */
  async logIn(approve: (authorizeURL: string) => Promise<string>, path = '/auth/twilio'): Promise<Answer> {
    const { location } = await this.request(path)
    const { pathname, search } = new URL(await approve(location))
    return this.request(pathname + search)
  }
}

export interface Answer {
  readonly status: number
  readonly location: string
  readonly headers: Headers
  readonly text: string
}
