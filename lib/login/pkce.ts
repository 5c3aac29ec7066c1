import { createHash, randomBytes } from 'node:crypto'

/** A PKCE code verifier (RFC 7636 §4.1): 43 characters with 256 bits of entropy. */
export function newCodeVerifier(): string {
  return randomBytes(32).toString('base64url')
}

/** The S256 code challenge of a code verifier (RFC 7636 §4.2). */
export function codeChallengeOf(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier).digest('base64url')
}
