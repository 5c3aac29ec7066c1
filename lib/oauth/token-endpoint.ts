import { publishToken, startTimer, type TokenMessage } from '../diagnostics'
import { optionError, TwilioResponseError } from '../errors'
import { isObject } from '../util/is-object'
import { withTimeLimit } from '../util/with-time-limit'
import type { Claims } from './claims'
import { encodeParameters, type OAuthParameters } from './dialect'
import { callHttp, parseJSON, type HttpResponse } from './http'
import { idTokenChecker, type CheckIdToken } from './id-token'
import type { ClientConfiguration } from './options'
import { withRetries } from './retry'
import { readErrorBody, tokenErrorOf } from './token-error'
import { readTokens, type TwilioTokens } from './tokens'

/** The parameters of {@link TokenEndpoint.exchangeCode}. */
export interface CodeGrant {
  readonly code: string
  readonly redirectURI: string
  readonly codeVerifier?: string | undefined
  readonly extra?: OAuthParameters | undefined
  readonly signal?: AbortSignal | undefined
}

/** The result of a grant. */
export interface GrantResult {
  readonly tokens: TwilioTokens
  /** Twilio's response, unchanged. */
  readonly response: Readonly<Record<string, unknown>>
  /** The claims of the ID token, which has been checked; empty without one. */
  readonly idClaims: Claims
}

type GrantParameters = OAuthParameters & { readonly grant_type: TokenMessage['grantType'] }

const FORM = 'application/x-www-form-urlencoded'

/** Removes `client_id` and `client_secret` from an application's extra parameters. */
const NO_CREDENTIALS: OAuthParameters = { client_id: undefined, client_secret: undefined }

/** Twilio's token endpoint (RFC 6749 §3.2; the contract's `CreateToken`). */
export class TokenEndpoint {
  readonly #configuration: ClientConfiguration
  readonly #checkIdToken: CheckIdToken
  readonly #headers: Readonly<Record<string, string>>
  readonly #credentials: string

  constructor(configuration: ClientConfiguration) {
    const { clientID, clientSecret, customHeaders, dialect, idToken, limits } = configuration
    this.#configuration = configuration
    this.#headers = { ...customHeaders, Accept: 'application/json', 'Content-Type': FORM }
    this.#credentials = encodeParameters(dialect, { client_id: clientID, client_secret: clientSecret })
    this.#checkIdToken = idTokenChecker(clientID, idToken, limits)
  }

  /** RFC 6749 §4.1.3. Never retried, since a code is valid for one attempt. */
  async exchangeCode({ code, redirectURI, codeVerifier, extra, signal }: CodeGrant): Promise<GrantResult> {
    const parameters: GrantParameters = { ...extra, ...NO_CREDENTIALS, grant_type: 'authorization_code', code, redirect_uri: redirectURI, code_verifier: codeVerifier }
    const response = await this.#request(parameters, signal, this.#deadline())
    const tokens = readTokens(response)
    return { tokens, response, idClaims: await this.#checkIdToken(tokens.idToken) }
  }

  /** RFC 6749 §6. Retried after a temporary failure, at most twice and within the timeout. */
  async refresh(refreshToken: string, scope?: string, signal?: AbortSignal): Promise<GrantResult> {
    const deadline = this.#deadline()
    const parameters: GrantParameters = { grant_type: 'refresh_token', refresh_token: refreshToken, scope }
    const response = await withRetries((attempt) => this.#request(parameters, signal, deadline, attempt), deadline, signal)
    // The refresh token is spent now: an invalid ID token must not lose the new tokens.
    const idClaims = await this.#idClaimsIfValid(response.id_token, deadline)
    const tokens = readTokens(idClaims ? response : { ...response, id_token: undefined }, refreshToken)
    return { tokens, response, idClaims: idClaims ?? {} }
  }

  /** RFC 6749 §4.4. */
  async clientCredentials(scope?: string, audience?: string, signal?: AbortSignal): Promise<GrantResult> {
    if (this.#configuration.clientSecret === undefined) throw optionError('clientCredentials() needs clientSecret: a public client can only act for people who have logged in.')
    const parameters: GrantParameters = { grant_type: 'client_credentials', scope, audience }
    const response = await this.#request(parameters, signal, this.#deadline())
    const tokens = readTokens(response)
    return { tokens, response, idClaims: tokens.idToken === undefined ? {} : await this.#checkIdToken(tokens.idToken) }
  }

  #deadline(): number {
    return Date.now() + this.#configuration.limits.timeout
  }

  async #idClaimsIfValid(idToken: unknown, deadline: number): Promise<Claims | undefined> {
    if (typeof idToken !== 'string' || idToken === '') return undefined
    return withTimeLimit(deadline - Date.now(), this.#checkIdToken(idToken)).catch(() => undefined)
  }

  async #request(parameters: GrantParameters, signal: AbortSignal | undefined, deadline: number, attempt = 1): Promise<Record<string, unknown>> {
    const elapsed = startTimer()
    let response: HttpResponse | undefined
    let error: unknown
    try {
      response = await this.#send(parameters, signal, deadline)
      return this.#read(response, parameters)
    } catch (thrown) {
      error = thrown
      throw thrown
    } finally {
      publishToken({ grantType: parameters.grant_type, status: response?.status, duration: elapsed(), attempt, error })
    }
  }

  #send(parameters: GrantParameters, signal: AbortSignal | undefined, deadline: number): Promise<HttpResponse> {
    const { dialect, limits, token } = this.#configuration
    return callHttp(
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
  }

  #read(response: HttpResponse, parameters: GrantParameters): Record<string, unknown> {
    const { clientSecret, customHeaders } = this.#configuration
    const body = parseJSON(response)
    const error = readErrorBody(body)
    const succeeded = response.status === 200 || response.status === 201
    if (error || !succeeded) throw tokenErrorOf(response, error, [clientSecret, parameters.code, parameters.refresh_token, parameters.code_verifier, ...Object.values(customHeaders)], { isPublicClient: clientSecret === undefined })
    if (!isObject(body)) throw new TwilioResponseError('The token response is not a JSON object. Check baseURL and any proxy in between.')
    return body
  }
}
