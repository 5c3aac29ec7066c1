import type { IncomingHttpHeaders } from 'node:http'
import { isObject } from '../util/is-object'
import { TwilioResponseError, TwilioTokenError } from '../errors'
import type { HttpAnswer } from './http'
import { redact, redactURL } from '../util/redact'

/** RFC 6749 §5.2, and §4.1.2.1's two for a server in trouble. */
const OAUTH_ERRORS = /\b(?:invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type|invalid_scope|server_error|temporarily_unavailable)\b/

interface ErrorContext {
  /** `grant_type`, which tells what a plain 400 means. */
  readonly grantType: string
  /** What was sent, so that no error repeats it. */
  readonly secrets: readonly (string | undefined)[]
}

/** Whether a JSON body is an error, in OAuth's shape or in Twilio's. */
export function isErrorBody(body: unknown): body is Record<string, unknown> {
  if (!isObject(body) || typeof body.access_token === 'string') return false
  return typeof body.error === 'string' || (typeof body.code === 'number' && typeof body.message === 'string')
}

/** The error that an answer of the token endpoint tells of, in OAuth's shape, in Twilio's, or by its status alone. */
export function tokenErrorOf(answer: HttpAnswer, body: unknown, { grantType, secrets }: ErrorContext): TwilioTokenError | TwilioResponseError {
  const fields = isErrorBody(body) ? body : undefined
  if (!fields && !isTrouble(answer.status)) {
    return new TwilioResponseError(`Twilio answered ${answer.status}, with neither what was asked for nor an error. Check baseURL and apiVersion.`)
  }
  const text = textOf(fields?.error_description) ?? textOf(fields?.message)
  // A status that says success, or that HTTP does not know, cannot be passed on with an error.
  const status = answer.status >= 400 && answer.status < 600 ? answer.status : 502
  // Twilio's shape tells the status that was meant, whatever came with it.
  const meant = answer.status < 400 && typeof fields?.status === 'number' ? fields.status : status
  const code = redact(textOf(fields?.error) ?? text?.match(OAUTH_ERRORS)?.[0] ?? errorForStatus(meant, grantType), secrets)
  const said = text === undefined ? '' : `: ${withoutName(redact(text, secrets), code)}`
  const advice = Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined
  return new TwilioTokenError(`Twilio answered ${answer.status} ${code}${said}. ${advice ?? OTHER_ADVICE}`, {
    code,
    status,
    twilioCode: typeof fields?.code === 'number' ? fields.code : undefined,
    moreInfo: redactURL(textOf(fields?.more_info) ?? textOf(fields?.error_uri), secrets),
    retryAt: readDate(fields?.throttled_until) ?? readRetryAfter(answer.headers)
  })
}

const OTHER_ADVICE = 'Look at what was asked for, and at the OAuth app in the Twilio Console.'
const ADVICE: Readonly<Record<string, string>> = {
  invalid_client: 'Check clientID and clientSecret against the OAuth app in the Twilio Console.',
  invalid_grant: 'The code or refresh token is spent, expired or revoked, or the callbackURL differs from the registered one: log in again.',
  invalid_scope: 'Check scope against what the OAuth app may ask for.',
  temporarily_unavailable: 'Try again later.',
  server_error: 'Twilio is in trouble; try again later.'
}

/** What was said, without the name that stands before it and the full stop after it, which the message has itself. */
function withoutName(text: string, code: string): string {
  return (text.startsWith(`${code}: `) ? text.slice(code.length + 2) : text).replace(/\.$/, '')
}

/** Statuses that speak for themselves, whatever a proxy wrote under them. */
function isTrouble(status: number): boolean {
  return status === 429 || status >= 500
}

function errorForStatus(status: number, grantType: string): string {
  if (status === 429) return 'temporarily_unavailable'
  if (status >= 500) return 'server_error'
  if (status === 401 || status === 403) return 'invalid_client'
  return status === 400 && grantType !== 'client_credentials' ? 'invalid_grant' : 'invalid_request'
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function readDate(value: unknown): number | undefined {
  const date = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(date) ? undefined : date
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function readRetryAfter(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after']
  if (value !== undefined && /^\d{1,9}$/.test(value)) return Date.now() + Number(value) * 1000
  return readDate(value)
}
