import { BoundedMap } from '../util/bounded-map'
import { fromJSON, toJSON, type KeptLogin } from './kept-login'
import { open, seal, sealingKey } from './sealing'

/** Converts logins to and from the form in which a session stores them. */
export interface LoginCodec {
  encode(login: KeptLogin): unknown
  /** `undefined` if it can't be decoded. */
  decode(stored: unknown): KeptLogin | undefined
}

export const plainCodec: LoginCodec = { encode: toJSON, decode: fromJSON }

/** Maximum number of logins that stay decrypted in memory. */
const MAX_OPENED = 1000

/**
 * Encrypts logins. Most requests find their login decrypted by an earlier one.
 *
 * @param secrets newest first: the newest encrypts, all of them decrypt
 */
export function sealedCodec(secrets: readonly [string, ...string[]]): LoginCodec {
  const [newest, ...older] = secrets
  const sealing = sealingKey(newest, 'session tokens')
  const keys = [sealing, ...older.map((secret) => sealingKey(secret, 'session tokens'))]
  const opened = new BoundedMap<string, unknown>(MAX_OPENED)
  const openOnce = (sealed: string) => {
    if (!opened.has(sealed)) opened.set(sealed, open(sealed, keys))
    return opened.get(sealed)
  }
  return {
    encode: (login) => seal(toJSON(login), sealing),
    // Tokens stored before a secret was set are not encrypted. Their next refresh encrypts them.
    decode: (stored) => fromJSON(typeof stored === 'string' ? openOnce(stored) : stored)
  }
}
