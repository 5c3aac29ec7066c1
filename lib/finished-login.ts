import type { TwilioTokens } from './tokens'

/** What a callback brought, for the middleware after it. It is kept beside the request, since Passport renews the session. */
export interface FinishedLogin {
  readonly tokens: TwilioTokens
  /** The page the person wanted. */
  readonly returnTo?: string | undefined
}

const finishedLogins = new WeakMap<object, FinishedLogin>()

export function rememberFinishedLogin(request: object, login: FinishedLogin): void {
  finishedLogins.set(request, login)
}

export function finishedLoginOf(request: object): FinishedLogin | undefined {
  return finishedLogins.get(request)
}
