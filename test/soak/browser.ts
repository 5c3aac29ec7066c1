import { randomBytes } from 'node:crypto'

/** ms. Longer than any request to the app may take: its calls to Twilio time out after 10 s, those of the SDK after 30 s. */
const HANG_TIMEOUT = 45_000

export interface BrowserResponse {
  readonly request: string
  readonly status: number
  readonly location: string | undefined
  readonly body: string
  readonly retryAfter: string | undefined
}

/** There was no response, or it was cut off. */
export class NoResponseError extends Error {}

/** A browser that keeps its cookie, and does not follow redirects. */
export class Browser {
  readonly #origin: string
  #cookie = ''

  constructor(origin: string) {
    this.#origin = origin
  }

  async go(path: string, { method = 'GET', accept = 'text/html' }: { method?: string | undefined; accept?: string | undefined } = {}): Promise<BrowserResponse> {
    const request = `${method} ${path}`
    try {
      const response = await fetch(this.#origin + path, {
        method,
        redirect: 'manual',
        headers: { Accept: accept, 'X-Forwarded-For': randomAddress(), ...(this.#cookie === '' ? {} : { Cookie: this.#cookie }) },
        signal: AbortSignal.timeout(HANG_TIMEOUT)
      })
      const body = await response.text()
      for (const cookie of response.headers.getSetCookie()) this.#cookie = cookie.split(';', 1)[0] ?? ''
      return { request, status: response.status, location: response.headers.get('location') ?? undefined, body, retryAfter: response.headers.get('retry-after') ?? undefined }
    } catch (error) {
      throw new NoResponseError(`${request}: ${error instanceof Error ? `${error.message} (${String(error.cause)})` : String(error)}`, { cause: error })
    }
  }
}

/** A new address for each request, so that nobody reaches the limit for logins, which counts requests by address. */
function randomAddress(): string {
  return `10.${[...randomBytes(3)].join('.')}`
}
