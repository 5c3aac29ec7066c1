/**
 * Twilio's official SDK, authenticated with this package's tokens.
 *
 * @module passport-twilio/sdk
 */

import twilio from 'twilio'
import { TwilioNetworkError, TwilioResponseError, TwilioTimeoutError } from './errors'
import { textClaim, type Claims } from './oauth/claims'
import type { TwilioOAuthClient } from './oauth/client'
import { endpointOf } from './oauth/http'
import { accountSidOf, actorOf, sidOf } from './oauth/resource-name'
import { MISSING_PERMISSION, MISSING_PERMISSION_ADVICE } from './oauth/token-error'
import type { TwilioTokens } from './oauth/tokens'
import { Freshness, type Lifetime } from './session/freshness'
import { isObject } from './util/is-object'
import { redact } from './util/redact'

/** Provides access tokens, for example to a back-end job. This is the SDK's own interface. */
export interface TokenManager {
  /** An access token that has not expired. */
  fetchToken(): Promise<string>
}

/** Options for {@link twilioClient}. */
export interface TwilioClientOptions {
  /** The account to work in. Default: the account that the token acts for. */
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
/** Such as `us1`, `ie1`, `au1`. */
const REGION = /^[a-z]{2}\d$/

/**
 * Creates the official SDK's client for the tokens of a session (`req.twilioTokens`) or of a {@link tokenManager}.
 *
 * @throws {TypeError} without tokens, and if neither the token nor `accountSid` names an account
 */
export function twilioClient(tokens: TwilioTokens | TokenManager | undefined, options: TwilioClientOptions = {}): twilio.Twilio {
  if (!tokens) throw new TypeError('twilioClient() was given no tokens. Is tokens.fresh() before this route? It sets req.twilioTokens.')
  const claims = 'accessToken' in tokens ? tokens.claims : {}
  const accountSid = options.accountSid ?? accountSidOf(claims)
  if (accountSid === undefined && sidOf(actorOf(claims), 'OR') === undefined) {
    throw new TypeError('The token does not say which account it is for. Pass the account: twilioClient(tokens, { accountSid }).')
  }
  const region = options.region ?? regionOf(claims)
  const edge = options.edge ?? (region === undefined ? undefined : EDGES[region])
  const client = new twilio.Twilio(undefined, undefined, {
    httpClient: options.httpClient ?? sharedHTTPClient(options.apiBaseURL),
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
export function tokenManager(client: TwilioOAuthClient, { leeway, ...grant }: TokenManagerOptions = {}): TokenManager {
  const freshness = new Freshness(leeway)
  let current: Promise<Lifetime & { readonly tokens: TwilioTokens }> | undefined
  const request = async () => ({ tokens: await client.clientCredentials(grant), receivedAt: Date.now() })
  return {
    async fetchToken() {
      const previous = current
      const issued = await previous?.catch(() => undefined)
      if (issued && !freshness.isStale(issued, Date.now())) return issued.tokens.accessToken
      // Only the first of several concurrent calls requests a token; the others share it.
      if (!current || current === previous) current = request()
      return (await current).tokens.accessToken
    }
  }
}

function managerOf(tokens: TwilioTokens | TokenManager): TokenManager {
  return 'accessToken' in tokens ? { fetchToken: () => Promise.resolve(tokens.accessToken) } : tokens
}

/** The token's region, unless it is the SDK's default. It becomes part of a host name, so nothing but a region's name will do. */
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
 * and have no status to answer the visitor with.
 */
class SafeRequestClient extends twilio.RequestClient {
  override async request<Data>(options: RequestOptions<Data>) {
    const response = await super.request(options).catch((error: unknown) => {
      throw isAxiosError(error) ? withoutRequest(error, options.uri) : error
    })
    if ((response.statusCode === 200 || response.statusCode === 201) && !isJSON(response.body)) {
      throw new TwilioResponseError("The response of Twilio's API is not JSON. Check apiBaseURL and any proxy in between.")
    }
    return { statusCode: response.statusCode, headers: response.headers as unknown, body: withAdvice(response.body) }
  }
}

/** Says how to get a missing permission. The SDK makes its own error of the body, which is a 401 as for an expired token. */
function withAdvice<Body>(body: Body): Body {
  if (!isObject(body) || body.code !== MISSING_PERMISSION || typeof body.message !== 'string') return body
  return { ...body, message: `${body.message.replace(/\.$/, '')}. ${MISSING_PERMISSION_ADVICE}` }
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
  if (typeof body !== 'string') return typeof body === 'object' && body !== null
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null
  } catch {
    return false
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
