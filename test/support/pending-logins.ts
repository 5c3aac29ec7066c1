import type { LoginContext } from '../../lib/login/login-store'
import { PendingLogins, type PendingLoginsOptions } from '../../lib/login/pending-logins'
import { CLIENT_ID } from './jwt'
import { CALLBACK_URL } from './login-app'

/** Pending logins of one client, all with the same callback URL unless a test says otherwise. */
export class TestLogins {
  readonly #pending: PendingLogins

  constructor(options: Partial<PendingLoginsOptions> = {}) {
    this.#pending = new PendingLogins({ clientID: CLIENT_ID, sessionKey: 'logins', max: 8, ttl: 600_000, secret: 'the client secret', pkce: true, ...options })
  }

  /** Gives the state. */
  begin(request: object, context: LoginContext, callbackURL = CALLBACK_URL): string {
    return this.#pending.begin(request, context, { callbackURL }).state
  }

  /** Gives the state and the code verifier. */
  beginWithVerifier(request: object, callbackURL = CALLBACK_URL): { state: string; codeVerifier: string } {
    const { state, codeVerifier = '' } = this.#pending.begin(request, {}, { callbackURL })
    return { state, codeVerifier }
  }

  finish(request: object, state: string | undefined, callbackURL = CALLBACK_URL): LoginContext {
    const { state: applicationState, returnTo } = this.#pending.finish(request, state, { callbackURL })
    return { ...(applicationState === undefined ? {} : { state: applicationState }), ...(returnTo === undefined ? {} : { returnTo }) }
  }

  finishWithVerifier(request: object, state: string, callbackURL = CALLBACK_URL): string | undefined {
    return this.#pending.finish(request, state, { callbackURL }).codeVerifier
  }
}
