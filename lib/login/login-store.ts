/** What is kept about a login from its beginning to its callback. */
export interface LoginContext {
  /** What the application passed as `state`. */
  readonly state?: unknown
  /** The page that was requested before the login. */
  readonly returnTo?: string | undefined
}

/** A login that has begun. */
export interface BegunLogin {
  /** The one-time value to give to Twilio. */
  readonly state: string
  /** PKCE's verifier (RFC 7636 §4.1); `undefined` without PKCE. */
  readonly codeVerifier: string | undefined
}

/** A login that has come back. */
export interface ReturnedLogin extends LoginContext {
  readonly codeVerifier: string | undefined
}

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
  /** Rejects or throws with a `LoginStateError` if there is no such login. */
  finish(request: object, state: string | undefined, metadata: StateStoreMetadata): Promise<ReturnedLogin> | ReturnedLogin
}
