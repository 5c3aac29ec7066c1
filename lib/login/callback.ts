import type { IncomingHttpHeaders } from 'node:http'
import { parse } from 'node:querystring'
import type { AuthorizationError } from 'passport-oauth2'
import { authorizationError } from '../errors'
import { isObject } from '../util/is-object'
import { redact, redactURL } from '../util/redact'

/** The parameters that Twilio sends back with the browser (RFC 6749 §4.1.2). */
export interface Callback {
  readonly code?: string
  readonly state?: string
  readonly error?: string
  readonly error_description?: string
  readonly error_uri?: string
}

/** A request as Connect has it, with a parsed `query` and `body` if there are any. */
export interface CallbackRequest {
  readonly headers?: IncomingHttpHeaders | undefined
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly query?: unknown
  readonly body?: unknown
}

type CallbackParameter = keyof Callback

/** v2 documents them in lower case. v1 capitalizes all other names. */
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

const MAX_LENGTH = 8192

/** The characters that `code`, `state` and `error` may contain (RFC 6749 appendix A). */
const PRINTABLE = /^[\x20-\x7e]+$/

/**
 * Reads the callback from a request. A request with neither `code` nor `error` is not a callback (`undefined`): it begins a login.
 * A POST is a callback only if its body is the form of `response_mode=form_post`.
 *
 * @throws {AuthorizationError} 400 if a parameter is repeated or is not a string
 */
export function readCallback(request: CallbackRequest): Callback | undefined {
  const callback: Partial<Record<CallbackParameter, string>> = {}
  let problem: string | undefined
  for (const parameters of parametersOf(request)) {
    for (const name of Object.keys(parameters)) {
      const bareName = withoutBrackets(name)
      const parameter = parameterNamed(bareName)
      if (!parameter) continue
      const value = parameters[name]
      const isText = typeof value === 'string' && bareName === name
      if (!isText || callback[parameter] !== undefined) problem ??= `${parameter} is repeated, or is not a string`
      else if (value.length > MAX_LENGTH) problem ??= `${parameter} is longer than ${MAX_LENGTH} characters`
      else if ((parameter === 'code' || parameter === 'state' || parameter === 'error') && !PRINTABLE.test(value)) problem ??= `${parameter} is empty or contains invalid characters`
      callback[parameter] = isText ? value : ''
    }
  }
  if (callback.code === undefined && callback.error === undefined) return undefined
  if (callback.code !== undefined && callback.error !== undefined) problem ??= 'it has both code and error'
  if (problem !== undefined) throw badRequest(`This is not a callback from Twilio: ${problem}. Start the login again.`)
  return callback
}

/**
 * Why the person did not approve (`access_denied`), which is a failure of the login and not an error (RFC 6749 §4.1.2.1).
 *
 * @throws {AuthorizationError} for anything else that Twilio reports
 */
export function denialMessageOf(callback: Callback): string {
  if (callback.error !== 'access_denied') throw authorizationErrorOf(callback)
  return redact(callback.error_description ?? '', []) || 'Access was not approved.'
}

/** The error that a callback reports (RFC 6749 §4.1.2.1). */
export function authorizationErrorOf({ error = '', error_description: description, error_uri: uri }: Callback): AuthorizationError {
  const code = redact(error, [])
  const reason = description === undefined || description === '' ? '' : `: ${redact(description, [])}`
  return authorizationError(`Twilio refused the login with ${code}${reason}.`, { code, uri: redactURL(uri, []) })
}

/** A request that is malformed. */
export function badRequest(message: string): AuthorizationError {
  return authorizationError(message, { code: 'invalid_request', status: 400 })
}

/** Some frameworks parse `code[]` and `code[a]` as a `code` with several values. */
function withoutBrackets(name: string): string {
  const bracket = name.indexOf('[')
  return bracket < 0 ? name : name.slice(0, bracket)
}

function parameterNamed(bareName: string): CallbackParameter | undefined {
  return Object.hasOwn(PARAMETERS, bareName) ? PARAMETERS[bareName] : undefined
}

function parametersOf(request: CallbackRequest): readonly Readonly<Record<string, unknown>>[] {
  const { method, url, query, body } = request
  const isPost = method === 'POST'
  if (isPost && !isFormPost(request)) return []
  // Frameworks parse the query differently, or not at all.
  const questionMark = url?.indexOf('?') ?? -1
  const inURL = questionMark < 0 ? query : parse(url?.slice(questionMark + 1) ?? '', '&', '=', { maxKeys: 0 })
  return [inURL, isPost ? body : undefined].filter(isObject)
}

/** Whether the body is the form that OAuth 2.0 Form Post Response Mode describes. Another form may have a field named `code`. */
function isFormPost({ headers, body }: CallbackRequest): boolean {
  const [contentType = ''] = (headers?.['content-type'] ?? '').split(';', 1)
  if (!isObject(body) || contentType.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return false
  const parameters = Object.keys(body).map((name) => parameterNamed(withoutBrackets(name)))
  return parameters.includes('state') && (parameters.includes('code') || parameters.includes('error'))
}
