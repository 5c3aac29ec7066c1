import type { Agent } from 'node:http'
import { TwilioResponseError } from '../errors'
import { isObject } from '../util/is-object'
import { encodeParameters, type OAuthParameters } from './dialect'
import { discoverEndpoints, type DiscoveredEndpoints, type DiscoverOptions } from './discovery'
import { callHttp, parseJSON } from './http'
import { configure, setAgent, type ClientConfiguration, type TwilioOAuthClientOptions } from './options'
import { TokenEndpoint } from './token-endpoint'
import { readErrorBody, tokenErrorOf } from './token-error'
import type { TwilioTokens } from './tokens'

/** The parameters of an authorization request (RFC 6749 §4.1.1). */
export interface AuthorizationParameters {
  /** Where Twilio redirects the browser after the login, exactly as registered with the OAuth app. */
  readonly redirectURI: string
  /** Space-separated. */
  readonly scope?: string | undefined
  /** Returned unchanged to the redirect URI. */
  readonly state?: string | undefined
  /** PKCE's S256 challenge (RFC 7636 §4.2). */
  readonly codeChallenge?: string | undefined
  /** More parameters. OAuth 2.0 names are translated to the API version's; others are sent unchanged. */
  readonly extra?: OAuthParameters | undefined
}

/** Options for every call. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Options for {@link TwilioOAuthClient.exchangeCode}. */
export interface ExchangeCodeOptions extends CallOptions {
  /** The code from the callback. It can be used once, within five minutes. */
  readonly code: string
  /** The same redirect URI as in the authorization request. */
  readonly redirectURI: string
  /** PKCE's verifier (RFC 7636 §4.1). */
  readonly codeVerifier?: string | undefined
  /** More parameters. OAuth 2.0 names are translated to the API version's; others are sent unchanged. */
  readonly extra?: OAuthParameters | undefined
}

/** Options for {@link TwilioOAuthClient.refresh}. */
export interface RefreshOptions extends CallOptions {
  /** A subset of the granted scope, space-separated. Default: all of it. */
  readonly scope?: string | undefined
}

/** Options for {@link TwilioOAuthClient.clientCredentials}. */
export interface ClientCredentialsOptions extends CallOptions {
  /** Space-separated. Default: everything the OAuth app is allowed to do. */
  readonly scope?: string | undefined
  /** The URL of the API that the token is for. */
  readonly audience?: string | undefined
}

/** A client for Twilio's OAuth API that works without Passport: the authorization request and the three grants. */
export class TwilioOAuthClient {
  /** The time limit of a call to Twilio, in ms. */
  readonly timeout: number
  /** The OAuth app's client ID. */
  readonly clientID: string
  readonly #configuration: ClientConfiguration
  readonly #tokenEndpoint: TokenEndpoint

  /**
   * Finds the endpoints of Twilio's OAuth API in its authorization server metadata (RFC 8414), for the options of a client or a
   * strategy: `new TwilioStrategy({ ...await TwilioOAuthClient.discover(), clientID, … }, verify)`. They are those of v2.
   *
   * Twilio has specified its metadata, but may not publish it. If there is none, or no response within `timeout`, the known
   * endpoints are returned.
   *
   * @param baseURL the base URL of Twilio's OAuth API, which must be the issuer. Default: `https://oauth.twilio.com`
   * @throws {TypeError} for an invalid option
   * @throws {TwilioResponseError} for metadata of another issuer, or without endpoints that may be used
   */
  static discover(baseURL?: string, options?: DiscoverOptions): Promise<DiscoveredEndpoints> {
    return discoverEndpoints(baseURL, options)
  }

  /** @throws {TypeError} naming the option that is wrong and what it should be */
  constructor(options: TwilioOAuthClientOptions) {
    this.#configuration = configure(options)
    this.#tokenEndpoint = new TokenEndpoint(this.#configuration)
    this.timeout = this.#configuration.limits.timeout
    this.clientID = this.#configuration.clientID
  }

