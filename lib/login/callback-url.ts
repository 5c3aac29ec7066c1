import type { Request } from 'express'
import { originalPathOf, originOf } from '../request/original-url'
import { badRequest } from './callback'

/**
 * The callback URL as Twilio needs it: absolute. A path is completed from the request.
 *
 * @throws {AuthorizationError} 400 if the request has no valid host
 */
export function absoluteCallbackURL(callbackURL: string, request: Request, trustProxy: boolean): string {
  if (/^[a-z][a-z\d+.-]*:/i.test(callbackURL)) return callbackURL
  const base = (originOf(request, trustProxy) ?? '') + originalPathOf(request)
  if (!URL.canParse(callbackURL, base)) throw badRequest('callbackURL is a path, and the request has no valid Host header to complete it with. Set callbackURL to an absolute URL.')
  return new URL(callbackURL, base).href
}
