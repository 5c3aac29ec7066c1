import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** A key for {@link seal}. */
export interface SealingKey {
  readonly key: Uint8Array
  /** The header that earlier versions wrote with this key. It contains a key ID, which allows a guessed secret to be verified. */
  readonly legacyHeader: string
}

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER = encodeHeader({ alg: 'dir', enc: 'A256GCM' })

/** Derives a key from a secret with HKDF (RFC 5869). Each purpose has a different key. */
export function sealingKey(secret: string, purpose: string): SealingKey {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', `passport-twilio ${purpose}`, 32))
  const kid = createHash('sha256').update(key).digest('base64url').slice(0, 8)
  return { key, legacyHeader: encodeHeader({ alg: 'dir', enc: 'A256GCM', kid }) }
}

/** Encrypts and authenticates JSON: a compact JWE (RFC 7516 §7.1) with `dir` and `A256GCM`. */
export function seal(value: unknown, { key }: SealingKey): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(HEADER))
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
  // The second part is the encrypted key, which `dir` leaves empty.
  return [HEADER, '', ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
}

/** Decrypts JSON that was encrypted with one of the keys; `undefined` for anything else. */
export function open(sealed: string, keys: readonly SealingKey[]): unknown {
  const [header = '', encryptedKey, ...parts] = sealed.split('.')
  const [iv, ciphertext, tag] = parts.map(decode)
  if (encryptedKey !== '' || parts.length !== 3 || iv?.length !== IV_BYTES || !ciphertext || tag?.length !== TAG_BYTES) return undefined
  for (const { key, legacyHeader } of keys) {
    // The header is compared, not parsed: only the headers of this and earlier versions are accepted.
    if (header !== HEADER && header !== legacyHeader) continue
    const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(header)).setAuthTag(tag)
    try {
      const value: unknown = JSON.parse(Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString())
      return value
    } catch {
      // Try the next key.
    }
  }
  return undefined
}

function encodeHeader(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url')
}

/** `undefined` for text that isn't canonical base64url. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
