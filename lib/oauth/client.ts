import type { Agent } from 'node:http'
import { TwilioResponseError } from '../errors'
import { isObject } from '../util/is-object'
import { encodeParameters, type OAuthParameters } from './dialect'
import { callHttp, parseJSON } from './http'
import { configure, setAgent, type ClientConfiguration, type TwilioOAuthClientOptions } from './options'
import { TokenEndpoint } from './token-endpoint'
import { isErrorBody, tokenErrorOf } from './token-error'
import type { TwilioTokens } from './tokens'

/** What goes along to the authorize endpoint. */
export interface AuthorizationParameters {
  /** Where Twilio sends the person back to, exactly as registered. */
  readonly redirectURI: string
  /** Space-separated. */
  readonly scope?: string | undefined
  /** Comes back with the person (RFC 6749 §4.1.1). */
  readonly state?: string | undefined
  /** PKCE's S256 challenge (RFC 7636 §4.2). */
  readonly codeChallenge?: string | undefined
  /** What else goes along. Names of OAuth 2.0 are put into the dialect's; others go as they are. */
  readonly extra?: OAuthParameters | undefined
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call, with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** What {@link TwilioOAuthClient.exchangeCode} changes for tokens. */
export interface ExchangeCodeOptions extends CallOptions {
  /** What came back with the person, good for once and for five minutes. */
  readonly code: string
  /** The same address as in the authorization request. */
  readonly redirectURI: string
  /** PKCE's verifier (RFC 7636 §4.1). */
  readonly codeVerifier?: string | undefined
  /** What else goes along. Names of OAuth 2.0 are put into the dialect's; others go as they are. */
  readonly extra?: OAuthParameters | undefined
}

/** What {@link TwilioOAuthClient.refresh} may be told. */
export interface RefreshOptions extends CallOptions {
  /** A part of the scope that was granted; default: all of it. */
  readonly scope?: string | undefined
}

/** What {@link TwilioOAuthClient.clientCredentials} asks for. */
export interface ClientCredentialsOptions extends CallOptions {
  /** Space-separated. Default: what the OAuth app may do. */
  readonly scope?: string | undefined
  /** The address of the API that the token is for. */
  readonly audience?: string | undefined
}

/** Twilio's OAuth API, without Passport: where to send people, and the three grants. */
export class TwilioOAuthClient {
  /** ms for a whole call to Twilio. */
  readonly timeout: number
  /** The OAuth app's client ID. */
  readonly clientID: string
  readonly #configuration: ClientConfiguration
  readonly #tokenEndpoint: TokenEndpoint

  /** @throws {TypeError} naming the option that is wrong, and what it should be */
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

  /** The address to send a browser to (RFC 6749 §4.1.1; the contract's `FetchAuthorize`). */
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
   * Asks Twilio for the page to send the browser to, so that it need not pass through the API:
   * `redirect_to` in the answer's body, or its `Location` (the contract's `FetchAuthorize`).
   *
   * @throws {TwilioResponseError} when the answer has no address, or one that is not Twilio's
   * @throws {TwilioTokenError} when Twilio refuses
   * @throws {TwilioTimeoutError} when it does not answer whole within `timeout`
   * @throws {TwilioNetworkError} when it cannot be reached
   */
  async resolveAuthorization(parameters: AuthorizationParameters, { signal }: CallOptions = {}): Promise<string> {
    const { authorize, limits, clientSecret } = this.#configuration
    const asked = new URL(this.authorizationURL(parameters))
    const answer = await callHttp(
      { method: 'GET', endpoint: { ...authorize, path: asked.pathname + asked.search }, headers: { Accept: 'application/json' }, signal },
      limits
    )
    const body = parseJSON(answer)
    if (isErrorBody(body) || answer.status !== 302) throw tokenErrorOf(answer, body, { grantType: 'authorization_code', secrets: [clientSecret, parameters.state] })
    const target = (isObject(body) ? body.redirect_to : undefined) ?? answer.headers.location
    return trustedAddress(target, asked)
  }

  /**
   * Changes a code for tokens (RFC 6749 §4.1.3; the contract's `CreateToken`). Sent once, whatever happens.
   *
   * @throws {TwilioTokenError} when Twilio refuses
   * @throws {TwilioIdTokenError} when the ID token is not one to log somebody in with
   * @throws {TwilioResponseError} when the answer cannot be used
   * @throws {TwilioTimeoutError} when it does not come whole within `timeout`
   * @throws {TwilioNetworkError} when Twilio cannot be reached, or the connection breaks
   */
  async exchangeCode(options: ExchangeCodeOptions): Promise<TwilioTokens> {
    return (await this.#tokenEndpoint.exchangeCode(options)).tokens
  }

  /**
   * Buys new tokens with a refresh token (RFC 6749 §6). Where Twilio answers without a new refresh token, the old one is kept.
   * A passing trouble (no connection, 429, 5xx) is tried again, at most twice and within `timeout`.
   *
   * An ID token that does not hold, or cannot be checked within `timeout`, is left out of what this gives. Nobody is logged in
   * with it, and the refresh token may be spent by then: the new tokens must not be lost with it.
   *
   * @throws {TwilioTokenError} `invalid_grant` when the refresh token is spent, expired or revoked
   * @throws {TwilioResponseError} when the answer cannot be used
   * @throws {TwilioTimeoutError} when it does not come whole within `timeout`
   * @throws {TwilioNetworkError} when Twilio cannot be reached, or the connection breaks
   */
  async refresh(refreshToken: string, { scope, signal }: RefreshOptions = {}): Promise<TwilioTokens> {
    return (await this.#tokenEndpoint.refresh(refreshToken, scope, signal)).tokens
  }

  /**
   * Tokens for the app itself, with no person (RFC 6749 §4.4).
   *
   * @throws as {@link TwilioOAuthClient.exchangeCode}
   */
  async clientCredentials({ scope, audience, signal }: ClientCredentialsOptions = {}): Promise<TwilioTokens> {
    return (await this.#tokenEndpoint.clientCredentials(scope, audience, signal)).tokens
  }
}

/** A browser is sent to Twilio only: to https under twilio.com, or to the very origin that was asked. */
function trustedAddress(target: unknown, asked: URL): string {
  if (typeof target !== 'string' || target === '' || !URL.canParse(target, asked.href)) throw new TwilioResponseError('Twilio gave no address to send the browser to (redirect_to).')
  const { origin, protocol, hostname, username, href } = new URL(target, asked)
  const isTwilio = protocol === 'https:' && (hostname === 'twilio.com' || hostname.endsWith('.twilio.com'))
  if (username !== '' || !(isTwilio || origin === asked.origin)) {
    throw new TwilioResponseError('The address to send the browser to (redirect_to) is not one of Twilio; it was not followed.')
  }
  return href
}
