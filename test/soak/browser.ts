/** Longer than the app may take for anything: its calls to Twilio have 10 s, the SDK's 30 s. */
const HANG = 45_000

export interface Answer {
  readonly asked: string
  readonly status: number
  readonly location: string | undefined
  readonly body: string
  readonly retryAfter: string | undefined
}

/** No answer came, or it broke off. */
export class NoAnswer extends Error {}

/** Somebody's browser: keeps its cookie, and shows redirects as they are. */
export class Browser {
  readonly #origin: string
  #cookie = ''

  constructor(origin: string) {
    this.#origin = origin
  }

  async go(path: string, { method = 'GET', accept = 'text/html' }: { method?: string | undefined; accept?: string | undefined } = {}): Promise<Answer> {
    const asked = `${method} ${path}`
    try {
      const response = await fetch(this.#origin + path, {
        method,
        redirect: 'manual',
        headers: { Accept: accept, ...(this.#cookie === '' ? {} : { Cookie: this.#cookie }) },
        signal: AbortSignal.timeout(HANG)
      })
      const body = await response.text()
      for (const cookie of response.headers.getSetCookie()) this.#cookie = cookie.split(';', 1)[0] ?? ''
      return { asked, status: response.status, location: response.headers.get('location') ?? undefined, body, retryAfter: response.headers.get('retry-after') ?? undefined }
    } catch (error) {
      throw new NoAnswer(`${asked}: ${error instanceof Error ? `${error.message} (${String(error.cause)})` : String(error)}`, { cause: error })
    }
  }
}
