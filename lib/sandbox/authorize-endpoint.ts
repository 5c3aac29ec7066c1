import { DIALECTS, type ApiVersion } from '../oauth/dialect'
import type { Apps, SandboxApp } from './apps'
import type { AuthorizationRequests } from './authorization-requests'
import { CORS_HEADERS, jsonResponse, type SandboxRequest, type SandboxResponse } from './http'
import { readParameters, requireParameter } from './parameters'
import { SandboxError } from './sandbox-error'

export interface AuthorizeOptions {
  /** The origin of the sandbox. */
  readonly url: string
  readonly apps: Apps
  readonly authorizationRequests: AuthorizationRequests
  /** Whether the response has a `Location` header beside `redirect_to`. */
  readonly locationHeader: boolean
}

/** A SHA-256 hash in base64url (RFC 7636 §4.2). */
const CODE_CHALLENGE = /^[\w-]{43}$/

/** The contract's operation `FetchAuthorize`: checks the request and redirects to the consent page. */
export function authorizeEndpoint(apiVersion: ApiVersion, { query }: SandboxRequest, { url, apps, authorizationRequests, locationHeader }: AuthorizeOptions): SandboxResponse {
  const dialect = DIALECTS[apiVersion]
  const parameters = readParameters(query, dialect)
  const clientID = requireParameter(parameters, 'client_id', dialect)
  const app = apps.find(clientID)
  if (!app) throw new SandboxError('invalid_client', `No OAuth app is registered with this client ID. Sent: ${clientID}. Registered: ${apps.all.map((registered) => registered.clientID).join(', ')}`)
  const redirectURI = requireParameter(parameters, 'redirect_uri', dialect)
  checkRedirectURI(app, redirectURI)
  if (requireParameter(parameters, 'response_type', dialect) !== 'code') throw new SandboxError('unsupported_response_type', 'The response type must be code.')
  if (!app.grantTypes.includes('authorization_code')) throw new SandboxError('unauthorized_client', "This OAuth app cannot log people in. Logins need an organization's app with the grant type authorization code.")
  checkCodeChallenge(parameters.code_challenge, parameters.code_challenge_method)
  if (app.clientSecret === undefined) checkPublicClient(apiVersion, parameters.code_challenge)

  const { scope = '', state, code_challenge: codeChallenge } = parameters
  const id = authorizationRequests.add({ app, apiVersion, redirectURI, scope, state, codeChallenge })
  const page = new URL('/authorize', url)
  const pageParameters = { response_type: 'code', client_id: clientID, redirect_uri: redirectURI, scope, state, request: id }
  for (const [name, value] of Object.entries(pageParameters)) {
    if (value !== undefined) page.searchParams.set(name, value)
  }
  return jsonResponse(302, { redirect_to: page.href }, { ...CORS_HEADERS, ...(locationHeader ? { Location: page.href } : {}) })
}

function checkRedirectURI({ redirectURIs }: SandboxApp, redirectURI: string): void {
  if (redirectURIs) {
    if (!redirectURIs.includes(redirectURI)) throw new SandboxError('invalid_request', `The redirect URI is not registered for this OAuth app. It must match a registered redirect URI exactly. Sent: ${redirectURI}. Registered: ${redirectURIs.join(', ')}`)
  } else if (!isOnThisMachine(redirectURI)) {
    throw new SandboxError('invalid_request', `The redirect URI is not registered for this OAuth app. Without any registered redirect URI, only http and https URIs of localhost, 127.0.0.1 and [::1] are allowed, without a fragment. Sent: ${redirectURI}`)
  }
}

/** `javascript://localhost/` has a host too. A redirect URI has no fragment (RFC 6749 §3.1.2). */
function isOnThisMachine(uri: string): boolean {
  if (!URL.canParse(uri) || uri.includes('#')) return false
  const { protocol, hostname } = new URL(uri)
  return ['http:', 'https:'].includes(protocol) && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** A public client proves with PKCE that it began the login (RFC 7636), which v1 does not document. */
function checkPublicClient(apiVersion: ApiVersion, codeChallenge: string | undefined): void {
  if (apiVersion !== 'v2') throw new SandboxError('unauthorized_client', 'This OAuth app is a public client, which needs v2.')
  if (codeChallenge === undefined) throw new SandboxError('invalid_request', 'This OAuth app is a public client, which needs PKCE: code_challenge is missing.')
}

function checkCodeChallenge(challenge: string | undefined, method: string | undefined): void {
  if (challenge === undefined && method === undefined) return
  if (method !== 'S256') throw new SandboxError('invalid_request', 'The code challenge method must be S256.')
  if (challenge === undefined || !CODE_CHALLENGE.test(challenge)) throw new SandboxError('invalid_request', 'The code challenge is not a SHA-256 hash in base64url.')
}
