import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { createApp, type AppSettings } from './app'

/** Apps in a process of their own, each of which tells what its error handler was given. */

export type Order = { readonly id: number; readonly open: AppSettings } | { readonly id: number; readonly close: true }

export type Report = { readonly id: number; readonly url: string } | { readonly id: number; readonly error: ToldError }

/** An error as an app would log it. */
export interface ToldError {
  readonly kind: string
  readonly status: unknown
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** All that a logger could make of it. */
  readonly told: string
}

const servers = new Map<number, Server>()

process.on('message', (order: Order) => {
  if ('close' in order) {
    const server = servers.get(order.id)
    server?.close()
    server?.closeAllConnections()
    servers.delete(order.id)
    return
  }
  void open(order.id, order.open)
})

async function open(id: number, settings: AppSettings): Promise<void> {
  const server = createServer()
  servers.set(id, server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('request', await createApp(settings, url, (error) => report({ id, error: tell(error) })))
  report({ id, url })
}

function report(message: Report): void {
  process.send?.(message)
}

function tell(error: unknown): ToldError {
  const fields = Object.fromEntries(Object.entries(typeof error === 'object' && error !== null ? error : {}).filter(([, value]) => typeof value !== 'object'))
  const { message, stack, status, cause, constructor } = error instanceof Error ? (error as Error & { status?: unknown }) : { message: String(error), stack: '', status: undefined, cause: undefined, constructor: Object }
  const everything = inspect(error, { depth: null, showHidden: true, maxStringLength: Infinity, maxArrayLength: null })
  return { kind: constructor.name, status, message, fields, told: [message, stack, inspect(cause, { depth: null, maxStringLength: Infinity }), everything, JSON.stringify(fields), ...bytesIn(error)].join('\n') }
}

/** Bytes that hang on an error, as text: no logger shows them as such, but they are there for one that does. */
function bytesIn(value: unknown, known = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null || known.has(value)) return []
  known.add(value)
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()]
  return Object.values(Object.getOwnPropertyDescriptors(value)).flatMap(({ value: inner }: PropertyDescriptor) => bytesIn(inner, known))
}
