import { isObject } from '../util/is-object'

/** What a JWT says, not yet checked: any claim may be missing or of any type. */
export type Claims = Readonly<Record<string, unknown>>

/** A Twilio Resource Name, taken apart: `trn:REGION:SERVICE:TYPE:SID`. */
export interface TwilioResourceName {
  readonly region: string
  readonly service: string
  readonly type: string
  readonly sid: string
}

/** Claims that nest deeper are a trap for whoever walks through them. */
const DEEPEST = 32

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner))
}

/** What does not open often cannot be deep. */
function hasMoreOpenings(most: number, json: string): boolean {
  let openings = 0
  for (const opening of ['{', '[']) {
    for (let at = json.indexOf(opening); at >= 0; at = json.indexOf(opening, at + 1)) if (++openings > most) return true
  }
  return false
}

function decodePart(part: string | undefined): Record<string, unknown> | undefined {
  if (!part) return undefined
  try {
    const json = Buffer.from(part, 'base64url').toString()
    const value: unknown = JSON.parse(json)
    return isObject(value) && !(hasMoreOpenings(DEEPEST, json) && isDeeperThan(DEEPEST, value)) ? value : undefined
  } catch {
    return undefined
  }
}

/** A JWT, taken apart. */
export interface DecodedJWT {
  readonly header: Claims
  readonly claims: Claims
}

/** The header and the claims of a signed JWT (RFC 7519), without checking its signature; `undefined` for anything else. */
export function decodeJWT(token: string): DecodedJWT | undefined {
  const parts = token.split('.')
  const [encodedHeader = '', encodedClaims] = parts
  if (parts.length !== 3) return undefined
  const header = decodePart(encodedHeader)
  const claims = decodePart(encodedClaims)
  return header && claims && { header, claims }
}

/** The claims of a token that may be a JWT; empty for one that is opaque. */
export function claimsOf(token: string): Claims {
  const parts = token.split('.')
  return (parts.length === 3 ? decodePart(parts[1]) : undefined) ?? {}
}

export function parseResourceName(value: unknown): TwilioResourceName | undefined {
  if (typeof value !== 'string' || !value.startsWith('trn:')) return undefined
  const parts = value.split(':')
  const [, region, service, type, sid] = parts
  if (parts.length !== 5 || region === undefined || !service || !type || !sid) return undefined
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
