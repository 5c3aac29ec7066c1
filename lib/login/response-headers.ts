import type { Request } from 'express'
import { TooManyLoginsError } from './concurrency-limit'

/**
 * Keeps the response out of caches, and the code and the state out of the `Referer` of the next request.
 * Passport does not give the response to a strategy. Express sets `req.res`; plain Connect does not.
 */
export function setPrivacyHeaders({ res }: Request): void {
  if (!res || res.headersSent) return
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('Referrer-Policy', 'no-referrer')
}

export function setRetryAfter({ res }: Request, error: unknown): void {
  if (!(error instanceof TooManyLoginsError) || !res || res.headersSent) return
  res.setHeader('Retry-After', String(error.retryAfter))
}
