import { randomBytes, randomUUID } from 'node:crypto'
import type { ApiVersion } from '../oauth/dialect'
import type { SandboxApp, SandboxPerson } from './people'
import { SandboxError } from './twilio-error'

/** What an app asks for, until somebody approves it. */
export interface AuthorizationRequest {
  readonly app: SandboxApp
  readonly apiVersion: ApiVersion
  readonly redirectURI: string
  readonly scope: string
  readonly state: string | undefined
  /** PKCE's S256 challenge. */
  readonly codeChallenge: string | undefined
}

/** All that came of one approval: it is revoked together. */
export interface Family {
  isRevoked: boolean
}

/** What a person has approved. */
export interface Approval extends AuthorizationRequest {
  readonly person: SandboxPerson
  readonly family: Family
}

/** A thing that is good for once. */
interface Once<Content> {
  readonly content: Content
  readonly expiresAt: number
  isSpent: boolean
}

interface AccessToken {
  readonly app: SandboxApp
  readonly person: SandboxPerson | undefined
  readonly family: Family
  expiresAt: number
}

/** How often each grant was carried out. */
export interface GrantCounts {
  /** Codes changed for tokens. */
  codes: number
  /** Refreshes carried out. */
  refreshes: number
  /** Client credentials carried out. */
  clientCredentials: number
  /** Codes and refresh tokens that came again after they had been spent. */
  reuses: number
}

/** Twilio's documented lifetime of a code, in ms. */
const CODE_LIFETIME = 5 * 60 * 1000
const REQUEST_LIFETIME = 30 * 60 * 1000
/** How many of each kind are remembered; the oldest go first. */
const REMEMBERED_MAX = 50_000

/** What is asked for, approved, issued and revoked. Times are in epoch ms. */
export class Grants {
  readonly counts: GrantCounts = { codes: 0, refreshes: 0, clientCredentials: 0, reuses: 0 }
  readonly #requests = new Map<string, Once<AuthorizationRequest>>()
  readonly #codes = new Map<string, Once<Approval>>()
  readonly #refreshTokens = new Map<string, Once<Approval>>()
  readonly #accessTokens = new Map<string, AccessToken>()
  readonly #families = new Set<WeakRef<Family>>()

  /** Keeps what an app asks for, and gives the ID it is found by. */
  ask(request: AuthorizationRequest): string {
    return put(this.#requests, randomUUID(), { content: request, expiresAt: Date.now() + REQUEST_LIFETIME, isSpent: false })
  }

  /** What an app asks for, still to be decided on. */
  asked(id: string): AuthorizationRequest | undefined {
    const request = this.#requests.get(id)
    return request && !request.isSpent && request.expiresAt > Date.now() ? request.content : undefined
  }

  /** As {@link asked}, once. */
  decide(id: string): AuthorizationRequest | undefined {
    const request = this.asked(id)
    this.#requests.delete(id)
    return request
  }

  /** A code for what a person has approved. */
  approve(request: AuthorizationRequest, person: SandboxPerson): string {
    const family = this.#newFamily()
    return put(this.#codes, newSecret('code'), { content: { ...request, person, family }, expiresAt: Date.now() + CODE_LIFETIME, isSpent: false })
  }

  /** @throws {SandboxError} for a code that is unknown, not this app's, used before, or too old */
  spendCode(code: string, app: SandboxApp, check: (approval: Approval) => void): Approval {
    const approval = this.#spend(this.#codes, code, app, 'code', check)
    this.counts.codes++
    return approval
  }

  /** A refresh token for what a person has approved. */
  issueRefreshToken(approval: Approval): string {
    return put(this.#refreshTokens, newSecret('refresh'), { content: approval, expiresAt: Infinity, isSpent: false })
  }

  /** @throws {SandboxError} for a refresh token that is unknown, not this app's, used before, or revoked */
  spendRefreshToken(token: string, app: SandboxApp, { isSingleUse, check }: { isSingleUse: boolean; check: (approval: Approval) => void }): Approval {
    const approval = this.#spend(this.#refreshTokens, token, app, 'refresh token', check)
    const entry = this.#refreshTokens.get(token)
    if (entry) entry.isSpent = isSingleUse
    this.counts.refreshes++
    return approval
  }

  /** Makes an access token known to the API, and gives its ID. */
  issueAccessToken({ app, person, family, lifetime }: { app: SandboxApp; person?: SandboxPerson | undefined; family?: Family | undefined; lifetime: number }): string {
    return put(this.#accessTokens, randomUUID(), { app, person, family: family ?? this.#newFamily(), expiresAt: Date.now() + lifetime * 1000 })
  }

  /** Who may use the API with the access token of this ID; `undefined` where it has ended or was revoked. */
  holderOf(id: unknown): { app: SandboxApp; person: SandboxPerson | undefined } | undefined {
    const token = typeof id === 'string' ? this.#accessTokens.get(id) : undefined
    return token && !token.family.isRevoked && token.expiresAt > Date.now() ? token : undefined
  }

  /** Ends every access token that was issued so far, for the API. */
  expireAccessTokens(): void {
    for (const token of this.#accessTokens.values()) token.expiresAt = 0
  }

  /** Revokes everything that anybody has approved so far. */
  revokeAll(): void {
    for (const reference of this.#families) {
      const family = reference.deref()
      if (family) family.isRevoked = true
    }
    this.#families.clear()
  }

  #newFamily(): Family {
    const family = { isRevoked: false }
    this.#families.add(new WeakRef(family))
    if (this.#families.size > REMEMBERED_MAX) forgetOldest(this.#families)
    return family
  }

  #spend(issued: Map<string, Once<Approval>>, secret: string, app: SandboxApp, what: string, check: (approval: Approval) => void): Approval {
    const entry = issued.get(secret)
    if (entry?.content.app !== app) throw new SandboxError('invalid_grant', `The ${what} is not known.`)
    const { content, expiresAt } = entry
    if (entry.isSpent) {
      this.counts.reuses++
      content.family.isRevoked = true
      throw new SandboxError('invalid_grant', `The ${what} has been used before. Everything that came of it is revoked.`)
    }
    if (content.family.isRevoked) throw new SandboxError('invalid_grant', `The ${what} has been revoked.`)
    if (expiresAt <= Date.now()) throw new SandboxError('invalid_grant', `The ${what} has expired.`)
    check(content)
    entry.isSpent = true
    return content
  }
}

function newSecret(kind: string): string {
  return `${kind}-${randomBytes(32).toString('base64url')}`
}

function put<Value>(map: Map<string, Value>, key: string, value: Value): string {
  map.set(key, value)
  if (map.size > REMEMBERED_MAX) forgetOldest(map)
  return key
}

function forgetOldest<Key>(collection: { keys(): IterableIterator<Key>; delete(key: Key): boolean }): void {
  for (const oldest of collection.keys()) {
    collection.delete(oldest)
    return
  }
}
