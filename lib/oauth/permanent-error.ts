import { TwilioTokenError } from '../errors'

/** RFC 6749 §5.2. */
const PERMANENT = /^(?:invalid_\w+|unauthorized_client|unsupported_grant_type)$/

/** Whether Twilio refused the request and would refuse it again, unlike an error such as throttling, which passes. */
export function isPermanentError(error: unknown): error is TwilioTokenError {
  if (!(error instanceof TwilioTokenError)) return false
  const { code, twilioStatus } = error
  // The name decides first: the status may be wrong, such as 200 with an error in the body.
  return PERMANENT.test(code) || (twilioStatus >= 400 && twilioStatus < 500 && twilioStatus !== 429)
}
