import { randomUUID } from 'node:crypto'
import type { ApiVersion } from '../oauth/dialect'
import type { SandboxApp } from './apps'
import { BoundedMap } from '../util/bounded-map'

/** An app's request for access, which a person approves or denies on the consent page (RFC 6749 §4.1.1). */
export interface AuthorizationRequest {
  readonly app: SandboxApp
  readonly apiVersion: ApiVersion
  readonly redirectURI: string
  /** Space-separated. */
  readonly scope: string
  readonly state: string | undefined
  /** PKCE's S256 challenge (RFC 7636 §4.2). */
  readonly codeChallenge: string | undefined
}

const LIFETIME_MS = 30 * 60 * 1000
/** How many authorization requests may be pending, so that a sandbox can run for days. */
const MAX_ENTRIES = 50_000

/** The authorization requests that wait for a decision. */
export class AuthorizationRequests {
  readonly #pending = new BoundedMap<string, { readonly request: AuthorizationRequest; readonly expiresAt: number }>(MAX_ENTRIES)

  /** @returns the ID of the request */
  add(request: AuthorizationRequest): string {
    const id = randomUUID()
    this.#pending.set(id, { request, expiresAt: Date.now() + LIFETIME_MS })
    return id
  }

  /** `undefined` for a request that is unknown, expired, or already approved or denied. */
  find(id: string): AuthorizationRequest | undefined {
    const pending = this.#pending.get(id)
    return pending && pending.expiresAt > Date.now() ? pending.request : undefined
  }

  /** Finds a request and removes it, so that it can be decided only once. */
  take(id: string): AuthorizationRequest | undefined {
    const request = this.find(id)
    this.#pending.delete(id)
    return request
  }
}
