const MAX_ENTRIES = 50_000

/** A `Map` that drops its oldest entries, so that a sandbox can run for days without filling up the memory. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  override set(key: Key, value: Value): this {
    super.set(key, value)
    if (this.size > MAX_ENTRIES) this.#deleteOldest()
    return this
  }

  #deleteOldest(): void {
    for (const oldest of this.keys()) {
      this.delete(oldest)
      return
    }
  }
}
