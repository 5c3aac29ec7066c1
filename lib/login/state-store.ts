import { optionError, setupError } from '../errors'
import { checkCount, checkNumber, type ClientConfiguration } from '../oauth/options'
import { keepReturnTo, takeReturnTo } from '../request/return-to'
import { hasUser, peekSession } from '../request/session'
import { fromCallback } from '../util/from-callback'
import { LoginStateError } from './login-state-error'
import type { LoginStore } from './login-store'
import { checkPKCE, checkStateSecret, type AnyOptions } from './options'
import { PendingLogins } from './pending-logins'
import { newCodeVerifier } from './pkce'
import { saveBegunLogin } from './save-begun-login'
import { unlessLoggedOut } from './unless-logged-out'

/** A state store for passport-oauth2, the `store` option. The number of parameters determines which arguments a function gets. */
export interface StateStore {
  store(...args: unknown[]): unknown
  verify(...args: unknown[]): unknown
}

const DEFAULT_MAX_PENDING_LOGINS = 8
const DEFAULT_PENDING_LOGIN_TTL = 10 * 60 * 1000

/**
 * Where the `store` option keeps logins: in the session, unless the application has a state store of its own.
 *
 * @throws {TypeError} if an option is invalid
 */
export function loginStore(options: AnyOptions, { authorize, clientID, clientSecret, dialect }: ClientConfiguration): LoginStore {
  const pkce = checkPKCE(options.pkce) ?? dialect.pkce
  if (clientSecret === undefined && !pkce) throw optionError('pkce must not be false without clientSecret: a public client needs PKCE.')
  const { store } = options
  if (isStateStore(store)) return applicationLoginStore(store, pkce)
  if (typeof store === 'object') throw optionError('store must have the functions store and verify, like a state store for passport-oauth2.')
  return new PendingLogins({
    clientID,
    sessionKey: options.sessionKey ?? `oauth2:${authorize.hostname}:${clientID}`,
    max: checkCount('maxPendingLogins', options.maxPendingLogins ?? DEFAULT_MAX_PENDING_LOGINS),
    ttl: checkNumber('pendingLoginTTL', options.pendingLoginTTL ?? DEFAULT_PENDING_LOGIN_TTL, 'ms'),
    secret: checkStateSecret(options.stateSecret) ?? clientSecret,
    pkce
  })
}

function isStateStore(value: unknown): value is StateStore {
  return (
    typeof value === 'object' && value !== null && 'store' in value && typeof value.store === 'function' && 'verify' in value && typeof value.verify === 'function'
  )
}

/** Keeps logins in the application's own state store, called as passport-oauth2 calls it. */
function applicationLoginStore(store: StateStore, pkce: boolean): LoginStore {
  return {
    async begin(request, { state: applicationState, returnTo }, metadata) {
      // Such a store has no place for the page. It stays in the session.
      if (returnTo !== undefined) keepReturnTo(request, returnTo)
      const codeVerifier = pkce ? newCodeVerifier() : undefined
      const parameters: Record<number, readonly unknown[]> = {
        5: [request, codeVerifier, applicationState, metadata],
        4: [request, applicationState, metadata],
        3: [request, metadata]
      }
      const call = (callback: unknown) => store.store(...(parameters[store.store.length] ?? [request]), callback)
      const [state] = await unlessLoggedOut(request, () => fromCallback<[unknown?]>(call, { hasCallbackParameter: store.store.length > 1 }))
      if (typeof state !== 'string' || state === '') throw setupError('The state store returned no state. Its store() must pass the one-time value to its callback: callback(null, state).')
      return { state, codeVerifier }
    },
    // The store may keep logins elsewhere, so a visitor may need no session. The session of a person who is logged in is saved
    // now: with resolveAuthorizeURL, it would otherwise be saved once Twilio has responded, which could undo a logout.
    async save(request) {
      if (hasUser(peekSession(request))) await saveBegunLogin(request)
    },
    async finish(request, returnedState, metadata) {
      const parameters = store.verify.length === 4 ? [request, returnedState, metadata] : [request, returnedState]
      const [ok, state] = await fromCallback<[unknown?, unknown?]>((callback) => store.verify(...parameters, callback), {
        hasCallbackParameter: store.verify.length > 2
      })
      if (!ok) throw new LoginStateError(returnedState === undefined ? 'missing' : 'unknown')
      return { state, returnTo: takeReturnTo(request), codeVerifier: typeof ok === 'string' ? ok : undefined }
    }
  }
}
