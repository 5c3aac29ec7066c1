import { claimsOf, type Claims } from './claims'
import { isObject } from '../util/is-object'
import { TwilioResponseError } from '../errors'
import { withoutUndefined } from '../util/without-undefined'

/** What a grant gives. */
export interface TwilioTokens {
  /** Goes to Twilio as `Authorization: Bearer …`. */
  readonly accessToken: string
  /** Buys the next access token. Twilio may let it be used once only. */
  readonly refreshToken?: string | undefined
  /** Says who logged in (OpenID Connect Core §2). */
  readonly idToken?: string | undefined
  /** `Bearer`, in whatever case Twilio writes it (RFC 6749 §7.1). */
  readonly tokenType: string
  /** What was granted, space-separated, where Twilio says it. */
  readonly scope?: string | undefined
  /** When the access token ends, in epoch ms; missing where neither the token nor the answer tells. */
  readonly expiresAt?: number | undefined
  /** What the access token says, where it is a JWT; else empty. */
  readonly claims: Claims
}

/** Nothing that Twilio issues lives longer, so a larger `expires_in` is no lifetime in seconds. */
const LONGEST_LIFETIME_S = 365 * 24 * 3600
/** The last moment that a JavaScript date can name. */
const LAST_DATE_MS = 8.64e15

/** What RFC 6749 appendix A lets a token be; anything else could not go into an `Authorization` header. */
const TOKEN = /^[\x21-\x7e]+$/

/**
 * Reads the answer of the token endpoint (RFC 6749 §5.1; the contract's `oauth.v1.token`), in which every field may be null.
 *
 * @param refreshToken the one that was spent for this answer, kept where it brings no new one
 * @throws {TwilioResponseError} naming the field that cannot be used
 */
export function readTokens(answer: unknown, refreshToken?: string): TwilioTokens {
  if (!isObject(answer)) throw new TwilioResponseError('The token answer is not a JSON object.')
  const accessToken = readToken(answer, 'access_token')
  if (accessToken === undefined) throw new TwilioResponseError('The token answer has no access_token.')
  const claims = claimsOf(accessToken)
  return withoutUndefined<TwilioTokens>({
    accessToken,
    refreshToken: readToken(answer, 'refresh_token') ?? refreshToken,
    idToken: readToken(answer, 'id_token'),
    tokenType: readTokenType(answer),
    scope: readText(answer, 'scope'),
    expiresAt: expiryOf(claims) ?? readExpiry(answer.expires_in),
    claims
  })
}

function readText(answer: Record<string, unknown>, field: string): string | undefined {
  const value = answer[field]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new TwilioResponseError(`The token answer's ${field} is not a string.`)
  return value
}

function readToken(answer: Record<string, unknown>, field: string): string | undefined {
  const token = readText(answer, field)
  if (token !== undefined && !TOKEN.test(token)) throw new TwilioResponseError(`The token answer's ${field} holds characters that no token has.`)
  return token
}

function readTokenType(answer: Record<string, unknown>): string {
  const tokenType = readText(answer, 'token_type') ?? 'Bearer'
  if (tokenType.toLowerCase() !== 'bearer') throw new TwilioResponseError("The token answer's token_type is not bearer, so the token cannot be used.")
  return tokenType
}

/** When a JWT ends by its own word (RFC 7519 §4.1.4), in epoch ms. */
export function expiryOf({ exp }: Claims): number | undefined {
  return typeof exp === 'number' && exp > 0 ? dateOf(exp * 1000) : undefined
}

/** `expires_in` is documented as seconds, but the contract's own example is a moment in epoch ms. */
function readExpiry(expiresIn: unknown): number | undefined {
  const number = typeof expiresIn === 'string' && /^\d+$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  if (typeof number !== 'number' || number <= 0) return undefined
  return dateOf(number > LONGEST_LIFETIME_S ? number : Date.now() + number * 1000)
}

function dateOf(ms: number): number | undefined {
  return ms <= LAST_DATE_MS ? Math.floor(ms) : undefined
}
