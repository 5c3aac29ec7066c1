import { DIALECTS, type ApiVersion } from '../oauth/dialect'
import { isAPIPath, SandboxAPI } from './api'
import { authorizeEndpoint, type AuthorizeOptions } from './authorize-endpoint'
import { showConsentPage, submitConsent, type ConsentOptions } from './consent-endpoint'
import { CORS_HEADERS, jsonResponse } from './http'
import { authorizationServerMetadata, METADATA_PATH } from './metadata'
import type { FindRoute, Route } from './server'
import { tokenEndpoint, type TokenOptions } from './token-endpoint'

export type RoutesOptions = AuthorizeOptions & TokenOptions & ConsentOptions & {
  /** Of the token endpoint, in ms. */
  readonly latency: number
}

export const JWKS_PATH = '/.well-known/jwks.json'

/** Everything that the sandbox serves. */
export function createRoutes(options: RoutesOptions): FindRoute {
  const routes = new Map<string, Route>([
    ...versionRoutes('v1', options),
    ...versionRoutes('v2', options),
    ['/authorize', { methods: { GET: (request) => showConsentPage(request, options), POST: (request) => submitConsent(request, options) } }],
    [METADATA_PATH, { endpoint: 'metadata', methods: { GET: () => jsonResponse(200, authorizationServerMetadata(options.url)) } }],
    [JWKS_PATH, { endpoint: 'keys', methods: { GET: () => jsonResponse(200, options.signer.jwks) } }]
  ])
  const api = new SandboxAPI(options.url, options.grants, options.people)
  const apiRoute: Route = { endpoint: 'api', methods: { GET: (request) => api.handle(request), POST: (request) => api.handle(request) } }
  return (path) => (isAPIPath(path) ? apiRoute : routes.get(path))
}

function versionRoutes(version: ApiVersion, options: RoutesOptions): [string, Route][] {
  const { authorizePath, tokenPath } = DIALECTS[version]
  const preflight = () => ({ status: 204, headers: CORS_HEADERS, body: '' })
  return [
    [authorizePath, { endpoint: 'authorize', methods: { GET: (request) => authorizeEndpoint(version, request, options), OPTIONS: preflight } }],
    [tokenPath, { endpoint: 'token', latency: options.latency, methods: { POST: (request) => tokenEndpoint(version, request, options), OPTIONS: preflight } }]
  ]
}
