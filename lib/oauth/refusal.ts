import { TwilioTokenError } from '../errors'

/** RFC 6749 §5.2. */
const REFUSALS = /^(?:invalid_\w+|unauthorized_client|unsupported_grant_type)$/

/** Whether Twilio said no, and would say so again; not that it is too busy, or in trouble. */
export function isRefusal(error: unknown): error is TwilioTokenError {
  if (!(error instanceof TwilioTokenError)) return false
  // The name comes first: where Twilio says no with 200, the status is one that stands for a bad answer.
  return REFUSALS.test(error.code) || (error.status >= 400 && error.status < 500 && error.status !== 429)
}
