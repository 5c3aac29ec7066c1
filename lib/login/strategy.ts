import type { Request } from 'express'
import OAuth2Strategy, { type StrategyOptions, type VerifyFunction } from 'passport-oauth2'
import { optionError } from '../errors'
import { claimsOf } from '../oauth/claims'
import { TwilioOAuthClient, type AuthorizationParameters } from '../oauth/client'
import type { OAuthParameters } from '../oauth/dialect'
import { configure, type ClientConfiguration } from '../oauth/options'
import type { TwilioProfile } from '../oauth/profile'
import { TokenEndpoint, type GrantResult } from '../oauth/token-endpoint'
import { setFinishedLogin } from '../request/finished-login'
import { keepReturnTo, takeReturnTo } from '../request/return-to'
import { followLogout } from '../request/logout'
import { peekSession } from '../request/session'
import { isSpeculative } from '../request/speculative-request'
import { fromCallback } from '../util/from-callback'
import { applicationError } from './application-error'
import { authorizationErrorOf, badRequest, denialMessageOf, readCallback, type Callback } from './callback'
import { absoluteCallbackURL } from './callback-url'
import { ConcurrencyLimit } from './concurrency-limit'
import { LoginStateError } from './login-state-error'
import type { BegunLogin, LoginContext, LoginStore, ReturnedLogin, StateStoreMetadata } from './login-store'
import { LostSessions } from './lost-session'
import { adaptOAuth2 } from './oauth2-adapter'
import { checkApplicationState, checkCallbackURL, checkScope, type AnyOptions, type TwilioAuthenticateOptions, type TwilioStrategyOptions, type TwilioStrategyOptionsWithRequest } from './options'
import { published, type Failure, type Outcome, type Redirect, type Success } from './outcome'
import { codeChallengeOf } from './pkce'
import { loadProfile, skipsProfile } from './profile-loader'
import { setPrivacyHeaders, setRetryAfter } from './response-headers'
import { loginStore } from './state-store'
import { unlessLoggedOut } from './unless-logged-out'
import { callVerify, type AnyVerify, type Verify, type VerifyWithParameters, type VerifyWithRequest, type VerifyWithRequestAndParameters } from './verify'

// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- `void` is what a function that calls `done` returns
type UserProfileResult = Promise<TwilioProfile | undefined> | void

const DEFAULT_SCOPE = 'offline_access'

/** Without the static `Strategy`, whose options differ. */
const Base: Omit<typeof OAuth2Strategy, 'Strategy' | 'prototype'> & (new (options: StrategyOptions, verify: VerifyFunction) => OAuth2Strategy) = OAuth2Strategy

/**
 * "Log in with Twilio" for Passport: the authorization code grant (RFC 6749 §4.1) with Twilio's parameter names.
 *
 * A login begins where `passport.authenticate('twilio')` handles a request without a code, and ends at the callback.
 * Errors are passed to `next`: {@link LoginStateError}, `AuthorizationError`, and the errors of {@link TwilioOAuthClient}.
 * If the person does not approve, it is a Passport failure.
 */
export class TwilioStrategy extends Base {
  /** The name for `passport.authenticate`. `passport.use(name, strategy)` sets another. */
  override name = 'twilio'
  /** Twilio's OAuth API with this strategy's options, without Passport. */
  readonly client: TwilioOAuthClient

  private readonly _options: AnyOptions
  private readonly _configuration: ClientConfiguration
  private readonly _tokenEndpoint: TokenEndpoint
  private readonly _callLimit = new ConcurrencyLimit()
  private readonly _logins: LoginStore
  private readonly _lostSessions = new LostSessions()
  private readonly _verifyUser: AnyVerify

