import { randomFillSync } from 'node:crypto'

/** For some hundred logins. */
const POOL_BYTES = 4096
const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * Fills the buffer with random bytes, from an offset to its end. They are fetched for many at a time, as Node does for
 * `randomUUID()`: to ask the system for a few takes about as long as to ask it for thousands.
 */
export function fillRandomly(buffer: Uint8Array, offset = 0): void {
  const wanted = buffer.length - offset
  if (used + wanted > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  buffer.set(pool.subarray(used, (used += wanted)), offset)
}
