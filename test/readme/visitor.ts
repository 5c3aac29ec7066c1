/** A minimal browser: keeps cookies, and follows no redirects. */
export class Visitor {
  readonly #appURL: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #cookies = new Map<string, string>()

  /** @param headers headers that a proxy in front of the app adds */
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

  /** The same visitor at another process of the app. */
  at(appURL: string): Visitor {
    const same = new Visitor(appURL, this.#headers)
    for (const [name, value] of this.#cookies) same.#cookies.set(name, value)
    return same
  }

  /**
   * A whole login, which must not end with an error, starting at a path of the app.
   *
   * @param approve approves the login at Twilio: takes the authorize URL, and resolves to the callback URL
   */
  async logIn(approve: (authorizeURL: string) => Promise<string>, path = '/auth/twilio'): Promise<Answer> {
    const answer = await this.tryToLogIn(approve, path)
    if (answer.status >= 400) throw new Error(`The callback answered ${answer.status}: ${answer.text}`)
    return answer
  }

  /** A whole login, which may fail. */
  async tryToLogIn(approve: (authorizeURL: string) => Promise<string>, path = '/auth/twilio'): Promise<Answer> {
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
