import { TwilioResponseError, TwilioTokenError } from '../errors'
import { isObject } from '../util/is-object'
import { redact, redactURL } from '../util/redact'
import type { HttpResponse } from './http'

/** What an error response says, whichever shape it has. */
export interface ErrorBody {
  /** OAuth 2.0's name of the error. */
  readonly name?: string | undefined
  readonly text?: string | undefined
  /** Twilio's own error code. */
  readonly twilioCode?: number | undefined
  /** The status that the body gives, which may differ from that of the response. */
  readonly status?: number | undefined
  readonly moreInfo?: string | undefined
  /** epoch ms */
  readonly retryAt?: number | undefined
}

/** OAuth 2.0's names (RFC 6749 §5.2, and the two of §4.1.2.1 for a server that cannot respond), where a string contains one. */
const OAUTH_NAMES = /\b(?:invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type|invalid_scope|server_error|temporarily_unavailable)\b/

/** Twilio's error code for an OAuth app that lacks a permission. Its message names the permission. */
export const MISSING_PERMISSION = 70051
export const MISSING_PERMISSION_ADVICE = 'Grant the OAuth app this permission in the Twilio Console.'

const NAMES_BY_TWILIO_CODE: Readonly<Record<number, string>> = {
  20003: 'invalid_client',
  20429: 'temporarily_unavailable',
  20500: 'server_error',
  [MISSING_PERMISSION]: 'unauthorized_client'
}

const ADVICE: Readonly<Record<string, string>> = {
  invalid_client: 'Check clientID and clientSecret against the OAuth app in the Twilio Console.',
  invalid_grant: 'The code or refresh token has been used, has expired or was revoked, or callbackURL differs from the registered redirect URI. Log in again.',
  invalid_request: 'Check callbackURL, scope, apiVersion and the OAuth app in the Twilio Console. If they are right, the code or refresh token may have been used or have expired: log in again.',
  invalid_scope: 'Check scope against what the OAuth app may request.',
  unauthorized_client: "Check the OAuth app's type, grants and permissions in the Twilio Console.",
  unsupported_grant_type: "Check the OAuth app's type and grants in the Twilio Console.",
  temporarily_unavailable: 'Try again later.',
  server_error: 'Twilio has a problem. Try again later.'
}
const PUBLIC_CLIENT_ADVICE = 'No clientSecret is set: set it, unless the OAuth app is a public client. Check clientID too.'
const OTHER_ADVICE = 'Check the request and the OAuth app in the Twilio Console.'

/** Reads an error in OAuth 2.0's shape, Twilio's, or RFC 9457's (problem details). `undefined` for anything else. */
export function readErrorBody(body: unknown): ErrorBody | undefined {
  if (!isObject(body) || typeof body.access_token === 'string') return undefined
  const { error, code, message, type, title, status } = body
  const isOAuthError = typeof error === 'string'
  const isTwilioError = typeof code === 'number' && typeof message === 'string'
  const isProblem = typeof title === 'string' && (typeof type === 'string' || typeof status === 'number')
  if (!isOAuthError && !isTwilioError && !isProblem) return undefined
  return {
    name: textOf(error),
    text: textOf(body.error_description) ?? textOf(message) ?? textOf(body.detail) ?? textOf(title),
    twilioCode: numberOf(code),
    status: numberOf(status),
    moreInfo: textOf(body.more_info) ?? textOf(body.error_uri) ?? textOf(type),
    retryAt: readDateTime(body.throttled_until)
  }
}

/**
 * The error for a response that is not what was requested.
 *
 * @param secrets values of the request that the response may repeat, and the error must not
 */
export function tokenErrorOf(
  response: HttpResponse,
  error: ErrorBody | undefined,
  secrets: readonly (string | undefined)[],
  { isPublicClient = false }: { readonly isPublicClient?: boolean } = {}
): TwilioTokenError | TwilioResponseError {
  if (!error && !isServerProblem(response.status)) {
    return new TwilioResponseError(`Twilio answered ${response.status}, with neither the expected content nor an error. Check baseURL and apiVersion.`)
  }
  const { name, text, twilioCode, moreInfo } = error ?? {}
  const twilioStatus = response.status < 400 ? (error?.status ?? response.status) : response.status
  const safeText = text === undefined ? undefined : redact(text, secrets)
  const code = name === undefined ? (safeText?.match(OAUTH_NAMES)?.[0] ?? nameOf(twilioCode, twilioStatus)) : redact(name, secrets)
  const explanation = safeText === undefined ? '' : `: ${withoutName(safeText, code)}`
  return new TwilioTokenError(`Twilio answered ${response.status} ${code}${explanation}. ${adviceFor(twilioCode, code, isPublicClient)}`, {
    code,
    status: statusForVisitor(response.status, code),
    twilioStatus,
    twilioCode,
    moreInfo: redactURL(moreInfo, secrets),
    retryAt: error?.retryAt ?? readRetryAfter(response.headers['retry-after'])
  })
}

/** Whether a status means throttling or an outage, no matter whether Twilio or a proxy sent it. */
function isServerProblem(status: number): boolean {
  return status === 429 || status >= 500
}

/**
 * The name of an error that Twilio has not named. Never `invalid_grant`, which ends a session: that must not be a guess.
 */
function nameOf(twilioCode: number | undefined, status: number): string {
  const known = twilioCode === undefined ? undefined : NAMES_BY_TWILIO_CODE[twilioCode]
  if (known !== undefined) return known
  if (status === 429) return 'temporarily_unavailable'
  if (status >= 500) return 'server_error'
  if (status === 401) return 'invalid_client'
  return status === 403 ? 'unauthorized_client' : 'invalid_request'
}

/** 4xx only for what the visitor can do something about: a code that is not valid any more, or too many requests. */
function statusForVisitor(status: number, code: string): number {
  const isForVisitor = status === 429 || (code === 'invalid_grant' && status >= 400 && status < 500)
  const isKnownServerError = status >= 500 && status < 600
  return isForVisitor || isKnownServerError ? status : 502
}

function adviceFor(twilioCode: number | undefined, code: string, isPublicClient: boolean): string {
  if (twilioCode === MISSING_PERMISSION) return MISSING_PERMISSION_ADVICE
  if (isPublicClient && code === 'invalid_client') return PUBLIC_CLIENT_ADVICE
  return (Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined) ?? OTHER_ADVICE
}

/** Twilio's message without the error's name at its start and the full stop at its end, which are added elsewhere. */
function withoutName(text: string, code: string): string {
  return (text.startsWith(`${code}: `) ? text.slice(code.length + 2) : text).replace(/\.$/, '')
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** RFC 3339. */
function readDateTime(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/i.test(value) ? dateOf(value) : undefined
}

/** RFC 9110 §10.2.3: a number of seconds, or an HTTP date. */
function readRetryAfter(value = ''): number | undefined {
  if (/^\d{1,9}$/.test(value)) return Date.now() + Number(value) * 1000
  return /^[A-Z][a-z]{2}, .* GMT$/.test(value) ? dateOf(value) : undefined
}

function dateOf(text: string): number | undefined {
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : date
}
