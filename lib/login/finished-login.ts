import type { TokenVault } from '../session/token-vault'
import type { TwilioTokens } from '../oauth/tokens'

/** What of the tokens is in the session of the login, and who put it there. */
export interface KeptTokens {
  readonly vault: TokenVault
  readonly stored: unknown
}

/** What a callback brought, for the middleware after it. It is kept beside the request, since Passport renews the session. */
export interface FinishedLogin {
  readonly tokens: TwilioTokens
  /** The page the person wanted. */
  readonly returnTo?: string | undefined
  readonly kept?: KeptTokens | undefined
}

// Not as a property: one more on a request of Express costs V8 more than an entry here.
const finishedLogins = new WeakMap<object, FinishedLogin>()

export function rememberFinishedLogin(request: object, login: FinishedLogin): void {
  finishedLogins.set(request, login)
}

export function finishedLoginOf(request: object): FinishedLogin | undefined {
  return finishedLogins.get(request)
}
