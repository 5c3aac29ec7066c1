import { LRUCache } from '../lru-cache'
import type { TwilioTokens } from '../tokens'
import { fromStored, toStored, type StoredTokens } from './stored-tokens'
import { open, seal, sealingKey, type SealingKey } from './sealing'

/** Where in the session the tokens are. */
export const SESSION_KEY = 'twilioTokens'

/** Tokens in a session: how they are put there, and read again. */
export interface TokenVault {
  /** What to keep in the session for these tokens. */
  put(tokens: TwilioTokens): StoredTokens | Promise<string>
  /** The tokens that something in the session stands for; at once where no work is needed. */
  read(stored: unknown): StoredRead | Promise<StoredRead>
}

export interface StoredRead {
  /** `undefined` for something that cannot be read. */
  readonly tokens: TwilioTokens | undefined
  /** Whether it should be put away anew: in the clear, or sealed with an older secret. */
  readonly isOutdated: boolean
}

export const plainVault: TokenVault = {
  put: toStored,
  read: (stored) => ({ tokens: fromStored(stored), isOutdated: false })
}

/** How many opened tokens are kept in memory, so that a session is not decrypted at each request. */
const OPENED_MAX = 1000

/** @param secrets newest first; the newest seals, all of them open */
export function sealedVault(secrets: readonly [string, ...string[]]): TokenVault {
  const [newest, ...older] = secrets
  const sealing = sealingKey(newest, 'session tokens')
  const opening: readonly SealingKey[] = [sealing, ...older.map((secret) => sealingKey(secret, 'session tokens'))]
  const opened = new LRUCache<StoredRead>(OPENED_MAX)

  async function readSealed(sealed: string): Promise<StoredRead> {
    const content = await open(sealed, opening)
    const read = { tokens: fromStored(content?.value), isOutdated: content !== undefined && content.key !== sealing }
    if (read.tokens) opened.set(sealed, read)
    return read
  }

  return {
    async put(tokens) {
      const sealed = await seal(toStored(tokens), sealing)
      opened.set(sealed, { tokens, isOutdated: false })
      return sealed
    },
    read(stored) {
      if (typeof stored !== 'string') return { tokens: fromStored(stored), isOutdated: true }
      return opened.get(stored) ?? readSealed(stored)
    }
  }
}
