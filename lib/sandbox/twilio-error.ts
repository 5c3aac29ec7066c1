import { jsonReply, type Reply } from './reply'

/** The errors the sandbox knows, by OAuth's names where it has one: the status, and Twilio's number. */
const ERRORS = {
  invalid_request: [400, 20001],
  invalid_grant: [400, 20001],
  invalid_scope: [400, 20001],
  unsupported_grant_type: [400, 20001],
  unsupported_response_type: [400, 20001],
  invalid_client: [401, 20003],
  invalid_token: [401, 20003],
  not_found: [404, 20404],
  method_not_allowed: [405, 20004],
  temporarily_unavailable: [429, 20429],
  server_error: [500, 20500]
} as const

export type SandboxErrorName = keyof typeof ERRORS

/** A refusal, in Twilio's own shape. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  readonly error: SandboxErrorName

  constructor(error: SandboxErrorName, message: string) {
    super(message)
    this.error = error
  }
}

export function errorReply({ error, message }: SandboxError, extra: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}): Reply {
  const [status, code] = ERRORS[error]
  const body = { code, message: `${error}: ${message}`, more_info: `https://www.twilio.com/docs/errors/${code}`, status, ...extra }
  return jsonReply(status, body, headers)
}
