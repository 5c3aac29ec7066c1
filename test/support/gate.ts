/** A promise that a test settles by hand. */
export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export function gate(): Gate {
  let open: (() => void) | undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open?.() }
}

/** Lets everything through when so many wait for it. */
export function turnstile(count: number): () => Promise<void> {
  const { opened, open } = gate()
  let waiting = 0
  return () => {
    if (++waiting >= count) open()
    return opened
  }
}

/** Waits until something holds, without a fixed pause. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