  /* eslint-disable @typescript-eslint/unified-signatures -- separate overloads, in this order, give the usual function's parameters their types */
  /**
   * `verify` gets the request first.
   *
   * @throws {TypeError} if an option is missing or invalid
   */
  constructor(options: TwilioStrategyOptionsWithRequest, verify: VerifyWithRequest)
  /** `verify` gets the request first, and Twilio's token response before the profile. */
  constructor(options: TwilioStrategyOptionsWithRequest, verify: VerifyWithRequestAndParameters)
  /** The usual form of `verify`. */
  constructor(options: TwilioStrategyOptions, verify: Verify)
  /** `verify` gets Twilio's token response before the profile. */
  constructor(options: TwilioStrategyOptions, verify: VerifyWithParameters)
  /* eslint-enable @typescript-eslint/unified-signatures */
  constructor(options: AnyOptions, verify: unknown) {
    const configuration = configure(options)
    const callbackURL = checkCallbackURL(options.callbackURL)
    checkScope(options.scope)
    if (!isFunction(verify)) throw optionError('verify is missing. Pass a function that finds the user as the second argument: new TwilioStrategy(options, verify).')
    const { authorize, token, clientID, clientSecret } = configuration
    const customHeaders = { ...options.customHeaders }
    super({ callbackURL, authorizationURL: authorize.url, tokenURL: token.url, clientID, clientSecret: clientSecret ?? '', customHeaders }, verify)

    this.client = new TwilioOAuthClient(options)
    this._tokenEndpoint = new TokenEndpoint(configuration)
    this._options = options
    this._configuration = configuration
    this._verifyUser = verify
    this._logins = loginStore(options, configuration)
    adaptOAuth2(this._oauth2, { client: this.client, tokenEndpoint: this._tokenEndpoint, configuration })
    // Not #private: Passport calls objects that inherit from the strategy.
    hide(this, '_options', '_configuration', '_oauth2')
    hide(this._oauth2, '_clientSecret', '_customHeaders')
  }

  /** Begins a login, or finishes one at the callback. Called by Passport. */
  override authenticate(req: Request, options: TwilioAuthenticateOptions = {}): void {
    // If `passport.authenticate` was given this object instead of a name, Passport sets these on it for each request.
    // Bind those of this request before anything is awaited.
    const success = this.success.bind(this)
    const fail = this.fail.bind(this)
    const redirect = this.redirect.bind(this)
    const error = this.error.bind(this)

    setPrivacyHeaders(req)
    const act = (outcome: Outcome) => {
      if ('location' in outcome) redirect(outcome.location)
      else if ('user' in outcome) success(outcome.user, outcome.info)
      else fail(outcome.challenge)
    }
    const rejectRequest = (reason: unknown) => {
      setRetryAfter(req, reason)
      error(reason)
    }
    this._handle(req, options)
      .then(act, rejectRequest)
      // An error thrown by the application's own callback goes to its error handler.
      .catch((thrown: unknown) => (req.next ?? error)(applicationError(thrown)))
      .catch(() => req.destroy())
  }

  /**
   * The profile for an access token, as in passport-oauth2. Override it to load your own: call `done`, or return a promise.
   * Unless it is overridden, a login uses the ID token too.
   */
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the base type expects `done` to be called; this class accepts a promise too
  override userProfile(accessToken: string, done: (error?: unknown, profile?: TwilioProfile) => void): UserProfileResult {
    loadProfile(accessToken, { idClaims: {}, accessClaims: claimsOf(accessToken) }, this._configuration, this._options).then((profile) => done(null, profile), done)
  }

  private async _handle(req: Request, options: TwilioAuthenticateOptions): Promise<Outcome> {
    if (isSpeculative(req)) throw badRequest('A HEAD request or a prefetch can neither begin nor finish a login.')
    const callback = readCallback(req)
    return callback ? published('end', () => this._finish(req, callback, options)) : published('begin', () => this._begin(req, options))
  }

  /** Sends the browser to Twilio (RFC 6749 §4.1.1), once the login has been stored. */
  private async _begin(req: Request, options: TwilioAuthenticateOptions): Promise<Redirect> {
    checkApplicationState(options.state)
    const metadata = this._metadata(req, options)
    const returnTo = takeReturnTo(req)
    try {
      const login = await this._logins.begin(req, { state: options.state, returnTo }, metadata)
      this._lostSessions.began(req, login.state)
      await this._logins.save(req)
      return { location: await this._authorizationURL(login, metadata, options) }
    } catch (error) {
      // This may have taken seconds. The session is saved with the error page, which must not undo a logout.
      await followLogout(req).catch(() => undefined)
      // For the next login: this one will not come back.
      if (returnTo !== undefined) keepReturnTo(req, returnTo)
      throw error
    }
  }

  private async _authorizationURL({ state, codeVerifier }: BegunLogin, { callbackURL }: StateStoreMetadata, options: TwilioAuthenticateOptions): Promise<string> {
    const parameters: AuthorizationParameters = {
      redirectURI: callbackURL,
      scope: this._scopeFor(options),
      state,
      codeChallenge: codeVerifier === undefined ? undefined : codeChallengeOf(codeVerifier),
      extra: asParameters(this.authorizationParams(options))
    }
    return this._options.resolveAuthorizeURL ? this._callLimit.run(() => this.client.resolveAuthorization(parameters)) : this.client.authorizationURL(parameters)
  }

