import { createHash, randomBytes } from 'node:crypto'
import { claimsOf, type Claims } from '../oauth/claims'
import type { TwilioTokens } from '../oauth/tokens'
import { isObject } from '../util/is-object'
import { withoutUndefined } from '../util/without-undefined'

/** A login as stored in its session and in its record. */
export interface KeptLogin {
  /** Random. Stays the same through all refreshes. */
  readonly id: string
  /** How many times the tokens have been replaced. Of two copies of a login, the one with the higher generation is newer. */
  readonly generation: number
  /** When Twilio issued the tokens, in epoch ms by this machine's clock. */
  readonly receivedAt: number
  readonly tokens: TwilioTokens
}

export type RefreshableLogin = KeptLogin & { readonly tokens: { readonly refreshToken: string } }

export function newLogin(tokens: TwilioTokens, receivedAt: number): KeptLogin {
  return { id: randomBytes(16).toString('base64url'), generation: 0, receivedAt, tokens }
}

/** The same login with new tokens. Values that the refresh response omits are kept (RFC 6749 §6; OpenID Connect Core §12.2). */
export function withTokens({ id, generation, tokens: { idToken, scope } }: KeptLogin, tokens: TwilioTokens, receivedAt: number): KeptLogin {
  const merged = withoutUndefined<TwilioTokens>({ ...tokens, idToken: tokens.idToken ?? idToken, scope: tokens.scope ?? scope })
  return { id, generation: generation + 1, receivedAt, tokens: merged }
}

export function isRefreshable(login: KeptLogin): login is RefreshableLogin {
  return login.tokens.refreshToken !== undefined
}

export function newerOf<Login extends KeptLogin>(one: Login, other: Login | undefined): Login {
  return other && other.generation > one.generation ? other : one
}

/** The login as JSON. The claims are left out, since the access token holds them. */
export function toJSON({ id, generation, receivedAt, tokens }: KeptLogin): Record<string, unknown> {
  const { accessToken, refreshToken, idToken, tokenType, scope, expiresAt } = tokens
  return withoutUndefined<Record<string, unknown>>({ login: id, generation, receivedAt, accessToken, refreshToken, idToken, tokenType, scope, expiresAt })
}

/** The login in JSON from {@link toJSON}; `undefined` for anything else. */
export function fromJSON(value: unknown): KeptLogin | undefined {
  if (!isObject(value)) return undefined
  const tokens = tokensIn(value)
  if (!tokens) return undefined
  const { login, generation, receivedAt } = value
  // Earlier versions stored the tokens without an ID. It is derived from them, so that it is the same in all processes.
  if (login === undefined) return { id: derivedID(tokens), generation: 0, receivedAt: 0, tokens }
  if (typeof login !== 'string' || login === '' || !isCount(generation) || typeof receivedAt !== 'number') return undefined
  return { id: login, generation, receivedAt, tokens }
}

/** The tokens in `authInfo` or in JSON from a session; `undefined` for anything else. */
export function tokensIn(value: Readonly<Record<string, unknown>>): TwilioTokens | undefined {
  const { accessToken, refreshToken, idToken, tokenType, scope, expiresAt } = value
  if (typeof accessToken !== 'string' || typeof tokenType !== 'string') return undefined
  if (!isTextOrMissing(refreshToken) || !isTextOrMissing(idToken) || !isTextOrMissing(scope)) return undefined
  if (expiresAt !== undefined && typeof expiresAt !== 'number') return undefined
  let claims: Claims | undefined
  return {
    ...withoutUndefined({ accessToken, refreshToken, idToken, tokenType, scope, expiresAt }),
    // Decoded on first use: every guarded request reads the tokens, but few read the claims.
    get claims() {
      return (claims ??= claimsOf(accessToken))
    }
  }
}

function derivedID({ accessToken, refreshToken = '' }: TwilioTokens): string {
  return createHash('sha256').update(`${refreshToken}\n${accessToken}`).digest('base64url')
}

function isTextOrMissing(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/** Whether two sets of tokens come from the same response. */
export function areTheSame(one: TwilioTokens, other: TwilioTokens): boolean {
  return one.accessToken === other.accessToken && one.refreshToken === other.refreshToken
}
