/** When a token was issued, and when it expires, in epoch ms. */
export interface Lifetime {
  readonly receivedAt: number
  readonly tokens: { readonly expiresAt?: number | undefined }
}

const DEFAULT_LEEWAY = 60_000
/** ms before its expiry from which a token is no longer used for a request. */
const ABOUT_TO_EXPIRE = 10_000

/** Decides whether a token is stale. */
export class Freshness {
  readonly #leeway: number | undefined

  /** @param leeway how long before its expiry a token becomes stale, in ms; default: 60 s, but at most half of the token's lifetime */
  constructor(leeway?: number) {
    this.#leeway = leeway
  }

  /** Whether a token should be refreshed. A token without an expiry is never stale. */
  isStale({ receivedAt, tokens: { expiresAt } }: Lifetime, now: number): boolean {
    if (expiresAt === undefined) return false
    // Clocks differ: a token may have been marked as expired by a machine whose clock is behind the one that received it.
    const lifetime = Math.max(0, expiresAt - receivedAt)
    return expiresAt - now <= (this.#leeway ?? Math.min(DEFAULT_LEEWAY, lifetime / 2))
  }
}

/** Whether a token has not expired yet. */
export function isAlive({ tokens: { expiresAt } }: Lifetime, now: number): boolean {
  return expiresAt === undefined || expiresAt > now
}

/** Whether a token is valid for long enough to be used for the current request. */
export function isUsable({ tokens: { expiresAt } }: Lifetime, now: number): boolean {
  return expiresAt === undefined || expiresAt - now > ABOUT_TO_EXPIRE
}
