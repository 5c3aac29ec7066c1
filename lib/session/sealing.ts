import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** A key for {@link seal}, and the ID that its header carries. */
export interface SealingKey {
  readonly id: string
  readonly key: Uint8Array
}

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Derives a key from a secret (RFC 5869), a different one for each purpose. */
export function sealingKey(secret: string, purpose: string): SealingKey {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', `passport-twilio ${purpose}`, 32))
  return { id: createHash('sha256').update(key).digest('base64url').slice(0, 8), key }
}

/** Encrypts and authenticates JSON: a compact JWE (RFC 7516 §7.1) with `dir` and `A256GCM`. */
export function seal(value: unknown, sealing: SealingKey): string {
  const header = headerOf(sealing)
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, sealing.key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(header))
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
  // The second part is the encrypted key, which `dir` leaves empty.
  return [header, '', ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
}

/** The JSON that was sealed with one of the keys; `undefined` for anything else. */
export function open(sealed: string, keys: readonly SealingKey[]): unknown {
  const [header = '', encryptedKey, ...parts] = sealed.split('.')
  // The header is compared, not parsed: only what seal() writes is accepted.
  const sealing = keys.find((key) => headerOf(key) === header)
  const [iv, ciphertext, tag] = parts.map(decode)
  if (!sealing || encryptedKey !== '' || parts.length !== 3 || iv?.length !== IV_BYTES || !ciphertext || tag?.length !== TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv(ALGORITHM, sealing.key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(header)).setAuthTag(tag)
    const value: unknown = JSON.parse(Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString())
    return value
  } catch {
    return undefined
  }
}

function headerOf({ id }: SealingKey): string {
  return Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: id })).toString('base64url')
}

/** `undefined` for text that isn't canonical base64url. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
