import { BoundedMap } from '../util/bounded-map'
import type { TwilioTokens } from '../oauth/tokens'
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
  const newestKey = sealingKey(newest, 'session tokens')
  const opening: readonly SealingKey[] = [newestKey, ...older.map((secret) => sealingKey(secret, 'session tokens'))]
  const opened = new BoundedMap<string, StoredRead>(OPENED_MAX)
  /** All requests that have waited for one refresh put the same tokens away, and find the same in the store. */
  const sealing = new WeakMap<TwilioTokens, Promise<string>>()
  const reading = new Map<string, Promise<StoredRead>>()

  async function sealAnew(tokens: TwilioTokens): Promise<string> {
    try {
      const sealed = await seal(toStored(tokens), newestKey)
      opened.set(sealed, { tokens, isOutdated: false })
      return sealed
    } catch (error) {
      sealing.delete(tokens)
      throw error
    }
  }

  async function readSealed(sealed: string): Promise<StoredRead> {
    const content = await open(sealed, opening)
    const read = { tokens: fromStored(content?.value), isOutdated: content !== undefined && content.key !== newestKey }
    if (read.tokens) opened.set(sealed, read)
    return read
  }

  function readOnce(sealed: string): Promise<StoredRead> {
    const read = reading.get(sealed) ?? readSealed(sealed).finally(() => reading.delete(sealed))
    reading.set(sealed, read)
    return read
  }

  return {
    put(tokens) {
      const sealed = sealing.get(tokens) ?? sealAnew(tokens)
      sealing.set(tokens, sealed)
      return sealed
    },
    read(stored) {
      if (typeof stored !== 'string') return { tokens: fromStored(stored), isOutdated: true }
      return opened.get(stored) ?? readOnce(stored)
    }
  }
}
