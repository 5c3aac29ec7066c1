import { randomBytes } from 'node:crypto'
import type { SandboxApp } from './apps'
import type { AuthorizationRequest } from './authorization-requests'
import { BoundedMap } from '../util/bounded-map'
import type { SandboxPerson } from './people'
import { SandboxError } from './sandbox-error'

/** An authorization request that a person has approved. */
export interface Approval extends AuthorizationRequest {
  readonly person: SandboxPerson
  readonly family: TokenFamily
}

/** All codes and tokens that were issued from one approval. They are revoked together (RFC 6749 §4.1.2, RFC 9700 §4.14.2). */
export interface TokenFamily {
  isRevoked: boolean
}

/** Who can call the API with an access token. */
export interface AccessTokenHolder {
  readonly app: SandboxApp
  /** The account that the token acts for; `undefined` for the organization. */
  readonly accountSid: string | undefined
}

/** An authorization code or a refresh token. */
interface IssuedGrant {
  readonly approval: Approval
  /** Epoch ms. */
  readonly expiresAt: number
  isUsed: boolean
}

interface AccessToken extends AccessTokenHolder {
  readonly family: TokenFamily
  /** Epoch ms. */
  expiresAt: number
}

/** How often each grant succeeded at the token endpoint. */
export interface GrantCounts {
  /** Authorization codes exchanged for tokens. */
  codes: number
  /** Refreshes. */
  refreshes: number
  /** Client credentials grants. */
  clientCredentials: number
  /** Attempts to use an authorization code or a single-use refresh token a second time. They are refused. */
  reuses: number
}

/** Twilio's documented lifetime of an authorization code. */
const CODE_LIFETIME_MS = 5 * 60 * 1000
/** How many codes and tokens of each kind are remembered, so that a sandbox can run for days. */
const MAX_ENTRIES = 50_000

/** The authorization codes and tokens that the sandbox has issued. */
export class Grants {
  readonly counts: GrantCounts = { codes: 0, refreshes: 0, clientCredentials: 0, reuses: 0 }
  readonly #codes = new BoundedMap<string, IssuedGrant>(MAX_ENTRIES)
  readonly #refreshTokens = new BoundedMap<string, IssuedGrant>(MAX_ENTRIES)
  readonly #accessTokens = new BoundedMap<string, AccessToken>(MAX_ENTRIES)

  issueCode(request: AuthorizationRequest, person: SandboxPerson): string {
    const code = randomSecret('code')
    this.#codes.set(code, { approval: { ...request, person, family: { isRevoked: false } }, expiresAt: Date.now() + CODE_LIFETIME_MS, isUsed: false })
    return code
  }

  issueRefreshToken(approval: Approval): string {
    const token = randomSecret('refresh')
    this.#refreshTokens.set(token, { approval, expiresAt: Infinity, isUsed: false })
    return token
  }

  /**
   * Makes an access token valid for the API.
   *
   * @param ttl in seconds
   */
  addAccessToken(token: string, { app, accountSid, family = { isRevoked: false } }: AccessTokenHolder & { readonly family?: TokenFamily }, ttl: number): void {
    this.#accessTokens.set(token, { app, accountSid, family, expiresAt: Date.now() + ttl * 1000 })
  }

  /**
   * Returns what an authorization code was issued for.
   *
   * @throws {SandboxError} `invalid_grant` for a code that is unknown, another app's, already used, revoked or expired
   */
  findCode(code: string, app: SandboxApp): Approval {
    return this.#findValid(this.#codes.get(code), app, 'authorization code')
  }

  /**
   * Returns what a refresh token was issued for.
   *
   * @throws {SandboxError} `invalid_grant` for a token that is unknown, another app's, already used or revoked
   */
  findRefreshToken(token: string, app: SandboxApp): Approval {
    return this.#findValid(this.#refreshTokens.get(token), app, 'refresh token')
  }

  markCodeUsed(code: string): void {
    markUsed(this.#codes.get(code))
  }

  markRefreshTokenUsed(token: string): void {
    markUsed(this.#refreshTokens.get(token))
  }

  /** `undefined` for an access token that is missing, unknown, expired or revoked. */
  holderOf(accessToken: string | undefined): AccessTokenHolder | undefined {
    const token = accessToken === undefined ? undefined : this.#accessTokens.get(accessToken)
    return token && !token.family.isRevoked && token.expiresAt > Date.now() ? token : undefined
  }

  expireAccessTokens(): void {
    for (const token of this.#accessTokens.values()) token.expiresAt = 0
  }

  /** Revokes all codes and tokens of an app. Default: of all apps. */
  revoke(app?: SandboxApp): void {
    const approvals = [...this.#codes.values(), ...this.#refreshTokens.values()].map(({ approval }) => approval)
    for (const issued of [...approvals, ...this.#accessTokens.values()]) {
      if (app === undefined || issued.app === app) issued.family.isRevoked = true
    }
  }

  #findValid(grant: IssuedGrant | undefined, app: SandboxApp, kind: string): Approval {
    if (grant?.approval.app !== app) throw new SandboxError('invalid_grant', `The ${kind} is unknown.`)
    const { approval, expiresAt, isUsed } = grant
    if (isUsed) {
      this.counts.reuses++
      approval.family.isRevoked = true
      throw new SandboxError('invalid_grant', `The ${kind} has already been used. All tokens issued from the same approval are now revoked.`)
    }
    if (approval.family.isRevoked) throw new SandboxError('invalid_grant', `The ${kind} has been revoked.`)
    if (expiresAt <= Date.now()) throw new SandboxError('invalid_grant', `The ${kind} has expired.`)
    return approval
  }
}

function markUsed(grant: IssuedGrant | undefined): void {
  if (grant) grant.isUsed = true
}

function randomSecret(prefix: string): string {
  return `${prefix}-${randomBytes(32).toString('base64url')}`
}
