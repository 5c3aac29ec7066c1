import { DIALECTS, type OAuthParameter } from '../oauth/dialect'
import type { SandboxRequest } from './reply'

/** A request that came in. What is secret in it is masked. */
export interface LoggedRequest {
  /** As in `GET`. */
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Of the query and of the form, by the names they came with; `Authorization` too. */
  readonly parameters: Readonly<Record<string, string>>
  /** Epoch ms. */
  readonly at: number
  /** Of the answer; missing while there is none. */
  status?: number
}

const LOGGED_MAX = 1000

/** Nothing is shown of what holds for long. */
const LASTING = namesOf('client_secret', 'refresh_token')
/** What is good for once shows its beginning, by which it is known again when it comes back. */
const ONCE = new Set([...namesOf('code', 'code_verifier', 'state', 'code_challenge'), 'request'])

export class RequestLog {
  readonly entries: LoggedRequest[] = []

  add({ method, path, query, form, authorization }: SandboxRequest): LoggedRequest {
    const parameters: Record<string, string> = {}
    for (const [name, value] of [...query, ...(form ?? [])]) parameters[name] = shown(name, value)
    if (authorization !== undefined) parameters.Authorization = 'Bearer …'
    const entry = { method, path, parameters, at: Date.now() }
    this.entries.push(entry)
    if (this.entries.length > LOGGED_MAX) this.entries.shift()
    return entry
  }
}

function namesOf(...parameters: readonly OAuthParameter[]): Set<string> {
  return new Set(Object.values(DIALECTS).flatMap(({ parameterNames }) => parameters.map((parameter) => parameterNames[parameter])))
}

function shown(name: string, value: string): string {
  if (LASTING.has(name)) return '…'
  if (!ONCE.has(name)) return value
  return value.length > 12 ? `${value.slice(0, 4)}…` : '…'
}
