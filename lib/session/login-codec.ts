import { fromJSON, toJSON, type KeptLogin } from './kept-login'
import { open, seal, sealingKey } from './sealing'

/** How a login is written into a session. */
export interface LoginCodec {
  encode(login: KeptLogin): unknown
  /** `undefined` for what can't be read. */
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
    // Tokens from before there was a secret are read as they are, and encrypted at their next refresh.
    decode: (stored) => fromJSON(typeof stored === 'string' ? open(stored, keys) : stored)
  }
}
