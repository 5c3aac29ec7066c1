/** Loaded into the example app's process with `--import`. Reports its heap size, active resources and problems to the soak test. */

export interface Report {
  /** Bytes after garbage collection; the median of several measurements. */
  readonly heap: number
  /** The types of the resources that keep the process alive. */
  readonly resources: readonly string[]
}

export type FromApp = { readonly problem: string } | { readonly report: Report }

const COLLECTIONS = 5

function send(message: FromApp): void {
  process.send?.(message)
}

async function report(): Promise<Report> {
  const heaps: number[] = []
  for (let collection = 0; collection < COLLECTIONS; collection++) {
    globalThis.gc?.()
    // Objects released by finalizers and weak references are only collected the next time.
    await new Promise((resolve) => setImmediate(resolve))
    heaps.push(process.memoryUsage().heapUsed)
  }
  const [median = 0] = heaps.sort((one, other) => one - other).slice(COLLECTIONS >> 1)
  return { heap: median, resources: process.getActiveResourcesInfo() }
}

process.on('warning', (warning) => {
  // The saboteur has the token endpoint refuse the app, which the app must report.
  if (!warning.message.startsWith('Twilio refuses to refresh tokens')) send({ problem: `warning: ${warning.stack ?? warning.message}` })
})
// Also called for unhandled rejections. The process still crashes, as it would without this listener.
process.on('uncaughtExceptionMonitor', (error, origin) => send({ problem: `${origin}: ${error.stack ?? error.message}` }))
process.on('message', (message) => {
  if (message === 'report') void report().then((made) => send({ report: made }))
})
