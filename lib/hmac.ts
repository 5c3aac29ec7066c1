import { hash } from 'node:crypto'

const BLOCK_BYTES = 64

/**
 * HMAC-SHA256 (RFC 2104) with one key, for short texts. By Node's one-shot hashes: `createHmac` makes a stream for each
 * text, which takes far longer than the hashing itself.
 */
export class HmacSHA256 {
  readonly #innerKey: Buffer
  readonly #outerKey: Buffer

  /** @param key 64 bytes at most */
  constructor(key: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new RangeError(`The key of an HMAC must have ${BLOCK_BYTES} bytes at most.`)
    this.#innerKey = padded(key, 0x36)
    this.#outerKey = padded(key, 0x5c)
  }

  digest(text: string): Buffer {
    const inner = hash('sha256', Buffer.concat([this.#innerKey, Buffer.from(text)]), 'buffer')
    return hash('sha256', Buffer.concat([this.#outerKey, inner]), 'buffer')
  }
}

function padded(key: Uint8Array, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, pad)
  for (const [at, byte] of key.entries()) block[at] = byte ^ pad
  return block
}
