import type { ApiVersion } from '../oauth/dialect'
import { DIALECTS } from '../oauth/dialect'
import type { Grants } from './grants'
import { readParameters, required } from './parameters'
import type { SandboxApp } from './people'
import { jsonReply, type Reply, type SandboxRequest } from './reply'
import { SandboxError } from './twilio-error'

export interface AuthorizeOptions {
  readonly url: string
  readonly apps: readonly SandboxApp[]
  readonly grants: Grants
  /** Whether the answer has a `Location` too. */
  readonly locationHeader: boolean
}

/** The contract's CORS headers. */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
  'Access-Control-Allow-Headers': 'Content-Type, Authorization'
} as const

/** SHA-256 in base64url (RFC 7636 §4.2). */
const CODE_CHALLENGE = /^[\w-]{43}$/

/** The contract's `FetchAuthorize`: translates the call into the address of a page for people. */
export function authorizeEndpoint(apiVersion: ApiVersion, { query }: SandboxRequest, { url, apps, grants, locationHeader }: AuthorizeOptions): Reply {
  const dialect = DIALECTS[apiVersion]
  const parameters = readParameters(query, dialect)
  const clientID = required(parameters, 'client_id', dialect)
  const app = apps.find((registered) => registered.clientID === clientID)
  if (!app) throw new SandboxError('invalid_client', 'There is no OAuth app with this client ID.')
  const redirectURI = required(parameters, 'redirect_uri', dialect)
  checkRedirectURI(app, redirectURI)
  if (required(parameters, 'response_type', dialect) !== 'code') throw new SandboxError('unsupported_response_type', 'The response type must be code.')
  checkCodeChallenge(parameters.code_challenge, parameters.code_challenge_method)

  const { scope = '', state, code_challenge: codeChallenge } = parameters
  const id = grants.ask({ app, apiVersion, redirectURI, scope, state, codeChallenge })
  const page = new URL('/authorize', url)
  const shown = { response_type: 'code', client_id: clientID, redirect_uri: redirectURI, scope, state, request: id }
  for (const [name, value] of Object.entries(shown)) {
    if (value !== undefined) page.searchParams.set(name, value)
  }
  return jsonReply(302, { redirect_to: page.href }, { ...CORS_HEADERS, ...(locationHeader ? { Location: page.href } : {}) })
}

function checkRedirectURI({ redirectURIs }: SandboxApp, redirectURI: string): void {
  const isRegistered = redirectURIs ? redirectURIs.includes(redirectURI) : isOnThisMachine(redirectURI)
  if (!isRegistered) throw new SandboxError('invalid_request', 'The redirect address is not registered with the OAuth app. It is compared letter by letter.')
}

function isOnThisMachine(address: string): boolean {
  return URL.canParse(address) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(address).hostname)
}

function checkCodeChallenge(challenge: string | undefined, method: string | undefined): void {
  if (challenge === undefined && method === undefined) return
  if (method !== 'S256') throw new SandboxError('invalid_request', 'The code challenge method must be S256.')
  if (challenge === undefined || !CODE_CHALLENGE.test(challenge)) throw new SandboxError('invalid_request', 'The code challenge is not a SHA-256 in base64url.')
}
