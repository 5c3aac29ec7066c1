import type { IncomingMessage } from 'node:http'

/** Browsers set one of these when they load a page before anybody asks for it. */
const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** Whether nobody will see the answer to a request: a HEAD request, a prefetch or a link preview. It must not begin or finish a login. */
export function isSpeculative({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return method === 'HEAD' || PURPOSE_HEADERS.some((name) => name in headers && /prefetch|prerender|preview/i.test(String(headers[name])))
}
