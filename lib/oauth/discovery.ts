import type { Agent } from 'node:http'
import { TwilioResponseError } from '../errors'
import { isObject } from '../util/is-object'
import { DIALECTS } from './dialect'
import { callHttp, parseJSON, type CallLimits } from './http'
import { checkAgent, checkNumber, DEFAULT_BASE_URL, DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_TIMEOUT, endpoint, endpointUnder } from './options'

/** Options for {@link TwilioOAuthClient.discover}. */
export interface DiscoverOptions {
  /** The time limit in ms. Default: 10,000. */
  readonly timeout?: number | undefined
  /** An `http.Agent` or `https.Agent`, for example for a proxy or a private CA. Default: one that keeps connections alive. */
  readonly agent?: Agent | undefined
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The endpoints of Twilio's OAuth API, as options of a client or a strategy. */
export interface DiscoveredEndpoints {
  /** The version that the metadata describes. */
  readonly apiVersion: 'v2'
  /** The authorize endpoint. */
  readonly authorizationURL: string
  /** The token endpoint. */
  readonly tokenURL: string
}

const METADATA_PATH = '/.well-known/oauth-authorization-server'

/** See {@link TwilioOAuthClient.discover}. */
export async function discoverEndpoints(baseURL = DEFAULT_BASE_URL, { timeout, agent, signal }: DiscoverOptions = {}): Promise<DiscoveredEndpoints> {
  const issuer = endpointUnder('baseURL', baseURL, '').url
  const { origin, pathname } = new URL(issuer)
  // The issuer's path goes after the well-known part (RFC 8414 §3.1).
  const metadataEndpoint = endpoint('baseURL', origin + METADATA_PATH + pathname.replace(/\/$/, ''))
  const limits: CallLimits = {
    timeout: checkNumber('timeout', timeout ?? DEFAULT_TIMEOUT, 'ms'),
    maxResponseBytes: DEFAULT_MAX_RESPONSE_BYTES,
    agent: checkAgent(agent, [metadataEndpoint])
  }
  const request = { method: 'GET', endpoint: metadataEndpoint, headers: { Accept: 'application/json' }, signal } as const
  const response = await callHttp(request, limits).catch(() => signal?.throwIfAborted())
  const metadata = response?.status === 200 ? parseJSON(response) : undefined
  return isObject(metadata) ? readMetadata(metadata, issuer) : knownEndpoints(issuer)
}

function knownEndpoints(issuer: string): DiscoveredEndpoints {
  const { authorizePath, tokenPath } = DIALECTS.v2
  return { apiVersion: 'v2', authorizationURL: issuer + authorizePath, tokenURL: issuer + tokenPath }
}

/** RFC 8414 §3.3: metadata of another issuer must not be used. */
function readMetadata({ issuer, authorization_endpoint: authorizationURL, token_endpoint: tokenURL }: Record<string, unknown>, expectedIssuer: string): DiscoveredEndpoints {
  if (typeof issuer !== 'string' || issuer.replace(/\/$/, '') !== expectedIssuer) throw new TwilioResponseError("The authorization server metadata is not that of baseURL: its issuer differs. Check baseURL and any proxy in between.")
  if (!isEndpoint(authorizationURL) || !isEndpoint(tokenURL)) throw new TwilioResponseError('The authorization server metadata has no authorization_endpoint or token_endpoint that may be used. Set authorizationURL and tokenURL.')
  return { apiVersion: 'v2', authorizationURL, tokenURL }
}

function isEndpoint(url: unknown): url is string {
  try {
    endpoint('metadata', url)
    return true
  } catch {
    return false
  }
}
