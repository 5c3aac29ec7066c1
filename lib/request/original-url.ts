import type { IncomingHttpHeaders } from 'node:http'

/** The parts of a request that contain its URL. */
export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders
  readonly url?: string | undefined
  readonly originalUrl?: unknown
  readonly socket?: unknown
  readonly app?: unknown
}

/** The origin that the browser sees, or `undefined` if the request has no valid host. `X-Forwarded-*` headers are used only if proxies are trusted. */
export function originOf(request: AddressedRequest, trustProxy: boolean): string | undefined {
  const { headers } = request
  const trusted = trustProxy || trustsProxy(request)
  const forwardedProto = trusted ? firstOf(headers['x-forwarded-proto']) : undefined
  const host = (trusted ? firstOf(headers['x-forwarded-host']) : undefined) ?? headers.host
  const origin = `${forwardedProto ?? (isEncrypted(request.socket) ? 'https' : 'http')}://${host ?? ''}`
  // URL would accept `a/b` or `user@host` as a host.
  return /^https?:\/\/[^\s/?#@\\]+$/.test(origin) && URL.canParse(origin) ? new URL(origin).origin : undefined
}

/** The path and query that the browser requested, wherever the app is mounted. */
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

/** Express's `trust proxy` setting, which may depend on the proxy's address. */
function trustsProxy({ app, socket }: AddressedRequest): boolean {
  if (typeof app !== 'function' || !('get' in app) || typeof app.get !== 'function') return false
  const get = app.get.bind(app) as (setting: string) => unknown
  const trusts = get('trust proxy fn')
  return Boolean(isFunction(trusts) ? trusts(remoteAddressOf(socket), 0) : get('trust proxy'))
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function'
}

function remoteAddressOf(socket: unknown): unknown {
  return typeof socket === 'object' && socket !== null && 'remoteAddress' in socket ? socket.remoteAddress : undefined
}
