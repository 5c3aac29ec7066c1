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
  const trusted = isBehindTrustedProxy(request, trustProxy)
  const forwardedProto = trusted ? firstOf(headers['x-forwarded-proto']) : undefined
  const host = (trusted ? firstOf(headers['x-forwarded-host']) : undefined) ?? authorityOf(headers)
  const origin = `${forwardedProto ?? (isEncrypted(request.socket) ? 'https' : 'http')}://${host ?? ''}`
  // URL would accept `a/b` or `user@host` as a host.
  return /^https?:\/\/[^\s/?#@\\]+$/.test(origin) && URL.canParse(origin) ? new URL(origin).origin : undefined
}

/** The path and query that the browser requested, wherever the app is mounted, and with the prefix that a trusted proxy has stripped. */
export function originalPathOf(request: AddressedRequest, trustProxy = false): string {
  return publicPath(receivedPathOf(request), request, trustProxy)
}

/** The path and query that the app received, wherever it is mounted. Unlike {@link originalPathOf}, no header changes it. */
export function receivedPathOf({ originalUrl, url }: AddressedRequest): string {
  return typeof originalUrl === 'string' ? originalUrl : (url ?? '/')
}

/** A path of the app as the browser sees it: with the `X-Forwarded-Prefix` of a trusted proxy, unless the path already begins with it. */
export function publicPath(path: string, request: AddressedRequest, trustProxy = false): string {
  const prefix = isBehindTrustedProxy(request, trustProxy) ? prefixOf(request.headers['x-forwarded-prefix']) : ''
  const hasPrefix = path.startsWith(prefix) && /^(?:$|[/?#])/.test(path.slice(prefix.length))
  return hasPrefix || !path.startsWith('/') ? path : prefix + path
}

/** A plain path without a slash at its end, or nothing. */
function prefixOf(header: string | string[] | undefined): string {
  const prefix = String(header ?? '').trim().replace(/\/$/, '')
  return /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/.test(prefix) ? prefix : ''
}

/** HTTP/2 has a pseudo-header instead of `Host` (RFC 9113 §8.3.1). */
function authorityOf(headers: IncomingHttpHeaders): string | undefined {
  const authority = headers[':authority']
  return typeof authority === 'string' ? authority : headers.host
}

function isBehindTrustedProxy(request: AddressedRequest, trustProxy: boolean): boolean {
  return trustProxy || trustsProxy(request)
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
