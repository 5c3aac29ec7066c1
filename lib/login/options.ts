import type { AuthenticateCallback as PassportCallback, AuthenticateOptions as PassportOptions } from 'passport'
import { optionError } from '../errors'
import { checkText, type TwilioOAuthClientOptions } from '../oauth/options'

export type SkipUserProfile = (accessToken: string) => boolean | Promise<boolean>
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- `void` is what a function that calls `done` returns
export type SkipUserProfileWithCallback = (accessToken: string, done: (error: unknown, skip?: boolean) => void) => Promise<boolean | void> | void

export interface CommonOptions extends TwilioOAuthClientOptions {
  /** The redirect URI: where Twilio sends the browser after the login, exactly as registered with the OAuth app. A path is completed with the host of the request. */
  readonly callbackURL: string | URL
  /** The scope to request. Default: `offline_access`, which requests a refresh token. */
  readonly scope?: string | readonly string[] | undefined
  /** The separator for a `scope` that is an array. Default: a space. */
  readonly scopeSeparator?: string | undefined
  /** PKCE with S256 (RFC 7636). Default: `true` on v2; `false` on v1, which does not document it. */
  readonly pkce?: boolean | 'S256' | undefined
  /** Request the login page's URL from Twilio on the server, and redirect the browser straight to it. Default: `false`. */
  readonly resolveAuthorizeURL?: boolean | undefined
  /** Complete the profile from Twilio's Accounts resource, unless the token acts for an organization with several accounts. Default: `false`. */
  readonly lookUpAccount?: boolean | undefined
  /** Maximum number of pending logins in one session. The oldest is dropped first. Default: 8. */
  readonly maxPendingLogins?: number | undefined
  /** How long a login may take, in ms. Default: 10 minutes. */
  readonly pendingLoginTTL?: number | undefined
  /**
   * Signs the one-time `state` of logins: a random string of at least 32 characters. Default: `clientSecret`. Without either, a
   * public client keeps a random secret in each session; only logins that begin at the same moment in a new session need this option.
   */
  readonly stateSecret?: string | undefined
  /** The session key for pending logins. Default: `oauth2:`, the host of the authorize endpoint, and the client ID. */
  readonly sessionKey?: string | undefined
  /** A state store for passport-oauth2, to use instead of the session. Its functions may return promises. */
  readonly store?: object | undefined
  /** Ignored: `state` is always on. */
  readonly state?: unknown
  /** Load no profile: `true`, or a function that decides, and may return a promise. */
  readonly skipUserProfile?: boolean | SkipUserProfile | SkipUserProfileWithCallback | undefined
  /** Trust the `X-Forwarded-*` headers when completing a `callbackURL` that is a path, as Express's `trust proxy` setting does. Default: `false`. */
  readonly proxy?: boolean | undefined
}

/** Options for {@link TwilioStrategy}. */
export interface TwilioStrategyOptions extends CommonOptions {
  /** Pass `req` to `verify` as the first argument. Default: `false`. */
  readonly passReqToCallback?: false | undefined
}

/** Options for {@link TwilioStrategy} with `req` as the first argument of `verify`. */
export interface TwilioStrategyOptionsWithRequest extends CommonOptions {
  /** Pass `req` to `verify` as the first argument. */
  readonly passReqToCallback: true
}

export type AnyOptions = TwilioStrategyOptions | TwilioStrategyOptionsWithRequest

/** Options for `passport.authenticate('twilio', …)`, besides Passport's own. */
export interface TwilioAuthenticateOptions {
  /** Returned in `info.state` after the login: a string or any other JSON value. */
  readonly state?: unknown
  /** Replaces the strategy's `scope`. */
  readonly scope?: string | readonly string[] | undefined
  /** Replaces the strategy's `callbackURL`. Must be the same where the login begins and at the callback. */
  readonly callbackURL?: string | URL | undefined
}

declare module 'passport' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- declarations of one interface must have the same parameters
  interface Authenticator<InitializeRet, AuthenticateRet, AuthorizeRet, AuthorizeOptions> {
    /** `state` may be an object: `passport.authenticate('twilio', { state: { plan: 'pro' } })`. */
    authenticate(
      strategy: 'twilio',
      options: Omit<PassportOptions, keyof TwilioAuthenticateOptions> & TwilioAuthenticateOptions,
      callback?: PassportCallback
    ): AuthenticateRet
  }
}

/**
 * The callback URL as a string.
 *
 * @throws {TypeError} if it is neither an absolute http or https URL nor a path
 */
export function checkCallbackURL(callbackURL: unknown): string {
  const url = callbackURL instanceof URL ? callbackURL.href : callbackURL
  checkText('callbackURL', url, 'where Twilio sends the browser after the login, as registered with the OAuth app')
  // `URL.canParse` also accepts `localhost:3000/callback`, with `localhost:` as its scheme.
  const isAbsolute = /^https?:\/\//i.test(url) && URL.canParse(url)
  const isPath = /^\/(?!\/)/.test(url)
  if (isAbsolute || isPath) return url
  throw optionError("callbackURL must be an absolute http or https URL, such as https://app.example.com/auth/twilio/callback, or a path that begins with '/'.")
}

/**
 * Checks what the application passes as `state`.
 *
 * @throws {TypeError} if it is not a JSON value, and so could not be stored
 */
export function checkApplicationState(state: unknown): void {
  if (state === undefined || isSerializable(state)) return
  throw optionError("state must be a JSON value: a string, number, boolean, null, array or object, without BigInt, functions or cycles.")
}

function isSerializable(value: unknown): boolean {
  try {
    return typeof JSON.stringify(value) === 'string'
  } catch {
    return false
  }
}

export function checkPKCE(pkce: unknown): boolean | undefined {
  if (pkce === undefined || typeof pkce === 'boolean') return pkce
  if (pkce === 'S256') return true
  throw optionError("pkce must be true (S256) or false. Twilio supports no other method than 'S256'.")
}

const STATE_SECRET_LENGTH = 32

export function checkStateSecret(secret: unknown): string | undefined {
  if (secret === undefined || (typeof secret === 'string' && secret.length >= STATE_SECRET_LENGTH)) return secret
  throw optionError(`stateSecret must be a random string of ${STATE_SECRET_LENGTH} characters or more. Create one with: openssl rand -base64 32`)
}

export function checkScope(scope: unknown): void {
  const parts: unknown[] = Array.isArray(scope) ? scope : [scope]
  if (scope !== undefined && !parts.every((part) => typeof part === 'string')) throw optionError('scope must be a string, or an array of strings.')
}
