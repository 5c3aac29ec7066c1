import { LRUCache } from './lru-cache'

/** What a JWT says, not yet checked: any claim may be missing or of any type. */
export type Claims = Readonly<Record<string, unknown>>

/** A Twilio Resource Name, taken apart: `trn:REGION:SERVICE:TYPE:SID`. */
export interface TwilioResourceName {
  readonly region: string
  readonly service: string
  readonly type: string
  readonly sid: string
}

/** An own object without prototype tricks: not null, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Claims that nest deeper are a trap for whoever walks through them. */
const DEEPEST = 32

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner))
}

function decodePart(part: string | undefined): Record<string, unknown> | undefined {
  if (!part) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isObject(value) && !isDeeperThan(DEEPEST, value) ? value : undefined
  } catch {
    return undefined
  }
}

/** A JWT, taken apart. */
export interface DecodedJWT {
  readonly header: Claims
  readonly claims: Claims
}

/** What is longer is decoded anew each time: it is not worth the memory. */
const LONGEST_KNOWN = 8192

/** The tokens of one issuer share their header. */
const knownHeaders = new LRUCache<Claims>(16)

function decodeHeader(part: string | undefined): Claims | undefined {
  if (!part || part.length > LONGEST_KNOWN) return decodePart(part)
  const known = knownHeaders.get(part)
  if (known) return known
  const header = decodePart(part)
  if (header) knownHeaders.set(part, header)
  return header
}

/** The header and the claims of a signed JWT (RFC 7519), without checking its signature; `undefined` for anything else. */
export function decodeJWT(token: string): DecodedJWT | undefined {
  const [encodedHeader, encodedClaims, signature, ...rest] = token.split('.')
  if (signature === undefined || rest.length > 0) return undefined
  const header = decodeHeader(encodedHeader)
  const claims = decodePart(encodedClaims)
  return header && claims && { header, claims }
}

/** A session's access token is asked for its claims at each request, and they never change. */
const knownClaims = new LRUCache<Claims>(1000)

/** The claims of a token that may be a JWT; empty for one that is opaque. */
export function claimsOf(token: string): Claims {
  const known = knownClaims.get(token)
  if (known) return known
  const claims = decodeJWT(token)?.claims ?? {}
  if (token.length <= LONGEST_KNOWN) knownClaims.set(token, claims)
  return claims
}

export function parseResourceName(value: unknown): TwilioResourceName | undefined {
  if (typeof value !== 'string') return undefined
  const [prefix, region, service, type, sid, ...rest] = value.split(':')
  if (prefix !== 'trn' || region === undefined || !service || !type || !sid || rest.length > 0) return undefined
  return { region, service, type, sid }
}

/** A claim that is text, and not empty. */
export function textClaim(claims: Claims, name: string): string | undefined {
  const value = claims[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whom the token acts for: the account or organization that approved the app. */
export function actingFor(claims: Claims): TwilioResourceName | undefined {
  const actor = claims.act
  return parseResourceName(isObject(actor) ? actor.sub : undefined) ?? parseResourceName(claims['urn:tw:iam_ctx'])
}

/** The SID in a resource name, if it is of the wanted kind (`AC…` an account, `OR…` an organization, `US…` a user). */
export function sidOf(name: TwilioResourceName | undefined, prefix: 'AC' | 'OR' | 'US'): string | undefined {
  return name?.sid.startsWith(prefix) ? name.sid : undefined
}

/** The account that a token belongs to, as its claims say. */
export function accountSidOf(claims: Claims): string | undefined {
  return sidOf(actingFor(claims), 'AC')
}
