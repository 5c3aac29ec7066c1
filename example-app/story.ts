import type { RequestHandler } from 'express'
import type { LoggedRequest } from 'passport-twilio/sandbox'
import type { Twilio } from './twilio.ts'

/** One step of a login: who asks whom, for what, and with what. */
export interface Step {
  from: Party
  to: Party
  title: string
  /** As on the wire: `GET /v1/authorize`. */
  request?: string
  /** What goes along, by its real name; secrets are masked. */
  parameters?: Record<string, string>
}

type Party = 'browser' | 'app' | 'twilio'

declare module 'express-session' {
  interface SessionData {
    story?: Step[]
  }
}

const CALLBACK = 'GET /auth/twilio/callback'

/** Every login goes like this. */
export const EVERY_LOGIN: Step[] = [
  { from: 'browser', to: 'app', title: 'You ask to log in', request: 'GET /auth/twilio' },
  { from: 'browser', to: 'twilio', title: 'The app sends you to Twilio' },
  { from: 'browser', to: 'twilio', title: 'You sign in, and approve' },
  { from: 'twilio', to: 'app', title: 'Twilio sends you back, with a code', request: CALLBACK },
  { from: 'app', to: 'twilio', title: 'The app changes the code for tokens' },
  { from: 'app', to: 'browser', title: 'You are in, in a new session that holds the tokens' }
]

/** Puts the story of the login that has just ended into its session. */
export function rememberStory({ sandbox }: Twilio, apiVersion: string): RequestHandler {
  return async (req, _res, next) => {
    const heard = (await sandbox?.requests()) ?? []
    const asked = (method: string, path: string) => heard.findLast((request) => request.method === method && request.path === path)
    const known: (LoggedRequest | undefined)[] = [
      undefined,
      asked('GET', `/${apiVersion}/authorize`),
      asked('POST', '/authorize'),
      undefined,
      asked('POST', `/${apiVersion}/token`)
    ]
    req.session.story = EVERY_LOGIN.map((step, index) => withRequest(step, known[index]))
    const callback = req.session.story.find(({ request }) => request === CALLBACK)
    if (callback) callback.parameters = mask(req.query)
    next()
  }
}

function withRequest(step: Step, request: LoggedRequest | undefined): Step {
  return request ? { ...step, request: `${request.method} ${request.path}`, parameters: request.parameters } : { ...step }
}

function mask(query: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, `${String(value).slice(0, 4)}…`]))
}
