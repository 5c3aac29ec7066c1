import type { Request } from 'express'
import type { AuthenticateCallback as PassportCallback, AuthenticateOptions as PassportOptions } from 'passport'
import OAuth2Strategy, { AuthorizationError, type StrategyOptions, type VerifyFunction } from 'passport-oauth2'
import { lookUpAccount } from '../oauth/account'
import { badRequest, readCallback, type Callback } from './callback'
import { absoluteCallbackURL } from './callback-url'
import { claimsOf } from '../oauth/claims'
import type { OAuthParameters } from '../oauth/dialect'
import { fromCallback } from '../util/from-callback'
import { speakTwilio } from './oauth2-adapter'
import { TwilioOAuthClient } from '../oauth/client'
import { checkCount, checkNumber, configure, type ClientConfiguration } from '../oauth/options'
import { setFinishedLogin } from '../request/finished-login'
import { PendingLogins } from './pending-logins'
import { codeChallengeOf } from './pkce'
import { profileOf, type ProfileClaims, type TwilioProfile } from '../oauth/profile'
import { redact, redactURL } from '../util/redact'
import { peekSession } from '../request/session'
import { keepReturnTo, takeReturnTo } from '../request/return-to'
import { applicationLoginStore, isStateStore, sessionLoginStore, type LoginStore, type StateStoreMetadata } from './state-store'
import { baseOptions, checkCallbackURL, checkPKCE, checkScope, type AnyOptions, type TwilioStrategyOptions, type TwilioStrategyOptionsWithRequest } from './options'
import { TokenEndpoint, type GrantResult } from '../oauth/token-endpoint'
import { callVerify, type AnyVerify, type Verify, type VerifyWithParameters, type VerifyWithRequest, type VerifyWithRequestAndParameters } from './verify'

/** What `passport.authenticate('twilio', …)` takes beside Passport's own options. */
export interface TwilioAuthenticateOptions {
  /** Comes back in `info.state`: text, or anything that JSON can hold. */
  readonly state?: unknown
  /** Instead of the strategy's. */
  readonly scope?: string | readonly string[] | undefined
  /** Instead of the strategy's; give the same where the login begins and where it ends. */
  readonly callbackURL?: string | undefined
}

declare module 'passport' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the declarations of an interface must have the same parameters
  interface Authenticator<InitializeRet, AuthenticateRet, AuthorizeRet, AuthorizeOptions> {
    /** `state` may be an object: `passport.authenticate('twilio', { state: { plan: 'pro' } })`. */
    authenticate(
      strategy: 'twilio',
      options: Omit<PassportOptions, keyof TwilioAuthenticateOptions> & TwilioAuthenticateOptions,
      callback?: PassportCallback
    ): AuthenticateRet
  }
}

/** Why nobody is logged in: Passport's failure. */
interface Failure {
  readonly failure: object | undefined
}
interface Success {
  readonly user: Express.User
  readonly info: object
}
/** Where to send the browser, or how the login ended. */
type Outcome = string | Success | Failure

const DEFAULT_SCOPE = 'offline_access'
const DEFAULT_MAX_PENDING_LOGINS = 8
const DEFAULT_PENDING_LOGIN_TTL = 10 * 60 * 1000

/** Without the `Strategy` that is static in it, which takes other options. */
const Base: Omit<typeof OAuth2Strategy, 'Strategy' | 'prototype'> & (new (options: StrategyOptions, verify: VerifyFunction) => OAuth2Strategy) = OAuth2Strategy

/**
 * "Log in with Twilio" for Passport: the authorization code grant (RFC 6749 §4.1) in Twilio's names.
 *
 * A login begins where `passport.authenticate('twilio')` is mounted without a code, and ends at the callback.
 * Errors reach `next` as {@link LoginStateError}, `AuthorizationError`, and what {@link TwilioOAuthClient} throws;
 * somebody who does not approve is Passport's failure.
 */
export class TwilioStrategy extends Base {
  /** What `passport.authenticate` knows it by; `passport.use(name, strategy)` gives it another. */
  override name = 'twilio'
  /** Twilio's OAuth API with this strategy's options, without Passport. */
  readonly client: TwilioOAuthClient

  private readonly _options: AnyOptions
  private readonly _configuration: ClientConfiguration
  private readonly _tokenEndpoint: TokenEndpoint
  private readonly _logins: LoginStore
  private readonly _verifyUser: AnyVerify

