import type { IncomingMessage } from 'node:http'

/** Browsers set one of these when they load a page before anyone asks for it. */
const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** Whether a browser loads a page before anyone asks for it, or for a preview. */
export function isPrefetch({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return PURPOSE_HEADERS.some((name) => name in headers && /prefetch|prerender|preview/i.test(String(headers[name])))
}

/** Whether nobody will see the response. Such a request must not begin or finish a login. */
export function isSpeculative(request: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return request.method === 'HEAD' || isPrefetch(request)
}
