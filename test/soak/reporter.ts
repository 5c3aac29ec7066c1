/** Loaded into the example app's process beside it (`--import`): tells the soak what that process holds, and what troubles it had. */

export interface Report {
  /** Bytes after garbage collection: the median of several. */
  readonly heap: number
  /** What keeps the process alive, by its kind. */
  readonly resources: readonly string[]
}

export type FromApp = { readonly trouble: string } | { readonly report: Report }

const COLLECTIONS = 5

function tell(message: FromApp): void {
  process.send?.(message)
}

async function report(): Promise<Report> {
  const heaps: number[] = []
  for (let collection = 0; collection < COLLECTIONS; collection++) {
    globalThis.gc?.()
    // What finalizers and weak references let go is collected the next time.
    await new Promise((resolve) => setImmediate(resolve))
    heaps.push(process.memoryUsage().heapUsed)
  }
  const [median = 0] = heaps.sort((one, other) => one - other).slice(COLLECTIONS >> 1)
  return { heap: median, resources: process.getActiveResourcesInfo() }
}

process.on('warning', (warning) => tell({ trouble: `warning: ${warning.stack ?? warning.message}` }))
// An unhandled rejection comes here too. The process then ends, as it would without this.
process.on('uncaughtExceptionMonitor', (error, origin) => tell({ trouble: `${origin}: ${error.stack ?? error.message}` }))
process.on('message', (message) => {
  if (message === 'report') void report().then((made) => tell({ report: made }))
})
