import { claimsOf, type Claims } from '../oauth/claims'
import { isObject } from '../util/is-object'
import type { TwilioTokens } from '../oauth/tokens'
import { withoutUndefined } from '../util/without-undefined'

/** Tokens as they are put away: without the claims, which the access token tells again. */
export type StoredTokens = Omit<TwilioTokens, 'claims'>

export function toStored({ accessToken, refreshToken, idToken, tokenType, scope, expiresAt }: TwilioTokens): StoredTokens {
  return withoutUndefined<StoredTokens>({ accessToken, refreshToken, idToken, tokenType, scope, expiresAt })
}

/** Tokens from where they were put away, or `undefined` for anything that is not tokens. */
export function fromStored(stored: unknown): TwilioTokens | undefined {
  if (!isStoredTokens(stored)) return undefined
  let claims: Claims | undefined
  return {
    ...stored,
    // Every guarded request comes by here, and few ask what the token says.
    get claims() {
      return (claims ??= claimsOf(stored.accessToken))
    }
  }
}

/** Whether a refresh would spend the same, whatever else is known of them. */
export function areTheSame(one: TwilioTokens, other: TwilioTokens): boolean {
  return one.accessToken === other.accessToken && one.refreshToken === other.refreshToken
}

function isStoredTokens(stored: unknown): stored is StoredTokens {
  if (!isObject(stored)) return false
  const { accessToken, refreshToken, idToken, tokenType, scope, expiresAt } = stored
  return (
    typeof accessToken === 'string' &&
    typeof tokenType === 'string' &&
    isTextOrMissing(refreshToken) &&
    isTextOrMissing(idToken) &&
    isTextOrMissing(scope) &&
    (expiresAt === undefined || typeof expiresAt === 'number')
  )
}

function isTextOrMissing(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
