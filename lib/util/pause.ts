/**
 * Resolves after so many ms; rejects with the signal's reason when that comes first. Not that of `timers/promises`, which
 * would have to be loaded with the package, for what hardly anybody ever waits for.
 *
 * @param isHolding whether the process stays for it; default: `true`
 */
export function pause(ms: number, { signal, isHolding = true }: { readonly signal?: AbortSignal | undefined; readonly isHolding?: boolean } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = () => {
      clearTimeout(timer)
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a signal's reason is its owner's
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    if (!isHolding) timer.unref()
    signal?.addEventListener('abort', abort, { once: true })
  })
}
