import type { TwilioTokens } from '../oauth/tokens'

/** What the strategy leaves for the middleware behind it. Passport renews the session at login, so it can't be kept there. */
export interface FinishedLogin {
  readonly tokens: TwilioTokens
  /** The page that was requested before the login. */
  readonly returnTo?: string | undefined
  /** The session of the request before Passport renewed it. */
  readonly previousSession?: Record<string, unknown> | undefined
}

const finishedLogins = new WeakMap<object, FinishedLogin>()

export function setFinishedLogin(request: object, login: FinishedLogin): void {
  finishedLogins.set(request, login)
}

export function finishedLoginOf(request: object): FinishedLogin | undefined {
  return finishedLogins.get(request)
}