  /** Checks the callback's state, exchanges its code, and calls `verify` (RFC 6749 §4.1.2 to §4.1.4). */
  private async _finish(req: Request, callback: Callback, options: TwilioAuthenticateOptions): Promise<Success | Failure> {
    const metadata = this._metadata(req, options)
    const { code } = callback
    if (code === undefined) {
      const login = await this._finishPendingLogin(req, callback, metadata)
      return { challenge: withState({ message: denialMessageOf(callback) }, login), isDenied: true }
    }

    // A login that is refused here is still pending.
    this._callLimit.check()
    const login = await this._finishPendingLogin(req, callback, metadata)
    const { grant, user, info } = await unlessLoggedOut(req, async () => {
      const issued = await this._callLimit.run(() => this._exchangeCode(code, login, metadata, options))
      return { grant: issued, ...(await this._verifyLogin(req, issued)) }
    })
    if (!user) return { challenge: info }
    setFinishedLogin(req, { tokens: grant.tokens, clientID: this.client.clientID, user, returnTo: login.returnTo, previousUser: req.user, previousSession: peekSession(req) })
    return { user, info: withState({ ...info, tokens: grant.tokens }, login) }
  }

  private async _finishPendingLogin(req: Request, callback: Callback, metadata: StateStoreMetadata): Promise<ReturnedLogin> {
    try {
      const login = await this._logins.finish(req, callback.state, metadata)
      // For Passport's keepSessionInfo, and for the next login if this one fails.
      if (login.returnTo !== undefined) keepReturnTo(req, login.returnTo)
      return login
    } catch (error) {
      if (!(error instanceof LoginStateError)) throw error
      const lost = error.reason === 'unknown' ? this._lostSessions.causeOf(req, callback.state) : undefined
      throw new LoginStateError(error.reason, { ...lost, ...(callback.error !== undefined && { cause: authorizationErrorOf(callback) }) })
    }
  }

  private _exchangeCode(code: string, { codeVerifier }: ReturnedLogin, { callbackURL }: StateStoreMetadata, options: TwilioAuthenticateOptions): Promise<GrantResult> {
    return this._tokenEndpoint.exchangeCode({ code, redirectURI: callbackURL, codeVerifier, extra: asParameters(this.tokenParams(options)) })
  }

  private async _verifyLogin(req: Request, grant: GrantResult): ReturnType<typeof callVerify> {
    const { tokens, response } = grant
    return callVerify(this._verifyUser, {
      request: this._options.passReqToCallback ? req : undefined,
      accessToken: tokens.accessToken,
      refreshToken: tokens.refreshToken,
      params: response,
      profile: await this._loadUserProfileOf(grant)
    })
  }

  private async _loadUserProfileOf({ tokens, idClaims }: GrantResult): Promise<TwilioProfile | undefined> {
    const { accessToken, claims: accessClaims } = tokens
    if (await skipsProfile(accessToken, this._options.skipUserProfile)) return undefined
    if (this.userProfile === defaultUserProfile) return loadProfile(accessToken, { idClaims, accessClaims }, this._configuration, this._options)
    const [profile] = await fromCallback<[TwilioProfile?]>((done) => this.userProfile(accessToken, done), { hasCallbackParameter: this.userProfile.length > 1 })
    return profile
  }

  private _metadata(req: Request, options: TwilioAuthenticateOptions): StateStoreMetadata {
    const { authorize, token, clientID } = this._configuration
    const callbackURL = checkCallbackURL(options.callbackURL ?? this._options.callbackURL)
    return {
      authorizationURL: authorize.url,
      tokenURL: token.url,
      clientID,
      callbackURL: absoluteCallbackURL(callbackURL, req, this._options.proxy ?? false)
    }
  }

  private _scopeFor(options: TwilioAuthenticateOptions): string {
    const scope = options.scope ?? this._options.scope ?? DEFAULT_SCOPE
    return typeof scope === 'string' ? scope : scope.join(this._options.scopeSeparator ?? ' ')
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- only compared, to find out whether a subclass overrides it
const defaultUserProfile = TwilioStrategy.prototype.userProfile

/** Makes properties non-enumerable, since they hold secrets that must not be logged or serialized. */
function hide(object: object, ...names: readonly string[]): void {
  for (const name of names) Object.defineProperty(object, name, { enumerable: false })
}

function isFunction(value: unknown): value is AnyVerify {
  return typeof value === 'function'
}

/** Adds what the application passed as `state`, if anything. */
function withState(info: object, { state }: LoginContext): object {
  return state === undefined ? info : { ...info, state }
}

function asParameters(extra: object): OAuthParameters {
  const parameters: Record<string, string> = {}
  for (const [name, value] of Object.entries(extra)) if (value !== undefined && value !== null) parameters[name] = String(value)
  return parameters
}
