/** The previous owners of a lock, for which the next one waits. */
export class Predecessor {
  #series: string | undefined
  /** When the last lock of this series expires, in elapsed ms. */
  #until = 0
  /** When the last lock of an earlier series expires. Since it wasn't released, it may have been lost while its owner still refreshes. */
  #lostUntil = 0

  get wasSeen(): boolean {
    return this.#series !== undefined
  }

  noteBusy(series: string, until: number): void {
    this.#continue(series)
    this.#until = Math.max(this.#until, until)
  }

  /** Whether all locks that were seen have been released or have expired, given the series of a lock that was acquired. */
  hasFinished(series: string, now: number): boolean {
    this.#continue(series)
    return now >= this.#lostUntil
  }

  hasExpired(now: number): boolean {
    return now >= Math.max(this.#until, this.#lostUntil)
  }

  #continue(series: string): void {
    if (series === this.#series) return
    this.#lostUntil = Math.max(this.#lostUntil, this.#until)
    this.#until = 0
    this.#series = series
  }
}
