import type { Request } from 'express'
import { originOf, publicPath } from '../request/original-url'
import { badRequest } from './callback'

/**
 * The callback URL as Twilio needs it: absolute. A path is completed from the request.
 *
 * @throws {AuthorizationError} 400 if the request has no valid host
 */
export function absoluteCallbackURL(callbackURL: string, request: Request, trustProxy: boolean): string {
  if (/^[a-z][a-z\d+.-]*:/i.test(callbackURL)) return callbackURL
  const origin = originOf(request, trustProxy)
  if (origin === undefined) throw badRequest('callbackURL is a path, and the request has no valid host to complete it with. Set callbackURL to an absolute URL.')
  return new URL(publicPath(callbackURL, request, trustProxy), origin).href
}
