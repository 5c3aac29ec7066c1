import { createHmac, hkdfSync } from 'node:crypto'

/** Hashes strings, in base64url. Without the key, nobody can compute or check a hash. */
export type KeyedHash = (...values: readonly string[]) => string

/** HMAC-SHA256 with a key that is derived from the secret (RFC 5869), different for each purpose. */
export function keyedHash(secret: string, purpose: string): KeyedHash {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', `passport-twilio ${purpose}`, 32))
  return (...values) => createHmac('sha256', key).update(JSON.stringify(values)).digest('base64url')
}
