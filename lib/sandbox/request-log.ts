import { DIALECTS, type OAuthParameter } from '../oauth/dialect'
import type { SandboxRequest, SandboxResponse } from './http'
import { reasonIn } from './refusal'

/** A request that the sandbox received, with secrets masked. */
export interface LoggedRequest {
  /** The HTTP method, such as `GET`. */
  readonly method: string
  /** The path, without the query. */
  readonly path: string
  /** The parameters of the query and of the form, by the names they were sent with, and `Authorization` if that header was sent. */
  readonly parameters: Readonly<Record<string, string>>
  /** When the request was received, in epoch ms. */
  readonly at: number
  /** The HTTP status of the response; missing until there is one. */
  status?: number
  /** Why the request was refused. */
  error?: string
}

const MAX_ENTRIES = 1000

/** Long-lived secrets are masked completely. */
const LONG_LIVED = namesOf('client_secret', 'refresh_token')
/** Single-use values keep their first characters, so that they can be told apart in the log. */
const SINGLE_USE = new Set([...namesOf('code', 'code_verifier', 'state', 'code_challenge'), 'request'])

export class RequestLog {
  /** Oldest first. */
  readonly entries: LoggedRequest[] = []
  /** Called with each request once it is answered. */
  onRequest: ((request: LoggedRequest) => void) | undefined

  add({ method, path, query, form, authorization }: SandboxRequest): LoggedRequest {
    const parameters: Record<string, string> = {}
    for (const [name, value] of [...query, ...(form ?? [])]) parameters[name] = mask(name, value)
    if (authorization !== undefined) parameters.Authorization = 'Bearer …'
    const entry = { method, path, parameters, at: Date.now() }
    this.entries.push(entry)
    if (this.entries.length > MAX_ENTRIES) this.entries.shift()
    return entry
  }

  /** @param content `undefined` if the request gets no response */
  answered(entry: LoggedRequest, content?: SandboxResponse): void {
    const reason = content && reasonIn(content)
    if (reason !== undefined) entry.error = reason
    this.onRequest?.(entry)
  }
}

/** One line about a request, such as `POST /v1/token GrantType=refresh_token ClientSecret=… → 401 invalid_client: …`. */
export function describeRequest({ method, path, parameters, status, error }: LoggedRequest): string {
  const sent = Object.entries(parameters).map((pair) => ` ${pair.join('=')}`).join('')
  const outcome = status === undefined ? 'no response' : [status, error].filter((part) => part !== undefined).join(' ')
  return printable(`${method} ${path}${sent} → ${outcome}`)
}

/** Without line breaks and control characters, which could forge a line or control the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}+/gu, ' ')
}

/** The names of OAuth parameters in every version. */
function namesOf(...parameters: readonly OAuthParameter[]): Set<string> {
  return new Set(Object.values(DIALECTS).flatMap(({ parameterNames }) => parameters.map((parameter) => parameterNames[parameter])))
}

function mask(name: string, value: string): string {
  if (LONG_LIVED.has(name)) return '…'
  if (!SINGLE_USE.has(name)) return value
  return value.length > 12 ? `${value.slice(0, 4)}…` : '…'
}
