import { LoginStateError } from '../errors'
import { fromCallback } from '../util/from-callback'
import type { LoginBaggage, PendingLogins } from './pending-logins'
import { newCodeVerifier } from './pkce'
import { keepReturnTo, sameOriginPath, takeReturnTo } from '../request/return-to'

/** What a passport-oauth2 state store is told about the login. */
export interface StateStoreMetadata {
  readonly authorizationURL: string
  readonly tokenURL: string
  readonly clientID: string
  readonly callbackURL: string
}

/** A login as it goes to Twilio. */
export interface BegunLogin {
  readonly state: string
  readonly codeVerifier: string | undefined
}

/** A login as it comes back. */
export interface ReturnedLogin extends LoginBaggage {
  readonly codeVerifier: string | undefined
}

/** Keeps a login from its beginning to its callback. */
export interface LoginStore {
  begin(request: object, baggage: LoginBaggage, metadata: StateStoreMetadata): Promise<BegunLogin> | BegunLogin
  /** Rejects or throws with a {@link LoginStateError}. */
  finish(request: object, state: string | undefined, metadata: StateStoreMetadata): Promise<ReturnedLogin> | ReturnedLogin
}

/** A state store of passport-oauth2's kind, as an application may bring as `store`. Which parameters it takes is told by their count. */
export interface StateStore {
  store(...args: unknown[]): void
  verify(...args: unknown[]): void
}

export function isStateStore(value: unknown): value is StateStore {
  return (
    typeof value === 'object' && value !== null && 'store' in value && typeof value.store === 'function' && 'verify' in value && typeof value.verify === 'function'
  )
}

export function sessionLoginStore(pending: PendingLogins, pkce: boolean): LoginStore {
  const codeVerifier = (state = '') => (pkce ? pending.codeVerifier(state) : undefined)
  return {
    begin(request, baggage) {
      const state = pending.begin(request, baggage)
      return { state, codeVerifier: codeVerifier(state) }
    },
    finish(request, state) {
      const { state: applicationState, returnTo } = pending.finish(request, state)
      // Whoever can write to the session store must not lead people elsewhere.
      return { state: applicationState, returnTo: sameOriginPath(returnTo), codeVerifier: codeVerifier(state) }
    }
  }
}

/** The application's own store, called as passport-oauth2 calls it. */
export function applicationLoginStore(store: StateStore, pkce: boolean): LoginStore {
  return {
    async begin(request, { state: applicationState, returnTo }, metadata) {
      // Such a store has no place for the page; it stays in the session.
      if (returnTo !== undefined) keepReturnTo(request, returnTo)
      const codeVerifier = pkce ? newCodeVerifier() : undefined
      const parameters: Record<number, readonly unknown[]> = {
        5: [request, codeVerifier, applicationState, metadata],
        4: [request, applicationState, metadata],
        3: [request, metadata]
      }
      const [state] = await fromCallback<[unknown?]>((stored) => store.store(...(parameters[store.store.length] ?? [request]), stored))
      if (typeof state !== 'string' || state === '') throw new Error('The store gave no state. Its store() must pass the one-time value on: callback(null, state).')
      return { state, codeVerifier }
    },
    async finish(request, returned, metadata) {
      const parameters = store.verify.length === 4 ? [request, returned, metadata] : [request, returned]
      const [ok, state] = await fromCallback<[unknown?, unknown?]>((verified) => store.verify(...parameters, verified))
      if (!ok) throw new LoginStateError(returned === undefined ? 'missing' : 'unknown')
      return { state, returnTo: takeReturnTo(request), codeVerifier: typeof ok === 'string' ? ok : undefined }
    }
  }
}
