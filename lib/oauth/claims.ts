import { isObject } from '../util/is-object'

/** The claims of a JWT, unverified: any of them may be missing or of any type. */
export type Claims = Readonly<Record<string, unknown>>

/** The two readable parts of a JWT. */
export interface DecodedJWT {
  readonly header: Claims
  readonly claims: Claims
}

/** Values nested deeper than this are ignored, so that code that walks through them, such as JSON.stringify, can recurse safely. */
const MAX_DEPTH = 32

/** Decodes a signed JWT (RFC 7519) without verifying its signature. `undefined` for anything else. */
export function decodeJWT(token: string): DecodedJWT | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const header = decodePart(parts[0])
  const claims = decodePart(parts[1])
  return header && claims && { header, claims }
}

/** The claims of a token that may be a JWT; empty for an opaque token. */
export function claimsOf(token: string): Claims {
  const parts = token.split('.')
  return (parts.length === 3 ? decodePart(parts[1]) : undefined) ?? {}
}

/** A claim that is a non-empty string. */
export function textClaim(claims: Claims, name: string): string | undefined {
  const value = claims[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function decodePart(part = ''): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isObject(value) && !isTooDeep(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isTooDeep(value: unknown): boolean {
  return isDeeperThan(MAX_DEPTH, value)
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(depth - 1, inner))
}
