/**
 * The official SDK on this package's tokens.
 *
 * @module passport-twilio/sdk
 */

import twilio from 'twilio'
import { accountSidOf, actingFor, sidOf, textClaim } from './oauth/claims'
// From where applications have them: a copy of these classes would be known to no `instanceof`.
import { TwilioNetworkError, TwilioResponseError, TwilioTimeoutError, type TwilioOAuthClient, type TwilioTokens } from './index'
import { redact } from './util/redact'
import { Freshness, type Lifetime } from './session/freshness'

/** What a back-end job's tokens come from; the official SDK's own interface. */
export interface TokenManager {
  /** A live access token. */
  fetchToken(): Promise<string>
}

/** What {@link twilioClient} may be told. */
export interface TwilioClientOptions {
  /** The account to work in. Default: the one that the token was issued for. */
  readonly accountSid?: string | undefined
  /** Where Twilio's API is, for the sandbox. Default: Twilio. */
  readonly apiBaseURL?: string | undefined
  /** Sends the requests; bring your own for time limits, retries, proxies. Default: one with kept-alive connections, shared in this process. */
  readonly httpClient?: twilio.RequestClient | undefined
  /** Default: the token's region. */
  readonly region?: string | undefined
  /** Default: the edge that belongs to the region, as Twilio asks for both. */
  readonly edge?: string | undefined
}

/** What a {@link tokenManager} asks for, and when it asks again. */
export interface TokenManagerOptions {
  /** Space-separated. Default: what the OAuth app may do. */
  readonly scope?: string | undefined
  /** The address of the API that the tokens are for. */
  readonly audience?: string | undefined
  /** How long before its end a token is no longer used, in ms. Default: 60 s, but never more than half of a token's life. */
  readonly leeway?: number | undefined
}

/** Regions other than Twilio's own, us1, and the edge each is reached through. */
const EDGES: Readonly<Record<string, string>> = { ie1: 'dublin', au1: 'sydney' }

/**
 * The official SDK's client, on the tokens of a session (`req.twilioTokens`) or of a {@link tokenManager}.
 *
 * @throws {TypeError} without tokens, and where neither the token nor `accountSid` names an account
 */
export function twilioClient(tokens: TwilioTokens | TokenManager | undefined, options: TwilioClientOptions = {}): twilio.Twilio {
  if (!tokens) throw new TypeError('twilioClient() was given no tokens. Is tokens.fresh() before this route? It sets req.twilioTokens.')
  const claims = 'accessToken' in tokens ? tokens.claims : {}
  const accountSid = options.accountSid ?? accountSidOf(claims)
  if (accountSid === undefined && sidOf(actingFor(claims), 'OR') === undefined) {
    throw new TypeError('The token does not say which account it is for. Pass it: twilioClient(tokens, { accountSid }).')
  }
  const region = options.region ?? foreignRegion(textClaim(claims, 'urn:tw:rgn'))
  const edge = options.edge ?? (region === undefined ? undefined : EDGES[region])
  const client = new twilio.Twilio(undefined, undefined, {
    httpClient: options.httpClient ?? sharedHTTPClient(options.apiBaseURL),
    ...(region === undefined ? {} : { region }),
    ...(edge === undefined ? {} : { edge })
  })
  // This takes back what the SDK has read from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- the SDK's TokenManager is an interface written as a class
  client.setCredentialProvider(new twilio.ClientCredentialProviderBuilder().setTokenManager(managerOf(tokens)).build())
  client.setAccountSid(accountSid)
  return client
}

/**
 * Access tokens for the app itself, by client credentials (RFC 6749 §4.4): asked for once, and used until they end.
 *
 * `fetchToken()` rejects as {@link TwilioOAuthClient.clientCredentials} does; the next call asks again.
 */
export function tokenManager(client: TwilioOAuthClient, { leeway, ...grant }: TokenManagerOptions = {}): TokenManager {
  const freshness = new Freshness(leeway)
  let current: Promise<Lifetime & { readonly tokens: TwilioTokens }> | undefined
  const request = async () => ({ tokens: await client.clientCredentials(grant), receivedAt: Date.now() })
  return {
    async fetchToken() {
      const held = current
      const known = await held?.catch(() => undefined)
      if (known && !freshness.isStale(known, Date.now())) return known.tokens.accessToken
      // Whoever comes first asks; the others have the same answer.
      if (!current || current === held) current = request()
      return (await current).tokens.accessToken
    }
  }
}

function managerOf(tokens: TwilioTokens | TokenManager): TokenManager {
  return 'accessToken' in tokens ? { fetchToken: () => Promise.resolve(tokens.accessToken) } : tokens
}

function foreignRegion(region: string | undefined): string | undefined {
  return region === 'us1' ? undefined : region
}

const httpClients = new Map<string | undefined, twilio.RequestClient>()

/** A client for each request would open connections for each request. */
function sharedHTTPClient(apiBaseURL: string | undefined): twilio.RequestClient {
  const known = httpClients.get(apiBaseURL)
  if (known) return known
  const created = apiBaseURL === undefined ? new BoundedRequestClient() : new RedirectedRequestClient(apiBaseURL)
  httpClients.set(apiBaseURL, created)
  return created
}

/**
 * Tells what went wrong on the way as the rest of this package does. The SDK passes on the error of its HTTP client,
 * which holds the whole request, token included, and has no status that an app could answer with.
 */
class BoundedRequestClient extends twilio.RequestClient {
  override async request<Data>(options: RequestOptions<Data>) {
    const answer = await super.request(options).catch((error: unknown) => {
      throw isAxiosError(error) ? withoutRequest(error, options.uri) : error
    })
    if ((answer.statusCode === 200 || answer.statusCode === 201) && !isJSON(answer.body)) {
      throw new TwilioResponseError("The answer of Twilio's API is not JSON, so it cannot be used.")
    }
    return answer
  }
}

interface AxiosError extends Error {
  readonly isAxiosError: true
  readonly code?: string
}

function isAxiosError(error: unknown): error is AxiosError {
  return error instanceof Error && 'isAxiosError' in error
}

function withoutRequest({ code, message }: AxiosError, uri: string): TwilioTimeoutError | TwilioNetworkError {
  const { hostname } = new URL(uri)
  if (code === 'ECONNABORTED' || code === 'ETIMEDOUT') return new TwilioTimeoutError(`${hostname} did not answer whole in time. Try again; if it happens often, look at the network.`)
  return new TwilioNetworkError(`${hostname} could not be reached, or the connection broke (${code ?? redact(message, [])}). Try again.`)
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

/** Sends what is meant for Twilio's hosts to another address. */
class RedirectedRequestClient extends BoundedRequestClient {
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
