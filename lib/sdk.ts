/**
 * Twilio's official SDK, authenticated with this package's tokens.
 *
 * @module passport-twilio/sdk
 */

import twilio from 'twilio'
import { optionError, TwilioNetworkError, TwilioPermissionError, TwilioResponseError, TwilioTimeoutError } from './errors'
import { textClaim, type Claims } from './oauth/claims'
import type { TwilioOAuthClient } from './oauth/client'
import { endpointOf } from './oauth/http'
import { accountSidOf, actorOf, sidOf } from './oauth/resource-name'
import { MISSING_PERMISSION, readErrorBody, type ErrorBody } from './oauth/token-error'
import type { TwilioTokens } from './oauth/tokens'
import { Freshness, type Lifetime } from './session/freshness'
import { redact } from './util/redact'

/** Provides access tokens, for example to a back-end job. This is the SDK's own interface with one more method. */
export interface TokenManager {
  /** An access token that has not expired. */
  fetchToken(): Promise<string>
  /** Called if Twilio refuses a token before its expiry. Without this method, the SDK's call fails instead of being retried. */
  expire?(accessToken: string): void
}

/** A {@link TokenManager} that uses each token until it is about to expire. */
export interface CachingTokenManager extends TokenManager {
  /**
   * Marks the current token as expired, so that the next call requests another one. {@link twilioClient} does so by itself.
   *
   * @param accessToken only if this is the current token
   */
  expire(accessToken?: string): void
}

/** Options for {@link twilioClient}. */
export interface TwilioClientOptions {
  /** The account to work in. Default: the account that the token acts for. An organization's token names none: see {@link listAccounts}. */
  readonly accountSid?: string | undefined
  /** The base URL of Twilio's REST API, for use with the sandbox. Default: Twilio's own hosts. */
  readonly apiBaseURL?: string | undefined
  /** The SDK's HTTP client. Pass your own to set time limits, retries or a proxy. Default: one that keeps connections alive, shared within this process. */
  readonly httpClient?: twilio.RequestClient | undefined
  /** Default: the token's region. */
  readonly region?: string | undefined
  /** Default: the region's own edge, since Twilio's host names need both. */
  readonly edge?: string | undefined
}

/** Options for {@link listAccounts}. */
export interface ListAccountsOptions extends Omit<TwilioClientOptions, 'accountSid'> {
  /** Maximum number of accounts. Default: all of them. */
  readonly limit?: number | undefined
}

/** An account that a token can access. */
export interface AccessibleAccount {
  /** `AC…`, for the option `accountSid` of {@link twilioClient}. */
  readonly accountSid: string
  /** The account's name in the Twilio Console. */
  readonly friendlyName: string
  /** `active`, `suspended` or `closed`. Only an active account can be worked in. */
  readonly status: string
}

/** Options for {@link tokenManager}. */
export interface TokenManagerOptions {
  /** Space-separated. Default: everything the OAuth app is allowed to do. */
  readonly scope?: string | undefined
  /** The URL of the API that the tokens are for. */
  readonly audience?: string | undefined
  /** How long before its expiry a token is replaced, in ms. Default: 60,000, but at most half of the token's lifetime. */
  readonly leeway?: number | undefined
}

/** The edges of Twilio's regions outside the United States. */
const EDGES: Readonly<Record<string, string>> = { ie1: 'dublin', au1: 'sydney' }
const DEFAULT_REGION = 'us1'
const ACCOUNT_SID = /^AC[\da-f]{32}$/i
/** Twilio's maximum. */
const MAX_PAGE_SIZE = 1000
/** Such as `us1`, `ie1`, `au1`. */
const REGION = /^[a-z]{2}\d$/

/**
 * Creates the official SDK's client for the tokens of a session (`req.twilioTokens`) or of a {@link tokenManager}.
 *
 * Its calls reject with the SDK's own errors, but with a {@link TwilioPermissionError} if the OAuth app lacks a permission, and
 * with {@link TwilioNetworkError}, {@link TwilioTimeoutError} or {@link TwilioResponseError} without a usable response, unless
 * `httpClient` is set. With a {@link TokenManager}, a call whose token Twilio has ended early is retried once with another token.
 *
 * @throws {TypeError} without tokens, if neither the token nor `accountSid` names an account, and if `accountSid` is not the SID of an account
 */
export function twilioClient(tokens: TwilioTokens | TokenManager | undefined, options: TwilioClientOptions = {}): twilio.Twilio {
  if (!tokens) throw optionError('twilioClient() was called without tokens. Is tokens.fresh() before this route? It sets req.twilioTokens.')
  const claims = claimsOf(tokens)
  const accountSid = options.accountSid ?? accountSidOf(claims)
  if (accountSid === undefined || accountSid === '') throw missingAccount(claims)
  // It becomes part of a path.
  if (!ACCOUNT_SID.test(accountSid)) throw optionError('accountSid must be the SID of an account: AC and 32 hexadecimal digits.')
  return createClient(tokens, accountSid, options)
}

