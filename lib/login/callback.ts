import { parse } from 'node:querystring'
import { AuthorizationError } from 'passport-oauth2'
import { isObject } from '../util/is-object'

/** What Twilio sent back with the browser (RFC 6749 §4.1.2), each at most once, as text. */
export interface Callback {
  readonly code?: string
  readonly state?: string
  readonly error?: string
  readonly error_description?: string
  readonly error_uri?: string
}

/** A request as Connect has it; a parsed `query` and `body` where there are any. */
export interface CallbackRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly query?: unknown
  readonly body?: unknown
}

type CallbackParameter = keyof Callback

/** Lower case as documented for v2; capitalized as v1 names everything else. */
const PARAMETERS: Readonly<Record<string, CallbackParameter>> = {
  code: 'code',
  Code: 'code',
  state: 'state',
  State: 'state',
  error: 'error',
  Error: 'error',
  error_description: 'error_description',
  ErrorDescription: 'error_description',
  error_uri: 'error_uri',
  ErrorUri: 'error_uri'
}

const LONGEST_VALUE = 8192

/** RFC 6749 appendix A: what a code, a state and an error may be made of. */
const VISIBLE = /^[\x20-\x7e]+$/

/**
 * The callback in a request, or `undefined` for a request that begins a login: one with neither code nor error.
 *
 * @throws {AuthorizationError} 400 for a parameter that comes twice, or is no plain text
 */
export function readCallback(request: CallbackRequest): Callback | undefined {
  const callback: Partial<Record<CallbackParameter, string>> = {}
  let damage: string | undefined
  for (const given of parametersOf(request)) {
    for (const name of Object.keys(given)) {
      const bare = withoutBrackets(name)
      const parameter = Object.hasOwn(PARAMETERS, bare) ? PARAMETERS[bare] : undefined
      if (!parameter) continue
      const value = given[name]
      const isText = typeof value === 'string' && bare === name
      if (!isText || callback[parameter] !== undefined) damage ??= `${parameter} comes more than once, or is not plain text`
      else if (value.length > LONGEST_VALUE) damage ??= `${parameter} is longer than ${LONGEST_VALUE} characters`
      else if ((parameter === 'code' || parameter === 'state' || parameter === 'error') && !VISIBLE.test(value)) damage ??= `${parameter} is empty, or holds characters that none has`
      callback[parameter] = isText ? value : ''
    }
  }
  if (callback.code === undefined && callback.error === undefined) return undefined
  if (callback.code !== undefined && callback.error !== undefined) damage ??= 'it has both code and error'
  if (damage !== undefined) throw badCallback(damage)
  return callback
}

/** What no browser that Twilio has sent back would ask. */
export function badCallback(why: string): AuthorizationError {
  return badRequest(`This is not a callback from Twilio: ${why}. Start the login again.`)
}

/** A request that cannot be understood. */
export function badRequest(message: string): AuthorizationError {
  return new AuthorizationError(message, 'invalid_request', undefined, 400)
}

/** `code[]` and `code[a]`, which some frameworks take for more than one `code`. */
function withoutBrackets(name: string): string {
  const bracket = name.indexOf('[')
  return bracket < 0 ? name : name.slice(0, bracket)
}

function parametersOf({ method, url, query, body }: CallbackRequest): readonly Readonly<Record<string, unknown>>[] {
  // The address itself, since what frameworks make of it differs, down to nothing at all.
  const question = url?.indexOf('?') ?? -1
  const inAddress = question < 0 ? query : parse(url?.slice(question + 1) ?? '', '&', '=', { maxKeys: 0 })
  const inBody = method === 'POST' ? body : undefined
  return [inAddress, inBody].filter(isObject)
}
