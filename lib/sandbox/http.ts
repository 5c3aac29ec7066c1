import { STATUS_CODES } from 'node:http'
import type { HTML } from './html'
import { SandboxError } from './sandbox-error'

/** An HTTP request, read completely. */
export interface SandboxRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** The parsed body; `undefined` unless it is form-encoded. */
  readonly form: URLSearchParams | undefined
  /** The `Authorization` header. */
  readonly authorization: string | undefined
}

/** An HTTP response, not sent yet. */
export interface SandboxResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Handlers by HTTP method. */
export type Methods = Readonly<Record<string, (request: SandboxRequest) => SandboxResponse>>

/** The CORS headers that the contract documents for both OAuth endpoints. */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
  'Access-Control-Allow-Headers': 'Content-Type, Authorization'
} as const

export function jsonResponse(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): SandboxResponse {
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers }, body: JSON.stringify(value) }
}

export function htmlResponse(status: number, page: HTML, headers: Readonly<Record<string, string>> = {}): SandboxResponse {
  return { status, headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', ...headers }, body: page.markup }
}

export function redirectResponse(location: string): SandboxResponse {
  return { status: 302, headers: { Location: location, 'Cache-Control': 'no-store' }, body: '' }
}

/** The two formats of Twilio's errors: Twilio's own, and problem details (RFC 9457), which its newer APIs send. */
export type ErrorFormat = 'twilio' | 'problem details'

/** An error in one of Twilio's formats. */
export function errorResponse(error: SandboxError, format: ErrorFormat = 'twilio'): SandboxResponse {
  return format === 'twilio' ? twilioErrorResponse(error) : problemResponse(error)
}

/** RFC 9457 §3. */
function problemResponse({ code, message, status }: SandboxError): SandboxResponse {
  const problem = { type: errorPage(code), title: STATUS_CODES[status] ?? 'Error', status, code, detail: message }
  return jsonResponse(status, problem, { 'Content-Type': 'application/problem+json' })
}

/** An error in Twilio's own JSON format. */
export function twilioErrorResponse({ code, message, status }: SandboxError, extraFields: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}): SandboxResponse {
  return jsonResponse(status, { code, message, more_info: errorPage(code), status, ...extraFields }, headers)
}

function errorPage(code: number): string {
  return `https://www.twilio.com/docs/errors/${code}`
}

/** @throws {SandboxError} `method_not_allowed`, and whatever the handler throws */
export function handleMethod(methods: Methods, request: SandboxRequest): SandboxResponse {
  const handle = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
  if (!handle) throw new SandboxError('method_not_allowed', `${request.method} is not allowed here.`)
  return handle(request)
}
