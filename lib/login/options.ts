import { checkText, type TwilioOAuthClientOptions } from '../oauth/options'

export interface CommonOptions extends TwilioOAuthClientOptions {
  /** Where Twilio sends people back to, as registered with the OAuth app. A path is completed from the request. */
  readonly callbackURL: string
  /** What to ask for. Default: `offline_access`, which gives a refresh token. */
  readonly scope?: string | readonly string[] | undefined
  /** Between the parts of a `scope` that is an array. Default: a space. */
  readonly scopeSeparator?: string | undefined
  /** PKCE with S256 (RFC 7636). Default: `true` on v2, `false` on v1, which does not document it. */
  readonly pkce?: boolean | 'S256' | undefined
  /** Ask Twilio for the page to log in on from the server, and send the browser straight there. Default: `false`. */
  readonly resolveAuthorizeURL?: boolean | undefined
  /** Complete the profile from Twilio's Accounts resource. Default: `false`. */
  readonly lookUpAccount?: boolean | undefined
  /** How many logins may wait in one session; the oldest goes first. Default: 8. */
  readonly maxPendingLogins?: number | undefined
  /** How long a login may wait, in ms. Default: 10 minutes. */
  readonly pendingLoginTTL?: number | undefined
  /** Where in the session pending logins are kept. Default: `oauth2:` and the host of the authorize endpoint. */
  readonly sessionKey?: string | undefined
  /** A state store of passport-oauth2's kind, instead of the session. */
  readonly store?: object | undefined
  /** Always on, whatever is given: the one-time value cannot be left out. */
  readonly state?: unknown
  /** No profile is made: `true`, or a function that decides. */
  readonly skipUserProfile?: boolean | (() => boolean) | ((accessToken: string, done: (error: unknown, skip?: boolean) => void) => void) | undefined
  /** Believe `X-Forwarded-Proto` and `X-Forwarded-Host` when completing a `callbackURL` that is a path. Express's `trust proxy` does that too. */
  readonly proxy?: boolean | undefined
}

/** What a {@link TwilioStrategy} needs to know. */
export interface TwilioStrategyOptions extends CommonOptions {
  /** Give `req` to `verify` first. Default: `false`. */
  readonly passReqToCallback?: false | undefined
}

/** The same, with `req` as the first parameter of `verify`. */
export interface TwilioStrategyOptionsWithRequest extends CommonOptions {
  /** Give `req` to `verify` first. */
  readonly passReqToCallback: true
}

export type AnyOptions = TwilioStrategyOptions | TwilioStrategyOptionsWithRequest

/** Browsers are sent there. What has no scheme, such as `localhost:3000/callback`, is an address of the scheme `localhost:` to URL. */
export function checkCallbackURL(url: unknown): void {
  checkText('callbackURL', url, 'where Twilio sends people back to, as registered with the OAuth app')
  const isWhole = /^https?:\/\//i.test(url) && URL.canParse(url)
  const isPath = /^\/(?!\/)/.test(url)
  if (!isWhole && !isPath) throw new TypeError("callbackURL must be a whole http or https address, such as https://app.example.com/auth/twilio/callback, or a path that begins with '/'.")
}

export function checkPKCE(pkce: unknown): boolean | undefined {
  if (pkce === undefined || typeof pkce === 'boolean') return pkce
  if (pkce === 'S256') return true
  throw new TypeError("pkce must be true (S256) or false; Twilio takes no other method than 'S256'.")
}

export function checkScope(scope: unknown): void {
  const parts: unknown[] = Array.isArray(scope) ? scope : [scope]
  if (scope !== undefined && !parts.every((part) => typeof part === 'string')) throw new TypeError('scope must be a string, or an array of strings.')
}

/** The options that passport-oauth2 itself still uses. */
export function baseOptions({ callbackURL, customHeaders, scopeSeparator, skipUserProfile, proxy }: AnyOptions) {
  return { callbackURL, customHeaders: { ...customHeaders }, scopeSeparator, skipUserProfile, proxy }
}
