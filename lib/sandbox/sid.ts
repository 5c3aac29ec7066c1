import { randomBytes } from 'node:crypto'

/** A random SID: a two-letter prefix and 32 hex digits. */
export function newSID(prefix: string): string {
  return prefix + randomBytes(16).toString('hex')
}
