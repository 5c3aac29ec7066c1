import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import type { RequestHandler } from 'express'
import type { DiagnosticsMessages } from 'passport-twilio'
import { pino } from 'pino'

const requestIDs = new AsyncLocalStorage<string>()

/** Writes one JSON object per line to stderr. What is logged during a request has the request's ID. */
export const log = pino(
  {
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
    mixin: () => ({ requestID: requestIDs.getStore() })
  },
  pino.destination({ dest: process.stderr.fd, sync: true })
)

/** Gives each request an ID. Error pages show it, so that what a visitor reports can be found in the log. */
export const requestID: RequestHandler = (_req, res, next) => {
  const id = randomBytes(6).toString('hex')
  res.locals.requestID = id
  res.set('X-Request-ID', id)
  requestIDs.run(id, next)
}

/** What the package publishes on its diagnostics channels. No message contains a token, code or secret. */
type TwilioEvent = DiagnosticsMessages[keyof DiagnosticsMessages] & { error?: unknown }

const EVENTS = ['login', 'token', 'refresh', 'logout'] as const

/** Logs when each login begins and ends, each call to Twilio's token endpoint, each refresh and each logout. */
export function logTwilioEvents(): void {
  for (const event of EVENTS) {
    subscribe(`passport-twilio:${event}`, (message) => {
      const { error, ...details } = message as TwilioEvent
      log[error === undefined ? 'info' : 'warn']({ event: `twilio.${event}`, ...details, err: error })
    })
  }
}
