import type { TwilioOAuthClient } from '../oauth/client'
import type { TwilioTokens } from '../oauth/tokens'
import { withoutUndefined } from '../util/without-undefined'
import type { Freshness } from './freshness'
import { MemoryRefreshes, nameOf } from './records/memory-refreshes'
import type { Refreshes } from './records/refreshes'

export type RefreshableTokens = TwilioTokens & { readonly refreshToken: string }

export interface Renewed {
  readonly tokens: TwilioTokens
  /** Whether it was this call that asked Twilio. */
  readonly isOurs: boolean
}

export function isRefreshable(tokens: TwilioTokens): tokens is RefreshableTokens {
  return tokens.refreshToken !== undefined
}

/** Turns stale tokens into fresh ones, each refreshed once. */
export class Renewal {
  readonly #client: TwilioOAuthClient
  readonly #refreshes: Refreshes
  readonly #freshness: Freshness
  /** Once for all who ask at the same time, and nothing is remembered. */
  readonly #anew = new MemoryRefreshes(0)

  constructor(client: TwilioOAuthClient, refreshes: Refreshes, freshness: Freshness) {
    this.#client = client
    this.#refreshes = refreshes
    this.#freshness = freshness
  }

  /** Rejects as {@link TwilioOAuthClient.refresh} does. */
  async renew(stale: RefreshableTokens): Promise<Renewed> {
    const asked = Date.now()
    const limits = { deadline: asked + this.#client.timeout }
    let isOurs = false
    const seen = new Set<string>()
    // An old copy of the session may be several refreshes behind: each was remembered, and leads to the next.
    for (let spent = stale; ; ) {
      const refresh = () => {
        isOurs = true
        return this.#refresh(spent)
      }
      const name = nameOf(spent)
      // What is remembered leads round in a circle where Twilio gave the same tokens again: they are not spent after all.
      const isCircle = seen.has(name)
      const refreshed = await (isCircle ? this.#anew : this.#refreshes).once(spent, refresh, limits)
      if (isCircle || !isRefreshable(refreshed.tokens) || this.#freshness.isUsable(refreshed, asked)) return { tokens: refreshed.tokens, isOurs }
      seen.add(name)
      spent = refreshed.tokens
    }
  }

  /** What the answer leaves out stays as it was (RFC 6749 §6; OpenID Connect Core §12.2). */
  async #refresh({ refreshToken, idToken, scope }: RefreshableTokens): Promise<TwilioTokens> {
    const tokens = await this.#client.refresh(refreshToken)
    return withoutUndefined<TwilioTokens>({ ...tokens, idToken: tokens.idToken ?? idToken, scope: tokens.scope ?? scope })
  }
}
