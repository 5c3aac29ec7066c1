import type { Request } from 'express'
import { originalPathOf, originOf } from '../request/original-url'
import { badRequest } from './callback'

/**
 * The callback URL as Twilio must be given it. A path is completed from the request.
 *
 * @throws {AuthorizationError} 400 when the request doesn't tell its own address
 */
export function absoluteCallbackURL(callbackURL: string, request: Request, trustProxy: boolean): string {
  if (/^[a-z][a-z\d+.-]*:/i.test(callbackURL)) return callbackURL
  const base = (originOf(request, trustProxy) ?? '') + originalPathOf(request)
  if (!URL.canParse(callbackURL, base)) throw badRequest('The callbackURL is a path, and the request does not tell its own address. Set callbackURL to an absolute URL.')
  return new URL(callbackURL, base).href
}
