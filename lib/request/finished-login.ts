import type { TwilioTokens } from '../oauth/tokens'

/** What the strategy passes on to the middleware after it. It can't be kept in the session, which Passport renews. */
export interface FinishedLogin {
  readonly tokens: TwilioTokens
  /** The client that the tokens were issued to. */
  readonly clientID?: string | undefined
  /** The user that `verify` returned. */
  readonly user?: unknown
  /** The page that was requested before the login. */
  readonly returnTo?: string | undefined
  /** The user who was logged in before. */
  readonly previousUser?: unknown
  /** The request's session before Passport renewed it. */
  readonly previousSession?: Record<string, unknown> | undefined
}

const finishedLogins = new WeakMap<object, FinishedLogin>()

export function setFinishedLogin(request: object, login: FinishedLogin): void {
  finishedLogins.set(request, login)
}

export function finishedLoginOf(request: object): FinishedLogin | undefined {
  return finishedLogins.get(request)
}