  /* eslint-disable @typescript-eslint/unified-signatures -- apart, and in this order, they give the usual function's parameters their types */
  /**
   * `verify` is given the request first.
   *
   * @throws {TypeError} naming the option that is wrong, and what it should be
   */
  constructor(options: TwilioStrategyOptionsWithRequest, verify: VerifyWithRequest)
  /** `verify` is given the request first, and Twilio's own answer before the profile. */
  constructor(options: TwilioStrategyOptionsWithRequest, verify: VerifyWithRequestAndParameters)
  /** The usual one. */
  constructor(options: TwilioStrategyOptions, verify: Verify)
  /** `verify` is given Twilio's own answer before the profile. */
  constructor(options: TwilioStrategyOptions, verify: VerifyWithParameters)
  /* eslint-enable @typescript-eslint/unified-signatures */
  constructor(options: AnyOptions, verify: unknown) {
    const configuration = configure(options)
    checkCallbackURL(options.callbackURL)
    checkScope(options.scope)
    if (!isFunction(verify)) throw new TypeError('verify is missing: pass a function that finds the user, after the options.')
    const { authorize, token, clientID, clientSecret, dialect } = configuration
    super({ ...baseOptions(options), authorizationURL: authorize.url, tokenURL: token.url, clientID, clientSecret }, verify)

    this.client = new TwilioOAuthClient(options)
    this._tokenEndpoint = new TokenEndpoint(configuration)
    this._options = options
    this._configuration = configuration
    this._verifyUser = verify
    this._logins = loginStore(options, { hostname: authorize.hostname, secret: clientSecret, pkce: checkPKCE(options.pkce) ?? dialect.pkce })
    speakTwilio(this._oauth2, this.client, this._tokenEndpoint, configuration.limits)
    // Passport calls strategies through objects that inherit from them, which have no #private fields.
    hide(this, '_options', '_configuration', '_oauth2')
    hide(this._oauth2, '_clientSecret', '_customHeaders')
  }

  /** Passport's entry: begins a login, or ends one at the callback. */
  override authenticate(req: Request, options: TwilioAuthenticateOptions = {}): void {
    // Passport gives these to the strategy object anew at each request. Where it was given the object itself and
    // not its name, all requests share it: the ones of this request must be taken before anything is awaited.
    const success = this.success.bind(this)
    const fail = this.fail.bind(this)
    const redirect = this.redirect.bind(this)
    const error = this.error.bind(this)

    const deliver = (outcome: Outcome) => {
      if (typeof outcome === 'string') redirect(outcome)
      else if ('user' in outcome) success(outcome.user, outcome.info)
      else fail(outcome.failure)
    }
    this._run(req, options)
      .then(deliver, error)
      // What the application's own callback throws is for its error handler, and must not end the process.
      .catch((thrown: unknown) => (req.next ?? error)(thrown))
      .catch(() => req.destroy())
  }

  /**
   * The profile by an access token alone, as passport-oauth2 asks for it; a subclass may make its own.
   * Logins without such a subclass have it from the ID token too.
   */
  override userProfile(accessToken: string, done: (error?: unknown, profile?: TwilioProfile) => void): void {
    this._profileOf(accessToken, { idClaims: {}, accessClaims: claimsOf(accessToken) }).then((profile) => done(null, profile), done)
  }

  private async _run(req: Request, options: TwilioAuthenticateOptions): Promise<Outcome> {
    if (isSpeculative(req)) throw badRequest('A login is neither begun nor ended by a HEAD request or a prefetch.')
    const callback = readCallback(req)
    return callback ? this._finish(req, callback, options) : this._begin(req, options)
  }

  /** RFC 6749 §4.1.1: where to send the browser. */
  private async _begin(req: Request, options: TwilioAuthenticateOptions): Promise<string> {
    const metadata = this._metadata(req, options)
    const baggage = { state: options.state, returnTo: takeReturnTo(req) }
    const { state, codeVerifier } = await this._logins.begin(req, baggage, metadata)
    const parameters = {
      redirectURI: metadata.callbackURL,
      scope: this._scopeOf(options),
      state,
      codeChallenge: codeVerifier === undefined ? undefined : codeChallengeOf(codeVerifier),
      extra: asParameters(this.authorizationParams(options))
    }
    if (!this._options.resolveAuthorizeURL) return this.client.authorizationURL(parameters)
    try {
      return await this.client.resolveAuthorization(parameters)
    } catch (error) {
      // For the next try: nobody comes back with this one.
      if (baggage.returnTo !== undefined) keepReturnTo(req, baggage.returnTo)
      throw error
    }
  }

  /** RFC 6749 §4.1.2 to §4.1.4: believe the callback, change its code for tokens, and ask the application who this is. */
  private async _finish(req: Request, callback: Callback, options: TwilioAuthenticateOptions): Promise<Success | Failure> {
    const metadata = this._metadata(req, options)
    const { code } = callback
    const login = await this._logins.finish(req, callback.state, metadata)
    // For Passport's keepSessionInfo, and for the next try if this one comes to nothing.
    if (login.returnTo !== undefined) keepReturnTo(req, login.returnTo)
    if (code === undefined) return refusal(callback, login.state)

    const grant = await this._tokenEndpoint.exchangeCode({
      code,
      redirectURI: metadata.callbackURL,
      codeVerifier: login.codeVerifier,
      extra: asParameters(this.tokenParams(options))
    })
    const { tokens, response } = grant
    const { user, info } = await callVerify(this._verifyUser, {
      request: this._options.passReqToCallback ? req : undefined,
      accessToken: tokens.accessToken,
      refreshToken: tokens.refreshToken,
      params: response,
      profile: await this._loadProfile(grant)
    })
    if (!user) return { failure: info }
    setFinishedLogin(req, { tokens, returnTo: login.returnTo, previousSession: peekSession(req) })
    return { user, info: withState({ ...info, tokens }, login.state) }
  }