/**
 * Lists the accounts that a token can access, so that people can choose the one to work in (Twilio's Accounts resource,
 * `GET /2010-04-01/Accounts.json`). All pages are fetched.
 *
 * Rejects with a {@link TwilioPermissionError} if the OAuth app may not list accounts, and otherwise like the calls of
 * {@link twilioClient}.
 *
 * @throws {TypeError} without tokens
 */
export async function listAccounts(tokens: TwilioTokens | TokenManager | undefined, { limit, ...options }: ListAccountsOptions = {}): Promise<AccessibleAccount[]> {
  if (!tokens) throw optionError('listAccounts() was called without tokens. Is tokens.fresh() before this route? It sets req.twilioTokens.')
  const client = createClient(tokens, undefined, options)
  const accounts = await client.api.v2010.accounts.list({ pageSize: MAX_PAGE_SIZE, ...(limit === undefined ? {} : { limit }) })
  return accounts.map(({ sid, friendlyName, status }) => ({ accountSid: sid, friendlyName, status }))
}

function missingAccount(claims: Claims): TypeError {
  return sidOf(actorOf(claims), 'OR') === undefined
    ? optionError('The token does not say which account it is for. Pass the account: twilioClient(tokens, { accountSid }).')
    : optionError('The token acts for an organization, and does not say which of its accounts to work in. Pass the account: twilioClient(tokens, { accountSid }). listAccounts(tokens) lists the accounts.')
}

function createClient(tokens: TwilioTokens | TokenManager, accountSid: string | undefined, options: Omit<TwilioClientOptions, 'accountSid'>): twilio.Twilio {
  const claims = claimsOf(tokens)
  const httpClient = options.httpClient ?? sharedHTTPClient(options.apiBaseURL)
  const region = options.region ?? regionOf(claims)
  const edge = options.edge ?? (region === undefined ? undefined : EDGES[region])
  const client = new twilio.Twilio(undefined, undefined, {
    httpClient: 'accessToken' in tokens ? httpClient : new TokenRequestClient(httpClient, tokens),
    ...(region === undefined ? {} : { region }),
    ...(edge === undefined ? {} : { edge })
  })
  // This replaces what the SDK has read from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- the SDK's TokenManager is an interface written as a class
  client.setCredentialProvider(new twilio.ClientCredentialProviderBuilder().setTokenManager(managerOf(tokens)).build())
  client.setAccountSid(accountSid)
  return client
}

/**
 * Provides access tokens for the app itself, from client credentials (RFC 6749 §4.4). A token is used until it is about to expire.
 *
 * `fetchToken()` rejects with the errors of {@link TwilioOAuthClient.clientCredentials}; the next call tries again.
 */
export function tokenManager(client: TwilioOAuthClient, { leeway, ...grant }: TokenManagerOptions = {}): CachingTokenManager {
  const freshness = new Freshness(leeway)
  let current: Promise<Lifetime & { readonly tokens: TwilioTokens }> | undefined
  /** The token that Twilio has refused. */
  let refused: string | undefined
  /** The newest token that a request has returned. */
  let newest: string | undefined
  const request = async () => ({ tokens: await client.clientCredentials(grant), receivedAt: Date.now() })
  return {
    async fetchToken() {
      const previous = current
      const issued = await previous?.catch(() => undefined)
      if (issued && issued.tokens.accessToken !== refused && !freshness.isStale(issued, Date.now())) return issued.tokens.accessToken
      // Only the first of several concurrent calls requests a token; the others share it.
      if (!current || current === previous) current = request()
      return (newest = (await current).tokens.accessToken)
    },
    expire(accessToken = newest) {
      if (accessToken === newest) refused = newest
    }
  }
}

function claimsOf(tokens: TwilioTokens | TokenManager): Claims {
  return 'accessToken' in tokens ? tokens.claims : {}
}

function managerOf(tokens: TwilioTokens | TokenManager): TokenManager {
  return 'accessToken' in tokens ? { fetchToken: () => Promise.resolve(tokens.accessToken) } : tokens
}

/** The token's region, unless it is the SDK's default. It becomes part of a host name, so it must be the name of a region. */
function regionOf(claims: Claims): string | undefined {
  const region = textClaim(claims, 'urn:tw:rgn')
  return region !== undefined && region !== DEFAULT_REGION && REGION.test(region) ? region : undefined
}

const httpClients = new Map<string | undefined, twilio.RequestClient>()