  /** @internal For the `setAgent` of a strategy's `_oauth2`. */
  setAgent(agent: Agent): void {
    setAgent(this.#configuration, agent)
  }

  /** The URL to redirect the browser to (RFC 6749 §4.1.1; the contract's `FetchAuthorize`). */
  authorizationURL({ redirectURI, scope, state, codeChallenge, extra }: AuthorizationParameters): string {
    const { authorize, clientID, dialect } = this.#configuration
    const query = encodeParameters(dialect, {
      ...extra,
      response_type: 'code',
      client_id: clientID,
      redirect_uri: redirectURI,
      scope,
      state,
      code_challenge: codeChallenge,
      code_challenge_method: codeChallenge && 'S256'
    })
    return `${authorize.url}${authorize.path.includes('?') ? '&' : '?'}${query}`
  }

  /**
   * Asks Twilio for its login page, so that the browser can be redirected straight there: `redirect_to` in the
   * response's body, else its `Location` header (the contract's `FetchAuthorize`).
   *
   * @throws {TwilioTokenError} when Twilio refuses
   * @throws {TwilioResponseError} when the response has no URL, or one that is not Twilio's
   * @throws {TwilioTimeoutError} when there is no complete response within `timeout`
   * @throws {TwilioNetworkError} when Twilio cannot be reached, or the connection breaks
   */
  async resolveAuthorization(parameters: AuthorizationParameters, { signal }: CallOptions = {}): Promise<string> {
    const { authorize, limits, clientSecret } = this.#configuration
    const requested = new URL(this.authorizationURL(parameters))
    const response = await callHttp(
      { method: 'GET', endpoint: { ...authorize, path: requested.pathname + requested.search }, headers: { Accept: 'application/json' }, signal },
      limits
    )
    const body = parseJSON(response)
    const error = readErrorBody(body)
    if (error || response.status !== 302) throw tokenErrorOf(response, error, [clientSecret, parameters.state])
    const target = (isObject(body) ? body.redirect_to : undefined) ?? response.headers.location
    return trustedURL(target, requested)
  }

  /**
   * Exchanges a code for tokens (RFC 6749 §4.1.3; the contract's `CreateToken`). Never retried, since a code can be used only once.
   *
   * @throws {TwilioTokenError} when Twilio refuses
   * @throws {TwilioIdTokenError} when the ID token is invalid
   * @throws {TwilioResponseError} when the response cannot be used
   * @throws {TwilioTimeoutError} when there is no complete response within `timeout`
   * @throws {TwilioNetworkError} when Twilio cannot be reached, or the connection breaks
   */
  async exchangeCode(options: ExchangeCodeOptions): Promise<TwilioTokens> {
    return (await this.#tokenEndpoint.exchangeCode(options)).tokens
  }

  /**
   * Exchanges a refresh token for new tokens (RFC 6749 §6). If Twilio returns no new refresh token, the old one is kept.
   * Retried after a temporary failure (no connection, 429, 5xx), at most twice and within `timeout`.
   *
   * An ID token that is invalid, or cannot be checked within `timeout`, is left out of the result instead of being an
   * error: the refresh token has been used by then, and the new tokens must not be lost.
   *
   * @throws {TwilioTokenError} `invalid_grant` when the refresh token has been used, has expired or was revoked
   * @throws {TwilioResponseError} when the response cannot be used
   * @throws {TwilioTimeoutError} when there is no complete response within `timeout`
   * @throws {TwilioNetworkError} when Twilio cannot be reached, or the connection breaks
   */
  async refresh(refreshToken: string, { scope, signal }: RefreshOptions = {}): Promise<TwilioTokens> {
    return (await this.#tokenEndpoint.refresh(refreshToken, scope, signal)).tokens
  }

  /**
   * Gets tokens for the app itself, without a user (RFC 6749 §4.4).
   *
   * @throws the same errors as {@link TwilioOAuthClient.exchangeCode}
   */
  async clientCredentials({ scope, audience, signal }: ClientCredentialsOptions = {}): Promise<TwilioTokens> {
    return (await this.#tokenEndpoint.clientCredentials(scope, audience, signal)).tokens
  }
}

/** The browser is redirected to Twilio only: to https at twilio.com or a subdomain, or to the origin of the request. */
function trustedURL(target: unknown, requested: URL): string {
  if (typeof target !== 'string' || target === '' || !URL.canParse(target, requested.href)) {
    throw new TwilioResponseError('Twilio returned no URL to redirect the browser to (redirect_to). Leave out resolveAuthorizeURL.')
  }
  const { origin, protocol, hostname, username, href } = new URL(target, requested)
  const isTwilio = protocol === 'https:' && (hostname === 'twilio.com' || hostname.endsWith('.twilio.com'))
  if (username !== '' || !(isTwilio || origin === requested.origin)) {
    throw new TwilioResponseError("The URL to redirect the browser to (redirect_to) is not one of Twilio's, so it was not followed. Check authorizationURL and any proxy in between.")
  }
  return href
}
