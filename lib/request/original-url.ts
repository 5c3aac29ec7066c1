import type { IncomingHttpHeaders } from 'node:http'

/** What tells where a request was sent to. */
export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders
  readonly url?: string | undefined
  readonly originalUrl?: unknown
  readonly socket?: unknown
  readonly app?: unknown
}

/** The origin that the browser sees, or `undefined` where the request does not tell. Proxies' headers count only where they are trusted. */
export function originOf(request: AddressedRequest, trustProxy: boolean): string | undefined {
  const { headers } = request
  const trusted = trustProxy || trustsProxy(request)
  const forwardedProto = trusted ? firstOf(headers['x-forwarded-proto']) : undefined
  const host = (trusted ? firstOf(headers['x-forwarded-host']) : undefined) ?? headers.host
  const origin = `${forwardedProto ?? (isEncrypted(request.socket) ? 'https' : 'http')}://${host ?? ''}`
  // A URL would take more for a host than is one: `a/b`, `user@host`.
  return /^https?:\/\/[^\s/?#@\\]+$/.test(origin) && URL.canParse(origin) ? new URL(origin).origin : undefined
}

/** The path and query that the browser asked for, whatever the app is mounted under. */
export function originalPathOf({ originalUrl, url }: AddressedRequest): string {
  return typeof originalUrl === 'string' ? originalUrl : (url ?? '/')
}

function firstOf(header: string | string[] | undefined): string | undefined {
  const [first] = String(header ?? '').split(',', 1)
  return first === undefined || first === '' ? undefined : first.trim().toLowerCase()
}

function isEncrypted(socket: unknown): boolean {
  return typeof socket === 'object' && socket !== null && 'encrypted' in socket && socket.encrypted === true
}

/** Express's own setting, asked as Express asks it: it may trust some addresses and not others. */
function trustsProxy({ app, socket }: AddressedRequest): boolean {
  if (typeof app !== 'function' || !('get' in app) || typeof app.get !== 'function') return false
  const get = app.get.bind(app) as (setting: string) => unknown
  const trusts = get('trust proxy fn')
  return Boolean(isFunction(trusts) ? trusts(peerOf(socket), 0) : get('trust proxy'))
}

function isFunction(value: unknown): value is (...given: unknown[]) => unknown {
  return typeof value === 'function'
}

function peerOf(socket: unknown): unknown {
  return typeof socket === 'object' && socket !== null && 'remoteAddress' in socket ? socket.remoteAddress : undefined
}
