import { isObject } from './claims'
import { encodeParameters, type OAuthParameters } from './dialect'
import { TwilioResponseError } from '../errors'
import { callHttp, type HttpAnswer } from './http'
import { idTokenChecker, type CheckIdToken } from './id-token'
import { configure, type ClientConfiguration, type TwilioOAuthClientOptions } from './options'
import { retrying } from './retry'
import { errorOf, isErrorBody } from './token-error'
import { readTokens, rememberIdClaims, type TwilioTokens } from './tokens'
import { within } from '../util/within'

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

type GrantParameters = OAuthParameters & { readonly grant_type: string }

const FORM = 'application/x-www-form-urlencoded'

/** The client's own go along with every call, and no others. */
const NO_CREDENTIALS: OAuthParameters = { client_id: undefined, client_secret: undefined }

/** Twilio's OAuth API, without Passport: where to send people, and the three grants. */
export class TwilioOAuthClient {
  /** ms for a whole call to Twilio. */
  readonly timeout: number
  readonly #configuration: ClientConfiguration
  readonly #checkIdToken: CheckIdToken
  /** Of every call to the token endpoint. */
  readonly #headers: Readonly<Record<string, string>>
  /** The same in the body. */
  readonly #credentials: string

  /** @throws {TypeError} naming the option that is wrong, and what it should be */
  constructor(options: TwilioOAuthClientOptions) {
    this.#configuration = configure(options)
    const { clientID, clientSecret, customHeaders, dialect, idToken, limits } = this.#configuration
    this.timeout = limits.timeout
    this.#headers = { ...customHeaders, Accept: 'application/json', 'Content-Type': FORM }
    this.#credentials = encodeParameters(dialect, { client_id: clientID, client_secret: clientSecret })
    this.#checkIdToken = idTokenChecker(clientID, idToken, limits)
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
    if (isErrorBody(body) || answer.status !== 302) throw errorOf(answer, body, { grantType: 'authorization_code', secrets: [clientSecret, parameters.state] })
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
  exchangeCode({ code, redirectURI, codeVerifier, extra, signal }: ExchangeCodeOptions): Promise<TwilioTokens> {
    return this.#grant({ ...extra, ...NO_CREDENTIALS, grant_type: 'authorization_code', code, redirect_uri: redirectURI, code_verifier: codeVerifier }, signal)
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
    const deadline = Date.now() + this.timeout
    const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken, scope }
    // What follows on the answer is not tried again: it would send a refresh token that is spent.
    const answer = await retrying(() => this.#ask(parameters, signal, deadline), deadline, signal)
    try {
      const tokens = readTokens(answer, refreshToken)
      if (tokens.idToken === undefined) return tokens
      const claims = await within(deadline - Date.now(), this.#checkIdToken(tokens.idToken))
      if (claims) {
        rememberIdClaims(tokens, claims)
        return tokens
      }
    } catch {
      // Whatever else is wrong with the answer is told below.
    }
    return readTokens(isObject(answer) ? { ...answer, id_token: undefined } : answer, refreshToken)
  }

  /**
   * Tokens for the app itself, with no person (RFC 6749 §4.4).
   *
   * @throws as {@link TwilioOAuthClient.exchangeCode}
   */
  clientCredentials({ scope, audience, signal }: ClientCredentialsOptions = {}): Promise<TwilioTokens> {
    return this.#grant({ grant_type: 'client_credentials', scope, audience }, signal)
  }

  async #grant(parameters: GrantParameters, signal: AbortSignal | undefined): Promise<TwilioTokens> {
    const tokens = readTokens(await this.#ask(parameters, signal, Date.now() + this.timeout))
    if (parameters.grant_type === 'authorization_code' || tokens.idToken !== undefined) rememberIdClaims(tokens, await this.#checkIdToken(tokens.idToken))
    return tokens
  }

  /** What the token endpoint answers. */
  async #ask(parameters: GrantParameters, signal: AbortSignal | undefined, deadline: number): Promise<unknown> {
    const { clientSecret, dialect, limits, token } = this.#configuration
    const answer = await callHttp(
      {
        method: 'POST',
        endpoint: token,
        headers: this.#headers,
        body: `${encodeParameters(dialect, parameters)}&${this.#credentials}`,
        signal,
        timeout: deadline - Date.now()
      },
      limits
    )
    const body = parseJSON(answer)
    const succeeded = answer.status === 200 || answer.status === 201
    if (succeeded && !isErrorBody(body)) return body
    const { grant_type: grantType, code, refresh_token: refreshToken, code_verifier: codeVerifier } = parameters
    throw errorOf(answer, body, { grantType, secrets: [clientSecret, code, refreshToken, codeVerifier] })
  }
}

/** JSON, or `undefined` for anything else. */
function parseJSON({ body }: HttpAnswer): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
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
