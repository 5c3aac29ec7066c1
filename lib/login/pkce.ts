import { createHash, randomBytes } from 'node:crypto'
import { keyedHash } from './keyed-hash'

/** A PKCE code verifier (RFC 7636 §4.1): 43 characters with 256 bits of entropy. */
export function newCodeVerifier(): string {
  return randomBytes(32).toString('base64url')
}

/** The S256 code challenge of a code verifier (RFC 7636 §4.2). */
export function codeChallengeOf(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier).digest('base64url')
}

/**
 * Code verifiers that need not be stored: each is derived from the ID of its login, the session that began it, and the secret.
 * The ID is public, as part of `state`. The session's secret is known to the browser and the app alone.
 */
export function codeVerifiers(secret: string): (loginID: string, sessionSecret: string) => string {
  return keyedHash(secret, 'code_verifier')
}
