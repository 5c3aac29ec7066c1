import type { Clock } from '../util/clock'

/** The code of a warning. It stays the same if the message is reworded. docs/errors.md explains each code. */
export type TwilioWarningCode =
  | 'WARN_TWILIO_TOKENS_UNREADABLE'
  | 'WARN_TWILIO_TOKENS_NOT_KEPT'
  | 'WARN_TWILIO_TOKENS_STALE'
  | 'WARN_TWILIO_REFRESH_REFUSED'
  | 'WARN_TWILIO_REFRESHES_FAILING'
  | 'WARN_TWILIO_EXPIRE_FAILED'
  | 'WARN_TWILIO_RECORD_UNREADABLE'
  | 'WARN_TWILIO_RECORDS_UNAVAILABLE'
  | 'WARN_TWILIO_RECORDS_IN_MEMORY'
  | 'WARN_TWILIO_TOKENS_NOT_ENCRYPTED'
  | 'WARN_TWILIO_REFRESHING_ALONE'
  | 'WARN_TWILIO_LOGOUT_NOT_RECORDED'
  | 'WARN_TWILIO_SESSION_STORE_FAILED'

/** Reports something to the app's operator. */
export type Warn = (message: string, code: TwilioWarningCode) => void

/** ms after which a warning of the same kind is reported again. */
const REPEAT_AFTER = 60 * 60 * 1000

/**
 * Passes on the first warning of each kind in an hour. So a problem that affects every request doesn't fill the log, and one that
 * lasts is reported again.
 */
export function limitWarnings(report: (message: string, code: TwilioWarningCode) => unknown, clock: Pick<Clock, 'elapsed'>): Warn {
  const reportedAt = new Map<TwilioWarningCode, number>()
  return (message, code) => {
    const last = reportedAt.get(code)
    const now = clock.elapsed()
    if (last !== undefined && now - last < REPEAT_AFTER) return
    reportedAt.set(code, now)
    // A function that fails must neither stop a logout nor end the process.
    try {
      Promise.resolve(report(message, code)).catch(() => emitWarning(message, code))
    } catch {
      emitWarning(message, code)
    }
  }
}

export function emitWarning(message: string, code: TwilioWarningCode): void {
  process.emitWarning(message, { type: 'PassportTwilioWarning', code })
}
