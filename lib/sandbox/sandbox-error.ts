/** The HTTP status and Twilio's error code for each error, by its OAuth name where there is one (RFC 6749 §5.2). */
const ERRORS = {
  invalid_request: { status: 400, code: 20001 },
  invalid_grant: { status: 400, code: 20001 },
  unauthorized_client: { status: 400, code: 20001 },
  invalid_scope: { status: 400, code: 20001 },
  unsupported_grant_type: { status: 400, code: 20001 },
  unsupported_response_type: { status: 400, code: 20001 },
  invalid_client: { status: 401, code: 20003 },
  invalid_token: { status: 401, code: 20003 },
  missing_permission: { status: 401, code: 70051 },
  forbidden: { status: 403, code: 20003 },
  not_found: { status: 404, code: 20404 },
  method_not_allowed: { status: 405, code: 20004 },
  temporarily_unavailable: { status: 429, code: 20429 },
  server_error: { status: 500, code: 20500 }
} as const

/** An error that the sandbox reports to its client. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  /** The HTTP status of the response. */
  readonly status: number
  /** Twilio's error code. */
  readonly code: number

  constructor(error: keyof typeof ERRORS, description: string) {
    // The words that apps look for are Twilio's own.
    super(error === 'missing_permission' ? description : `${error}: ${description}`)
    const { status, code } = ERRORS[error]
    this.status = status
    this.code = code
  }
}
