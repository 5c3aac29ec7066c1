import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
/** In UTF-8, for each of a string's UTF-16 units. */
const MOST_BYTES = 3

/**
 * HMAC-SHA256 (RFC 2104) with one key, in base64url. By Node's one-shot hashes, from text to text: `createHmac` makes a
 * stream for each text, and a hash that is given as a Buffer a Buffer, either of which takes longer than the hashing itself.
 */
export class HmacSHA256 {
  /** The key, padded, and behind it the text. */
  #inner: Buffer
  /** The key, padded, and behind it the hash of the inner. */
  readonly #outer: Buffer

  /** @param key 64 bytes at most */
  constructor(key: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new RangeError(`The key of an HMAC must have ${BLOCK_BYTES} bytes at most.`)
    this.#inner = padded(key, 0x36, 4 * BLOCK_BYTES)
    this.#outer = padded(key, 0x5c, DIGEST_BYTES)
  }

  digest(text: string): string {
    this.#makeRoomFor(text)
    const length = this.#inner.write(text, BLOCK_BYTES)
    this.#outer.write(hash('sha256', this.#inner.subarray(0, BLOCK_BYTES + length)), BLOCK_BYTES, 'hex')
    return hash('sha256', this.#outer, 'base64url')
  }

  #makeRoomFor(text: string): void {
    const needed = BLOCK_BYTES + MOST_BYTES * text.length
    if (needed > this.#inner.length) this.#inner = Buffer.concat([this.#inner.subarray(0, BLOCK_BYTES)], needed)
  }
}

function padded(key: Uint8Array, pad: number, room: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES + room)
  block.fill(pad, 0, BLOCK_BYTES)
  for (const [at, byte] of key.entries()) block[at] = byte ^ pad
  return block
}
