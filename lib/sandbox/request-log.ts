import { DIALECTS, type OAuthParameter } from '../dialect'
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

const SECRETS: readonly OAuthParameter[] = ['client_secret', 'code', 'code_verifier', 'refresh_token', 'state', 'code_challenge']
const SECRET_NAMES = new Set([...Object.values(DIALECTS).flatMap(({ parameterNames }) => SECRETS.map((secret) => parameterNames[secret])), 'request'])

export class RequestLog {
  readonly entries: LoggedRequest[] = []

  add({ method, path, query, form, authorization }: SandboxRequest): LoggedRequest {
    const parameters: Record<string, string> = {}
    for (const [name, value] of [...query, ...(form ?? [])]) parameters[name] = SECRET_NAMES.has(name) ? mask(value) : value
    if (authorization !== undefined) parameters.Authorization = 'Bearer …'
    const entry = { method, path, parameters, at: Date.now() }
    this.entries.push(entry)
    if (this.entries.length > LOGGED_MAX) this.entries.shift()
    return entry
  }
}

function mask(secret: string): string {
  return secret.length > 12 ? `${secret.slice(0, 4)}…` : '…'
}
