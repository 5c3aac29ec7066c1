import type { Request, RequestHandler } from 'express'
import type { TwilioTokens } from 'passport-twilio'
import type { LoggedRequest } from 'passport-twilio/sandbox'
import type { Twilio } from './twilio.ts'

/** One step of a login: who speaks to whom, what for, and in which words. */
export interface Step {
  from: Party
  to: Party
  title: string
  why: string
  /** As on the wire: `GET /v1/authorize`. */
  line?: string
  /** What goes along, by its real name; secrets are masked. */
  parameters?: Record<string, string>
}

type Party = 'browser' | 'app' | 'twilio'

/** What is known of a step, once it has happened. */
type Seen = Pick<Step, 'line' | 'parameters'>

declare module 'express-session' {
  interface SessionData {
    story?: Step[]
  }
}

/** Every login goes like this. */
export const EVERY_LOGIN = {
  asked: { from: 'browser', to: 'app', title: 'You ask to log in', why: 'The app makes up a one-time state, by which it will know this login again.', line: 'GET /auth/twilio' },
  sent: { from: 'browser', to: 'twilio', title: 'The app sends you to Twilio', why: 'Twilio learns which app asks, for what, and where you are to come back to.' },
  approved: { from: 'browser', to: 'twilio', title: 'You sign in, and approve', why: "On Twilio's own page: the app never sees your password." },
  cameBack: { from: 'browser', to: 'app', title: 'You come back, with a code', why: 'The code works once, and for five minutes. The app takes it only with the state that it made up.', line: 'GET /auth/twilio/callback' },
  exchanged: { from: 'app', to: 'twilio', title: 'The app changes the code for tokens', why: 'The code is worth nothing without the secret of the app.' },
  answered: { from: 'twilio', to: 'app', title: 'Twilio answers with tokens', why: 'One to call Twilio with for an hour, one to renew it with, and one that says who you are.' },
  done: { from: 'app', to: 'browser', title: 'You are in', why: 'A new session begins. The tokens stay in it, on the server: your browser gets none of them.' }
} satisfies Record<string, Step>

/** Puts the story of the login that has just ended into its session. Goes behind `tokens.keep()`. */
export function rememberStory({ sandbox }: Twilio, apiVersion: string): RequestHandler {
  return async (req, _res, next) => {
    const heard = heardOf(req, apiVersion, (await sandbox?.requests()) ?? [])
    const seen: Partial<Record<string, Seen>> = {
      ...heard,
      cameBack: { parameters: beginningsOf(req.query) },
      answered: { ...heard.answered, parameters: answerOf(req.twilioTokens) }
    }
    req.session.story = Object.entries(EVERY_LOGIN).map(([name, step]) => ({ ...step, ...seen[name] }))
    next()
  }
}

/** What the sandbox heard of this login: the last of this person. Twilio itself tells nobody what it heard. */
function heardOf({ user }: Request, apiVersion: string, requests: readonly LoggedRequest[]) {
  const last = (method: string, path: string, isOurs: (parameters: LoggedRequest['parameters']) => boolean = () => true) =>
    requests.findLast((request) => request.method === method && request.path === path && isOurs(request.parameters))

  const exchanged = last('POST', `/${apiVersion}/token`)
  return {
    sent: seen(last('GET', `/${apiVersion}/authorize`)),
    approved: seen(last('POST', '/authorize', ({ person }) => person === user?.id)),
    exchanged: seen(exchanged),
    answered: exchanged?.status === undefined ? undefined : { line: `HTTP ${exchanged.status}` }
  }
}

function seen(request: LoggedRequest | undefined): Seen | undefined {
  return request && { line: `${request.method} ${request.path}`, parameters: request.parameters }
}

function answerOf(tokens: TwilioTokens | undefined): Record<string, string> {
  const { accessToken, refreshToken, idToken, tokenType } = tokens ?? {}
  const names = Object.entries({ access_token: accessToken, refresh_token: refreshToken, id_token: idToken }).filter(([, token]) => token !== undefined)
  return { ...Object.fromEntries(names.map(([name]) => [name, '…'])), ...(tokenType ? { token_type: tokenType } : {}) }
}

/** As the sandbox shows what is good for once: the code and the state are spent, and are known again by how they begin. */
function beginningsOf(parameters: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, `${String(value).slice(0, 4)}…`]))
}