  private _metadata(req: Request, options: TwilioAuthenticateOptions): StateStoreMetadata {
    const { authorize, token, clientID } = this._configuration
    const callbackURL = options.callbackURL ?? this._options.callbackURL
    return {
      authorizationURL: authorize.url,
      tokenURL: token.url,
      clientID,
      callbackURL: absoluteCallbackURL(callbackURL, req, this._options.proxy ?? false)
    }
  }

  private _scopeOf(options: TwilioAuthenticateOptions): string {
    const scope = options.scope ?? this._options.scope ?? DEFAULT_SCOPE
    return typeof scope === 'string' ? scope : scope.join(this._options.scopeSeparator ?? ' ')
  }

  private async _loadProfile({ tokens, idClaims }: GrantResult): Promise<TwilioProfile | undefined> {
    if (await this._skipsProfile(tokens.accessToken)) return undefined
    if (this.userProfile === ownUserProfile) return this._profileOf(tokens.accessToken, { idClaims, accessClaims: tokens.claims })
    const [profile] = await fromCallback<[TwilioProfile?]>((done) => this.userProfile(tokens.accessToken, done))
    return profile
  }

  private async _skipsProfile(accessToken: string): Promise<boolean> {
    const skip = this._options.skipUserProfile ?? false
    if (typeof skip === 'boolean') return skip
    if (skip.length < 2) return (skip as () => boolean)()
    const [skips] = await fromCallback<[boolean?]>((done) => skip(accessToken, done))
    return Boolean(skips)
  }

  private async _profileOf(accessToken: string, claims: ProfileClaims): Promise<TwilioProfile | undefined> {
    const { accounts, limits } = this._configuration
    const account = this._options.lookUpAccount ? await lookUpAccount(accessToken, accounts, limits) : undefined
    return profileOf(claims, account)
  }
}

/** A subclass may have another. */
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is only compared
const ownUserProfile = TwilioStrategy.prototype.userProfile

/** Keeps properties out of what is printed or serialized: they hold secrets. */
function hide(object: object, ...names: readonly string[]): void {
  for (const name of names) Object.defineProperty(object, name, { enumerable: false })
}

function isFunction(value: unknown): value is AnyVerify {
  return typeof value === 'function'
}

function loginStore(options: AnyOptions, { hostname, secret, pkce }: { hostname: string; secret: string; pkce: boolean }): LoginStore {
  const { store } = options
  if (isStateStore(store)) return applicationLoginStore(store, pkce)
  if (typeof store === 'object') throw new TypeError('store must have the functions store and verify, as a state store of passport-oauth2 has.')
  const pending = new PendingLogins({
    sessionKey: options.sessionKey ?? `oauth2:${hostname}`,
    max: checkCount('maxPendingLogins', options.maxPendingLogins ?? DEFAULT_MAX_PENDING_LOGINS),
    ttl: checkNumber('pendingLoginTTL', options.pendingLoginTTL ?? DEFAULT_PENDING_LOGIN_TTL, 'ms'),
    secret
  })
  return sessionLoginStore(pending, pkce)
}

/** By these, browsers say that they fetch a page before anybody asks for it. */
const PURPOSES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** Whether this request is one that nobody looks at: its answer must not depend on it, nor anything be spent by it. */
function isSpeculative({ method, headers }: Request): boolean {
  return method === 'HEAD' || PURPOSES.some((name) => name in headers && /prefetch|prerender|preview/i.test(String(headers[name])))
}

/** The person, or Twilio, said no (RFC 6749 §4.1.2.1). */
function refusal({ error = '', error_description: description, error_uri: uri }: Callback, state: unknown): Failure {
  const said = description === undefined ? '' : redact(description, [])
  if (error === 'access_denied') return { failure: withState({ message: said || 'Access was not approved.' }, state) }
  const name = redact(error, [])
  throw new AuthorizationError(`Twilio refused the login with ${name}${said && `: ${said}`}.`, name, redactURL(uri, []))
}

/** With what the application passed as `state`, where it did. */
function withState(info: object, state: unknown): object {
  return state === undefined ? info : { ...info, state }
}

function asParameters(extra: object): OAuthParameters {
  const parameters: Record<string, string> = {}
  for (const [name, value] of Object.entries(extra)) if (value !== undefined && value !== null) parameters[name] = String(value)
  return parameters
}
