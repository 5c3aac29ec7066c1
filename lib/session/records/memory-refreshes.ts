import { createHash } from 'node:crypto'
import type { TwilioTokens } from '../../oauth/tokens'
import type { Refreshed, Refreshes, SpentTokens } from './refreshes'

export const DEFAULT_KEPT_FOR = 10 * 60 * 1000

/** Refreshes remembered by one process; the oldest go first. */
const REMEMBERED_MAX = 10_000

/** What tokens are known by, where they themselves must not be told. Tokens without a refresh token are never spent. */
export function nameOf({ refreshToken = '', accessToken }: Pick<TwilioTokens, 'accessToken' | 'refreshToken'>): string {
  // Where Twilio keeps a refresh token good, only the access token tells one refresh from the next.
  return createHash('sha256').update(`${refreshToken}\n${accessToken}`).digest('base64url')
}

/** {@link Refreshes} within one process. */
export class MemoryRefreshes implements Refreshes {
  readonly #keptFor: number
  readonly #underWay = new Map<string, Promise<Refreshed>>()
  /** By name; oldest first. */
  readonly #done = new Map<string, Refreshed>()

  /** @param keptFor ms that what came of a refresh is remembered; default: 10 minutes */
  constructor(keptFor = DEFAULT_KEPT_FOR) {
    this.#keptFor = keptFor
  }

  once(spent: SpentTokens, refresh: () => Promise<TwilioTokens>): Promise<Refreshed> {
    return this.share(spent, async () => ({ tokens: await refresh(), at: Date.now() }))
  }

  /** As {@link once}, for work that knows itself when the refresh was done. */
  share(spent: SpentTokens, work: () => Promise<Refreshed>): Promise<Refreshed> {
    const name = nameOf(spent)
    this.#forgetOld()
    const done = this.#done.get(name)
    if (done) return Promise.resolve(done)
    const shared = this.#underWay.get(name) ?? this.#start(name, work)
    return shared
  }

  #start(name: string, work: () => Promise<Refreshed>): Promise<Refreshed> {
    const started = work()
      .then((refreshed) => {
        this.#done.set(name, refreshed)
        // Tokens that Twilio gives again, to whoever spent them or others, are good for a refresh again.
        this.#done.delete(nameOf(refreshed.tokens))
        return refreshed
      })
      .finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, started)
    return started
  }

  #forgetOld(): void {
    const now = Date.now()
    for (const [name, { at }] of this.#done) {
      if (at + this.#keptFor > now && this.#done.size <= REMEMBERED_MAX) break
      this.#done.delete(name)
    }
  }
}
