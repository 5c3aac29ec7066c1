/** When a token was issued, and when it expires, in epoch ms. */
export interface Lifetime {
  readonly receivedAt: number
  readonly tokens: { readonly expiresAt?: number | undefined }
}

const DEFAULT_LEEWAY = 60_000
/** ms before its end at which a token can't be relied on for a request any more. */
const ABOUT_TO_EXPIRE = 10_000

/** The one place that decides whether a token is stale. */
export class Freshness {
  readonly #leeway: number | undefined

  /** @param leeway ms before its end from which on a token is stale; default: 60 s, but at most half of the token's lifetime */
  constructor(leeway?: number) {
    this.#leeway = leeway
  }

  /** Whether a token should be refreshed. One without an end never is. */
  isStale({ receivedAt, tokens: { expiresAt } }: Lifetime, now: number): boolean {
    if (expiresAt === undefined) return false
    return expiresAt - now <= (this.#leeway ?? Math.min(DEFAULT_LEEWAY, (expiresAt - receivedAt) / 2))
  }
}

/** Whether Twilio still accepts a token. */
export function isAlive({ tokens: { expiresAt } }: Lifetime, now: number): boolean {
  return expiresAt === undefined || expiresAt > now
}

/** Whether a token lives long enough to be used for the request at hand. */
export function isUsable({ tokens: { expiresAt } }: Lifetime, now: number): boolean {
  return expiresAt === undefined || expiresAt - now > ABOUT_TO_EXPIRE
}
