import type { TwilioTokens } from '../../oauth/tokens'

/** A refresh that was done: what came of it, and when (epoch ms). */
export interface Refreshed {
  /** The fresh ones. */
  readonly tokens: TwilioTokens
  /** When Twilio gave them, in epoch ms. */
  readonly at: number
}

/** Tokens that a refresh spends. */
export interface SpentTokens {
  /** Tells one refresh from the next where Twilio keeps a refresh token good. */
  readonly accessToken: string
  /** Good for one refresh, as a rule. */
  readonly refreshToken: string
}

/** How long a refresh may take. */
export interface RefreshLimits {
  /** Until when the answer is waited for, in epoch ms. */
  readonly deadline: number
}

/**
 * Sees to it that tokens are refreshed once, whoever asks, and remembers what came of it
 * for requests that come late with an old copy of the session. Where Twilio gave the very tokens that were to be spent,
 * they are not: that need not be remembered.
 */
export interface Refreshes {
  /**
   * What came of refreshing these tokens: as remembered, as others are just being told, or by `refresh`.
   * Rejects as `refresh` does.
   */
  once(spent: SpentTokens, refresh: () => Promise<TwilioTokens>, limits: RefreshLimits): Promise<Refreshed>
}
