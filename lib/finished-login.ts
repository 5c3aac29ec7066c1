import type { TokenVault } from './session/token-vault'
import type { TwilioTokens } from './tokens'

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

const finishedLogin = Symbol("passport-twilio's finished login")

interface WithFinishedLogin {
  [finishedLogin]?: FinishedLogin
}

export function rememberFinishedLogin(request: WithFinishedLogin & object, login: FinishedLogin): void {
  request[finishedLogin] = login
}

export function finishedLoginOf(request: object): FinishedLogin | undefined {
  const { [finishedLogin]: login }: WithFinishedLogin = request
  return login
}
