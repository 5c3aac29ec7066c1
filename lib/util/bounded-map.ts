/** A `Map` of at most `maxSize` entries: one more removes the entry that was set longest ago. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #maxSize: number

  constructor(maxSize: number) {
    super()
    this.#maxSize = maxSize
  }

  override set(key: Key, value: Value): this {
    // A Map keeps the place of a key that is set again; deleting it first makes it the newest.
    this.delete(key)
    super.set(key, value)
    if (this.size > this.#maxSize) this.#deleteOldest()
    return this
  }

  #deleteOldest(): void {
    for (const key of this.keys()) {
      this.delete(key)
      return
    }
  }
}
