import { TwilioResponseError } from '../errors'
import { isObject } from '../util/is-object'
import { withoutUndefined } from '../util/without-undefined'
import { claimsOf, type Claims } from './claims'

/** The tokens that a grant returns. */
export interface TwilioTokens {
  /** Sent to Twilio as `Authorization: Bearer …`. */
  readonly accessToken: string
  /** Exchanged for the next access token. Twilio may accept it only once. */
  readonly refreshToken?: string | undefined
  /** Says who logged in (OpenID Connect Core §2). */
  readonly idToken?: string | undefined
  /** `Bearer`, in whatever case Twilio writes it (RFC 6749 §7.1). */
  readonly tokenType: string
  /** The granted scope, space-separated, if Twilio returned one. */
  readonly scope?: string | undefined
  /** When the access token expires, in epoch ms by this machine's clock; missing if neither the token nor the response says. */
  readonly expiresAt?: number | undefined
  /** The claims of the access token if it is a JWT, else empty. */
  readonly claims: Claims
}

/** No token of Twilio's lives longer than a year: a larger `expires_in` is not a lifetime in seconds. */
const MAX_LIFETIME_S = 365 * 24 * 3600
/** The latest time that a JavaScript Date can represent. */
const MAX_DATE_MS = 8.64e15

/** The characters of a token (RFC 6749 appendix A). Any other could not be sent in an `Authorization` header. */
const TOKEN = /^[\x21-\x7e]+$/

/**
 * Reads a token response (RFC 6749 §5.1; the contract's `oauth.v1.token`), in which every field may be null.
 *
 * @param refreshToken the one used in the request, kept if the response has no new one
 * @throws {TwilioResponseError} naming the field that cannot be used
 */
export function readTokens(response: unknown, refreshToken?: string): TwilioTokens {
  if (!isObject(response)) throw new TwilioResponseError('The token response is not a JSON object. Check baseURL and any proxy in between.')
  const accessToken = readToken(response, 'access_token')
  if (accessToken === undefined) throw new TwilioResponseError('The token response has no access_token. Check baseURL and any proxy in between.')
  const claims = claimsOf(accessToken)
  return withoutUndefined<TwilioTokens>({
    accessToken,
    refreshToken: readToken(response, 'refresh_token') ?? refreshToken,
    idToken: readToken(response, 'id_token'),
    tokenType: readTokenType(response),
    scope: readScope(response),
    expiresAt: expiryOf(response.expires_in, claims),
    claims
  })
}

function readText(response: Record<string, unknown>, field: string): string | undefined {
  const value = response[field]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new TwilioResponseError(`The token response's ${field} is not a string.`)
  return value
}

function readToken(response: Record<string, unknown>, field: string): string | undefined {
  const token = readText(response, field)
  if (token !== undefined && !TOKEN.test(token)) throw new TwilioResponseError(`The token response's ${field} contains characters that are not allowed in a token.`)
  return token
}

function readTokenType(response: Record<string, unknown>): string {
  const tokenType = readText(response, 'token_type') ?? 'Bearer'
  if (tokenType.toLowerCase() !== 'bearer') throw new TwilioResponseError("The token response's token_type is not bearer, so the token cannot be used.")
  return tokenType
}

/** A space-separated string (RFC 6749 §3.3), or an array of such strings. */
function readScope(response: Record<string, unknown>): string | undefined {
  const { scope } = response
  const isList = Array.isArray(scope) && scope.every((part) => typeof part === 'string')
  return readText({ scope: isList ? scope.join(' ') : scope }, 'scope')
}

/**
 * When the access token expires, in epoch ms. A lifetime counted from now comes first, since it holds even if this
 * machine's clock and Twilio's differ.
 */
function expiryOf(expiresIn: unknown, { iat, exp }: Claims): number | undefined {
  const expires = positive(typeof expiresIn === 'string' && /^\d+$/.test(expiresIn) ? Number(expiresIn) : expiresIn)
  const issuedAt = positive(iat)
  const expiresAt = positive(exp)
  const lifetime = expiresAt !== undefined && issuedAt !== undefined ? expiresAt - issuedAt : undefined
  if (isLifetime(expires)) return Math.floor(Date.now() + expires * 1000)
  if (isLifetime(lifetime)) return Math.floor(Date.now() + lifetime * 1000)
  // The contract documents expires_in in seconds, but its example is a date in epoch ms.
  return dateOf(expiresAt === undefined ? undefined : expiresAt * 1000) ?? dateOf(expires)
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

function isLifetime(seconds: number | undefined): seconds is number {
  return seconds !== undefined && seconds > 0 && seconds <= MAX_LIFETIME_S
}

function dateOf(ms: number | undefined): number | undefined {
  return ms !== undefined && ms <= MAX_DATE_MS ? Math.floor(ms) : undefined
}
