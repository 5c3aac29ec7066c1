import { fromJSON, toJSON, type KeptLogin } from './kept-login'
import { open, seal, sealingKey } from './sealing'

/** Converts logins to and from the form in which a session stores them. */
export interface LoginCodec {
  encode(login: KeptLogin): unknown
  /** `undefined` if it can't be decoded. */
  decode(stored: unknown): KeptLogin | undefined
}

export const plainCodec: LoginCodec = { encode: toJSON, decode: fromJSON }

/**
 * Encrypts logins.
 *
 * @param secrets newest first: the newest encrypts, all of them decrypt
 */
export function sealedCodec(secrets: readonly [string, ...string[]]): LoginCodec {
  const [newest, ...older] = secrets
  const sealing = sealingKey(newest, 'session tokens')
  const keys = [sealing, ...older.map((secret) => sealingKey(secret, 'session tokens'))]
  return {
    encode: (login) => seal(toJSON(login), sealing),
    // Tokens stored before a secret was set are not encrypted. Their next refresh encrypts them.
    decode: (stored) => fromJSON(typeof stored === 'string' ? open(stored, keys) : stored)
  }
}
