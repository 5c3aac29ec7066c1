import { createHmac, hkdfSync } from 'node:crypto'

/** Hashes texts, in base64url. Nobody without the key can tell or check a hash. */
export type KeyedHash = (...texts: readonly string[]) => string

/** HMAC-SHA256 with a key that is derived from the secret (RFC 5869), different for each purpose. */
export function keyedHash(secret: string, purpose: string): KeyedHash {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', `passport-twilio ${purpose}`, 32))
  return (...texts) => createHmac('sha256', key).update(JSON.stringify(texts)).digest('base64url')
}
