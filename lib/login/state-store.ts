import { optionError, sessionStoreError, setupError } from '../errors'
import { checkCount, checkNumber, type ClientConfiguration } from '../oauth/options'
import { keepReturnTo, sameOriginPath, takeReturnTo } from '../request/return-to'
import { saveSession } from '../request/session-store'
import { systemClock } from '../util/clock'
import { fromCallback } from '../util/from-callback'
import { redact } from '../util/redact'
import { LoginStateError } from './login-state-error'
import { checkPKCE, checkStateSecret, type AnyOptions } from './options'
import { defaultSessionKey, PendingLogins, type BegunLogin, type LoginContext, type ReturnedLogin } from './pending-logins'
import { newCodeVerifier } from './pkce'

/** What passport-oauth2 passes to a state store about the login. */
export interface StateStoreMetadata {
  readonly authorizationURL: string
  readonly tokenURL: string
  readonly clientID: string
  readonly callbackURL: string
}

/** Keeps logins from their beginning to their callback. */
export interface LoginStore {
  begin(request: object, context: LoginContext, metadata: StateStoreMetadata): Promise<BegunLogin> | BegunLogin
  /** Makes sure that the login has been stored, before the browser is sent to Twilio. Rejects if it could not be. */
  save(request: object): Promise<void>
  /** Rejects or throws with a {@link LoginStateError} if there is no such login. */
  finish(request: object, state: string | undefined, metadata: StateStoreMetadata): Promise<ReturnedLogin> | ReturnedLogin
}

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
  const pending = new PendingLogins({
    clientID,
    sessionKey: options.sessionKey ?? defaultSessionKey(authorize.hostname, clientID),
    max: checkCount('maxPendingLogins', options.maxPendingLogins ?? DEFAULT_MAX_PENDING_LOGINS),
    ttl: checkNumber('pendingLoginTTL', options.pendingLoginTTL ?? DEFAULT_PENDING_LOGIN_TTL, 'ms'),
    secret: checkStateSecret(options.stateSecret) ?? clientSecret,
    pkce
  })
  return sessionLoginStore(pending)
}

function isStateStore(value: unknown): value is StateStore {
  return (
    typeof value === 'object' && value !== null && 'store' in value && typeof value.store === 'function' && 'verify' in value && typeof value.verify === 'function'
  )
}

/** Keeps logins in the session. */
export function sessionLoginStore(pending: PendingLogins, clock = systemClock): LoginStore {
  return {
    begin(request, context, { callbackURL }) {
      return pending.begin(request, context, callbackURL)
    },
    // express-session would save the session at the end of the response, when it is too late to answer with an error.
    async save(request) {
      try {
        await saveSession(request, clock)
      } catch (error) {
        throw sessionStoreError(`The login was not started, because the session could not be saved. Check the session store: ${reasonOf(error)}`, { cause: error })
      }
    },
    finish(request, state, { callbackURL }) {
      const login = pending.finish(request, state, callbackURL)
      // The session store is not trusted with where the browser goes.
      return { ...login, returnTo: sameOriginPath(login.returnTo) }
    }
  }
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
      const [state] = await fromCallback<[unknown?]>((callback) => store.store(...(parameters[store.store.length] ?? [request]), callback), {
        hasCallbackParameter: store.store.length > 1
      })
      if (typeof state !== 'string' || state === '') throw setupError('The state store returned no state. Its store() must pass the one-time value to its callback: callback(null, state).')
      return { state, codeVerifier }
    },
    // Its store() has called back.
    save: () => Promise.resolve(),
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

/** Errors of a connection may have a code or a class of their own, and no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error), [])
  return redact(error.message || ('code' in error ? String(error.code) : error.constructor.name), [])
}
