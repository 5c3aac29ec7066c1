import type { Request, RequestHandler } from 'express'
import type { TwilioTokens } from 'passport-twilio'
import type { LoggedRequest } from 'passport-twilio/sandbox'
import type { Twilio } from './twilio.ts'

/** One step of a login: a request or response between two parties. */
export interface Step {
  from: Party
  to: Party
  title: string
  why: string
  /** The start line of the request or response, such as `GET /v1/authorize`. */
  line?: string
  /** The parameters under their real names. Secrets are masked. */
  parameters?: Record<string, string>
}

type Party = 'browser' | 'app' | 'twilio'

/** What was actually sent in a step. */
type Observed = Pick<Step, 'line' | 'parameters'>

declare module 'express-session' {
  interface SessionData {
    story?: Step[]
  }
}

/** The steps of every login. */
export const EVERY_LOGIN = {
  loginRequest: { from: 'browser', to: 'app', title: 'You click "Log in"', why: 'The app creates a random, one-time state, so that it can recognize this login when you come back.', line: 'GET /auth/twilio' },
  redirectToTwilio: { from: 'browser', to: 'twilio', title: 'The app sends you to Twilio', why: 'The request says which app is asking, what access it wants, and where to send you back.' },
  approval: { from: 'browser', to: 'twilio', title: 'You sign in, and approve', why: "This happens on Twilio's own page. The app never sees your password." },
  callback: { from: 'browser', to: 'app', title: 'You come back with an authorization code', why: 'The code works once, for five minutes. The app accepts it only together with the state it created.', line: 'GET /auth/twilio/callback' },
  tokenRequest: { from: 'app', to: 'twilio', title: 'The app exchanges the code for tokens', why: "Without the app's client secret, the code is useless." },
  tokenResponse: { from: 'twilio', to: 'app', title: 'Twilio returns tokens', why: 'An access token to call Twilio with, a refresh token to get the next one, and sometimes an ID token that says who you are.' },
  loggedIn: { from: 'app', to: 'browser', title: 'You are logged in', why: 'A new session begins. The tokens stay on the server, in the session. They are never sent to your browser.' }
} satisfies Record<string, Step>

/** The page that shows a login step by step: the visitor's own, if they are logged in. */
export const storyPage: RequestHandler = (req, res) => {
  const story = req.user && req.session.story
  res.render('how-it-works', { story, steps: story ?? Object.values(EVERY_LOGIN) })
}

/** Saves the steps of the login that has just finished, for the page to show. Needs `tokens.keep()` before it. */
export function rememberStory({ sandbox }: Twilio, apiVersion: string): RequestHandler {
  return async (req, _res, next) => {
    const received = receivedBySandbox(req, apiVersion, (await sandbox?.requests()) ?? [])
    const observed: Partial<Record<string, Observed>> = {
      ...received,
      callback: { parameters: shorten(req.query) },
      tokenResponse: { ...received.tokenResponse, parameters: maskedTokens(req.twilioTokens) }
    }
    req.session.story = Object.entries(EVERY_LOGIN).map(([name, step]) => ({ ...step, ...observed[name] }))
    next()
  }
}

/** The requests of this login that the sandbox received: the user's latest ones. Twilio itself has no such log. */
function receivedBySandbox({ user }: Request, apiVersion: string, requests: readonly LoggedRequest[]) {
  const last = (method: string, path: string, isThisLogin: (parameters: LoggedRequest['parameters']) => boolean = () => true) =>
    requests.findLast((request) => request.method === method && request.path === path && isThisLogin(request.parameters))

  const tokenRequest = last('POST', `/${apiVersion}/token`)
  return {
    redirectToTwilio: observed(last('GET', `/${apiVersion}/authorize`)),
    approval: observed(last('POST', '/authorize', ({ person }) => person === user?.id)),
    tokenRequest: observed(tokenRequest),
    tokenResponse: tokenRequest?.status === undefined ? undefined : { line: `HTTP ${tokenRequest.status}` }
  }
}

function observed(request: LoggedRequest | undefined): Observed | undefined {
  return request && { line: `${request.method} ${request.path}`, parameters: request.parameters }
}

function maskedTokens(tokens: TwilioTokens | undefined): Record<string, string> {
  const { accessToken, refreshToken, idToken, tokenType } = tokens ?? {}
  const names = Object.entries({ access_token: accessToken, refresh_token: refreshToken, id_token: idToken }).filter(([, token]) => token !== undefined)
  return { ...Object.fromEntries(names.map(([name]) => [name, '…'])), ...(tokenType ? { token_type: tokenType } : {}) }
}

/** Keeps the first characters, as the sandbox's log does: enough to recognize the code and the state, which are already used. */
function shorten(parameters: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, `${String(value).slice(0, 4)}…`]))
}
