import { createHash, hkdfSync } from 'node:crypto'
import { jose } from '../jose'

/** A key for {@link seal}, and the name that tells it from others. */
export interface SealingKey {
  readonly id: string
  readonly key: Uint8Array
}

/** A key made of a secret (RFC 5869), different for each purpose. */
export function sealingKey(secret: string, purpose: string): SealingKey {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', `passport-twilio ${purpose}`, 32))
  return { id: createHash('sha256').update(key).digest('base64url').slice(0, 8), key }
}

/** JSON, encrypted and proof against change: a compact JWE (RFC 7516) with `dir` and `A256GCM`. */
export function seal(value: unknown, { id, key }: SealingKey): Promise<string> {
  const { CompactEncrypt } = jose()
  const header = { alg: 'dir', enc: 'A256GCM', kid: id }
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(value))).setProtectedHeader(header).encrypt(key)
}

/** What was sealed with one of the keys, and with which; `undefined` for anything else. */
export async function open(sealed: string, keys: readonly SealingKey[]): Promise<{ value: unknown; key: SealingKey } | undefined> {
  if (!isCanonical(sealed)) return undefined
  const { compactDecrypt } = jose()
  try {
    let used: SealingKey | undefined
    const { plaintext } = await compactDecrypt(
      sealed,
      ({ kid }) => {
        used = keys.find(({ id }) => id === kid)
        return used?.key ?? new Uint8Array()
      },
      { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }
    )
    return used && { value: JSON.parse(new TextDecoder().decode(plaintext)), key: used }
  } catch {
    return undefined
  }
}

/** Decoders overlook white space, and the bits of a last character that are not needed: the same bytes could be written in several ways. */
function isCanonical(sealed: string): boolean {
  return sealed.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}
