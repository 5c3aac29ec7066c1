import { subscribe } from 'node:diagnostics_channel'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { createApp, type AppSettings } from './app'

/** Runs apps in a separate process, and reports the errors that reach their error handlers. */

export type Command = { readonly id: number; readonly open: AppSettings } | { readonly id: number; readonly close: true }

export type Report = { readonly id: number; readonly url: string } | { readonly id: number; readonly error: ReportedError }

/** An error as an app would log it. */
export interface ReportedError {
  readonly kind: string
  readonly status: unknown
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** Everything that a logger could print of it. */
  readonly printed: string
}

/** What is published is searched for secrets, with the rest of the output. */
for (const name of ['login', 'token', 'refresh', 'logout'].map((event) => `passport-twilio:${event}`)) {
  subscribe(name, (message) => process.stdout.write(`${name} ${describe(message).printed}\n`))
}

const servers = new Map<number, Server>()

process.on('message', (command: Command) => {
  if ('close' in command) {
    const server = servers.get(command.id)
    server?.close()
    server?.closeAllConnections()
    servers.delete(command.id)
    return
  }
  void open(command.id, command.open)
})

async function open(id: number, settings: AppSettings): Promise<void> {
  const server = createServer()
  servers.set(id, server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('request', await createApp(settings, url, (error) => report({ id, error: describe(error) })))
  report({ id, url })
}

function report(message: Report): void {
  process.send?.(message)
}

function describe(error: unknown): ReportedError {
  const fields = Object.fromEntries(Object.entries(typeof error === 'object' && error !== null ? error : {}).filter(([, value]) => typeof value !== 'object'))
  const { message, stack, status, cause, constructor } = error instanceof Error ? (error as Error & { status?: unknown }) : { message: String(error), stack: '', status: undefined, cause: undefined, constructor: Object }
  const everything = inspect(error, { depth: null, showHidden: true, maxStringLength: Infinity, maxArrayLength: null })
  return { kind: constructor.name, status, message, fields, printed: [message, stack, inspect(cause, { depth: null, maxStringLength: Infinity }), everything, JSON.stringify(fields), ...bytesIn(error)].join('\n') }
}

/** The contents of all buffers in an error, as text. They could contain a secret, even if most loggers don't print them as text. */
function bytesIn(value: unknown, visited = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null || visited.has(value)) return []
  visited.add(value)
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()]
  return Object.values(Object.getOwnPropertyDescriptors(value)).flatMap(({ value: inner }: PropertyDescriptor) => bytesIn(inner, visited))
}
