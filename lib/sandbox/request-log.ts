import { DIALECTS, type OAuthParameter } from '../oauth/dialect'
import type { SandboxRequest } from './http'

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
}

const MAX_ENTRIES = 1000

/** Long-lived secrets are masked completely. */
const LONG_LIVED = namesOf('client_secret', 'refresh_token')
/** Single-use values keep their first characters, so that they can be told apart in the log. */
const SINGLE_USE = new Set([...namesOf('code', 'code_verifier', 'state', 'code_challenge'), 'request'])

export class RequestLog {
  /** Oldest first. */
  readonly entries: LoggedRequest[] = []

  add({ method, path, query, form, authorization }: SandboxRequest): LoggedRequest {
    const parameters: Record<string, string> = {}
    for (const [name, value] of [...query, ...(form ?? [])]) parameters[name] = mask(name, value)
    if (authorization !== undefined) parameters.Authorization = 'Bearer …'
    const entry = { method, path, parameters, at: Date.now() }
    this.entries.push(entry)
    if (this.entries.length > MAX_ENTRIES) this.entries.shift()
    return entry
  }
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