/** One client for each base URL, so that requests share connections. */
function sharedHTTPClient(apiBaseURL: string | undefined): twilio.RequestClient {
  const existing = httpClients.get(apiBaseURL)
  if (existing) return existing
  const created = apiBaseURL === undefined ? new SafeRequestClient() : new RedirectingRequestClient(apiBaseURL)
  httpClients.set(apiBaseURL, created)
  return created
}

/**
 * Rejects with this package's errors. The SDK's own are those of axios, which contain the whole request with its token,
 * and have no status for the response to the visitor.
 */
class SafeRequestClient extends twilio.RequestClient {
  override async request<Data>(options: RequestOptions<Data>) {
    const response = await super.request(options).catch((error: unknown) => {
      throw isAxiosError(error) ? withoutRequest(error, options.uri) : error
    })
    if ((response.statusCode === 200 || response.statusCode === 201) && !isJSON(response.body)) {
      throw new TwilioResponseError("The response of Twilio's API is not JSON. Check apiBaseURL and any proxy in between.")
    }
    const error = errorIn(response)
    if (error?.twilioCode === MISSING_PERMISSION) throw new TwilioPermissionError(redact(error.text ?? '', [await accessTokenOf(options)]))
    return response
  }
}

async function accessTokenOf({ authStrategy, headers }: RequestOptions<unknown>): Promise<string | undefined> {
  const authorization = authStrategy ? await authStrategy.getAuthString() : headers?.Authorization
  return typeof authorization === 'string' ? authorization.replace(/^Bearer /, '') : undefined
}

/** Twilio's error code for a token that has expired or was revoked, among other things. */
const AUTHENTICATION_FAILED = 20003

/** Sends each request with the manager's token. If Twilio has ended it early, the request is retried once, with another token. */
class TokenRequestClient extends twilio.RequestClient {
  readonly #client: twilio.RequestClient
  readonly #manager: TokenManager
  /** A token that Twilio refused as soon as it was issued. Another one would not help. */
  #hopeless: string | undefined

  constructor(client: twilio.RequestClient, manager: TokenManager) {
    super()
    this.#client = client
    this.#manager = manager
  }

  override async request<Data>(options: RequestOptions<Data>) {
    const token = await this.#manager.fetchToken()
    const response = await this.#send(options, token)
    if (!isTokenRefused(response) || !this.#manager.expire || token === this.#hopeless) return response
    this.#manager.expire(token)
    const nextToken = await this.#manager.fetchToken()
    const retried = await this.#send(options, nextToken)
    this.#hopeless = isTokenRefused(retried) ? nextToken : undefined
    return retried
  }

  /** The SDK would wrap an error of the manager in one of its own, without its code and status. */
  #send<Data>({ authStrategy: _authStrategy, headers, ...options }: RequestOptions<Data>, token: string) {
    return this.#client.request<Data>({ ...options, headers: { ...headers, Authorization: `Bearer ${token}` } })
  }
}

function isTokenRefused(response: SDKResponse): boolean {
  return response.statusCode === 401 && errorIn(response)?.twilioCode === AUTHENTICATION_FAILED
}

function errorIn({ statusCode, body }: SDKResponse): ErrorBody | undefined {
  return statusCode < 400 ? undefined : readErrorBody(typeof body === 'string' ? parsed(body) : body)
}

interface SDKResponse {
  readonly statusCode: number
  readonly body: unknown
}

interface AxiosError extends Error {
  readonly isAxiosError: true
  readonly code?: string
}

function isAxiosError(error: unknown): error is AxiosError {
  return error instanceof Error && 'isAxiosError' in error
}

function withoutRequest({ code, message }: AxiosError, uri: string): TwilioTimeoutError | TwilioNetworkError {
  const { host } = endpointOf(uri)
  if (code === 'ECONNABORTED' || code === 'ETIMEDOUT') return new TwilioTimeoutError(`${host} did not send a complete response in time. Try again. If it happens often, check the network.`)
  return new TwilioNetworkError(`${host} could not be reached, or the connection broke (${code ?? redact(message, [])}). Try again.`)
}

function isJSON(body: unknown): boolean {
  const value = typeof body === 'string' ? parsed(body) : body
  return typeof value === 'object' && value !== null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Sends requests for Twilio's hosts to another origin. */
class RedirectingRequestClient extends SafeRequestClient {
  readonly #origin: string

  constructor(apiBaseURL: string) {
    super()
    this.#origin = new URL(apiBaseURL).origin
  }

  override request<Data>(options: RequestOptions<Data>) {
    const { pathname, search } = new URL(options.uri)
    return super.request({ ...options, uri: this.#origin + pathname + search })
  }
}

type RequestOptions<Data> = Parameters<typeof twilio.RequestClient.prototype.request<Data>>[0]
