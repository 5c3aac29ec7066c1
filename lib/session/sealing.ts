import { createHash, hkdfSync, randomBytes, webcrypto } from 'node:crypto'

/** A key for {@link seal}, and the name that tells it from others. */
export interface SealingKey {
  readonly id: string
  readonly key: Uint8Array<ArrayBuffer>
}

const IV_BYTES = 12
const TAG_BYTES = 16

/** A key made of a secret (RFC 5869), different for each purpose. */
export function sealingKey(secret: string, purpose: string): SealingKey {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', `passport-twilio ${purpose}`, 32))
  return { id: createHash('sha256').update(key).digest('base64url').slice(0, 8), key }
}

/** JSON, encrypted and proof against change: a compact JWE (RFC 7516 §7.1) with `dir` and `A256GCM`. */
export async function seal(value: unknown, sealing: SealingKey): Promise<string> {
  const header = headerOf(sealing)
  const iv = new Uint8Array(randomBytes(IV_BYTES))
  const encrypted = Buffer.from(await webcrypto.subtle.encrypt(cipher(iv, header), await aesKey(sealing, 'encrypt'), utf8(JSON.stringify(value))))
  // With `dir`, there is no encrypted key.
  return [header, '', base64url(iv), base64url(encrypted.subarray(0, -TAG_BYTES)), base64url(encrypted.subarray(-TAG_BYTES))].join('.')
}

/** What was sealed with one of the keys, and with which; `undefined` for anything else. */
export async function open(sealed: string, keys: readonly SealingKey[]): Promise<{ value: unknown; key: SealingKey } | undefined> {
  const [header = '', encryptedKey, iv = '', ciphertext = '', tag = '', ...more] = sealed.split('.')
  // Nothing in the header is believed: it must be, to the letter, what seal() writes.
  const key = keys.find((one) => headerOf(one) === header)
  if (!key || encryptedKey !== '' || more.length > 0) return undefined
  try {
    const encrypted = new Uint8Array([...bytes(ciphertext), ...bytes(tag, TAG_BYTES)])
    const text = await webcrypto.subtle.decrypt(cipher(bytes(iv, IV_BYTES), header), await aesKey(key, 'decrypt'), encrypted)
    return { value: JSON.parse(Buffer.from(text).toString()), key }
  } catch {
    return undefined
  }
}

function headerOf({ id }: SealingKey): string {
  return base64url(utf8(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: id })))
}

function cipher(iv: Uint8Array<ArrayBuffer>, header: string) {
  return { name: 'AES-GCM', iv, additionalData: utf8(header), tagLength: TAG_BYTES * 8 }
}

function aesKey({ key }: SealingKey, use: 'encrypt' | 'decrypt') {
  return webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, [use])
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

function base64url(data: Uint8Array): string {
  return Buffer.from(data).toString('base64url')
}

/** @throws {RangeError} for anything that is not exactly what base64url() writes of that many bytes */
function bytes(text: string, length?: number): Uint8Array<ArrayBuffer> {
  const decoded = new Uint8Array(Buffer.from(text, 'base64url'))
  if (base64url(decoded) !== text || (length !== undefined && decoded.length !== length)) throw new RangeError('This was not sealed here.')
  return decoded
}
