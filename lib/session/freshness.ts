import type { TwilioTokens } from '../oauth/tokens'
import type { Refreshed } from './records/refreshes'

/** How long before its end, in ms, a token is refreshed unless the application says otherwise. */
const DEFAULT_LEEWAY = 60_000

/** The one place that decides when a token is stale. */
export class Freshness {
  readonly #leeway: number
  /** The default must not make a token that lives for a minute stale from the start. */
  readonly #isShortenedForShortLives: boolean

  /** @param leeway ms; default: 60 s, but never more than half of a token's life */
  constructor(leeway?: number) {
    this.#leeway = leeway ?? DEFAULT_LEEWAY
    this.#isShortenedForShortLives = leeway === undefined
  }

  /** Whether a token of the session has to be refreshed. One that does not say when it ends is not. */
  isStale(tokens: TwilioTokens): boolean {
    if (tokens.expiresAt === undefined) return false
    const left = tokens.expiresAt - Date.now()
    return left <= this.#leeway && (!this.#isShortenedForShortLives || left <= lifetimeOf(tokens) / 2)
  }

  /**
   * Whether what came of a refresh is to be used. If it was done after `asked` (epoch ms) it is, whatever it brought;
   * an older one, if it is not about to end itself.
   */
  isUsable({ tokens, at }: Refreshed, asked: number): boolean {
    if (at >= asked || tokens.expiresAt === undefined) return true
    return tokens.expiresAt - Math.min(this.#leeway, (tokens.expiresAt - at) / 2) > Date.now()
  }
}

/** Whether Twilio still takes the token. */
export function isAlive({ expiresAt }: TwilioTokens): boolean {
  return expiresAt === undefined || expiresAt > Date.now()
}

/** In ms, by the token's own word. */
function lifetimeOf({ claims: { iat, exp } }: TwilioTokens): number {
  return typeof iat === 'number' && typeof exp === 'number' && exp > iat ? (exp - iat) * 1000 : Infinity
}
