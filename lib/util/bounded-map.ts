/** A map of at most `maxSize` entries: adding one more removes the entry that was set longest ago. */
export class BoundedMap<Key, Value> {
  readonly #maxSize: number
  readonly #entries = new Map<Key, Value>()

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  get size(): number {
    return this.#entries.size
  }

  has(key: Key): boolean {
    return this.#entries.has(key)
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)
  }

  set(key: Key, value: Value): void {
    // A Map keeps the place of a key that is set again; deleting it first makes it the newest.
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#maxSize) this.#deleteOldest()
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key)
  }

  #deleteOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key)
      return
    }
  }
}
