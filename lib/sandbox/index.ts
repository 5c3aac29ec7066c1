/**
 * A strict Twilio OAuth on this machine, for tests and for trying things out.
 *
 * @module passport-twilio/sandbox
 */

import { DIALECTS, type ApiVersion } from '../oauth/dialect'
import { SandboxAPI } from './api'
import { authorizeEndpoint, CORS_HEADERS } from './authorize-endpoint'
import { decideConsent, showConsent } from './consent'
import type { SandboxEndpoint, SandboxFault } from './faults'
import { Grants, type GrantCounts } from './grants'
import { READY_PEOPLE, registerApp, type SandboxAppOptions, type SandboxPerson } from './people'
import { logInAt, type SandboxLoginOptions } from './person'
import { jsonReply } from './reply'
import type { LoggedRequest } from './request-log'
import { SandboxServer, type Route } from './sandbox-server'
import { tokenEndpoint } from './token-endpoint'
import { createTokenSigner } from './token-signer'

export type { FaultAnswer, SandboxEndpoint, SandboxFault } from './faults'
export type { GrantCounts } from './grants'
export type { SandboxApp, SandboxAppOptions, SandboxPerson } from './people'
export type { SandboxLoginOptions } from './person'
export type { LoggedRequest } from './request-log'

/** What {@link startSandbox} may be told. */
export interface SandboxOptions {
  /** Default: a free one. */
  readonly port?: number | undefined
  /** The OAuth apps that are registered; what is left out is made up. Default: one. */
  readonly apps?: readonly SandboxAppOptions[] | undefined
  /** Who can sign in. Default: three ready people. */
  readonly people?: readonly SandboxPerson[] | undefined
  /** How long access tokens live, in seconds; parts of a second are taken. Default: 3600. */
  readonly accessTokenTTL?: number | undefined
  /** Whether a refresh token is good for once only. Default: `true`. */
  readonly rotateRefreshTokens?: boolean | undefined
  /** Whether the authorize endpoint sends a `Location` beside `redirect_to`; it is not known what Twilio does. Default: `true`. */
  readonly locationHeader?: boolean | undefined
  /** How long the token endpoint thinks before it does anything, in ms. Default: 0. */
  readonly latency?: number | undefined
}

/** A Twilio OAuth, and a few resources of Twilio's API, on this machine. */
export interface Sandbox {
  /** For `baseURL`. */
  readonly url: string
  /** For `apiBaseURL`. */
  readonly apiURL: string
  /** Where the public keys of its tokens are, for `idToken.jwksURL`. Twilio itself publishes none. */
  readonly jwksURL: string
  /** Of the first app. */
  readonly clientID: string
  /** Of the first app. */
  readonly clientSecret: string
  /** Whose account client credentials of the first app work in. */
  readonly accountSid: string
  /** Who can sign in. */
  readonly people: readonly SandboxPerson[]
  /** What came in, oldest first; secrets, codes and tokens are masked. The last 1,000. */
  readonly requests: readonly LoggedRequest[]
  /** What has been issued. */
  readonly counts: Readonly<GrantCounts>
  /**
   * What a person does in the browser.
   *
   * @param authorizeURL where the app sends the browser: the `Location` of its answer
   * @param options who signs in, and whether they approve
   * @returns where the browser is sent back to: the app's callback, with a code or an error
   * @throws {TypeError} for an address that is not of this sandbox
   * @throws {Error} with what the page says, when it can be neither approved nor denied
   */
  login(authorizeURL: string, options?: SandboxLoginOptions): Promise<string>
  /**
   * Lets a fault strike the next request at an endpoint; several queue up.
   *
   * @throws {TypeError} for one it does not know
   */
  failNext(endpoint: SandboxEndpoint, fault: SandboxFault): void
  /** Ends all access tokens issued so far, for the API; what they say of their own end stays. */
  expireAccessTokens(): void
  /** Revokes everything that people have approved so far. */
  revokeAll(): void
  /** Ends it, with all its connections. */
  stop(): Promise<void>
}

/**
 * Starts a strict Twilio OAuth on this machine: both versions, exact redirect addresses, codes for once and five minutes,
 * refresh tokens for once, PKCE, errors in Twilio's shape, signed tokens, and a page to sign in and consent on.
 *
 * @throws {Error} when the port is taken
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, people = READY_PEOPLE, apps: registered = [{}], accessTokenTTL = 3600, rotateRefreshTokens = true, locationHeader = true, latency = 0 } = options
  const [firstPerson] = people
  if (!firstPerson) throw new TypeError('people must not be empty: somebody has to sign in.')
  const apps = registered.map((app) => registerApp(app, firstPerson.accountSid))
  const [firstApp] = apps
  if (!firstApp) throw new TypeError('apps must not be empty: somebody has to ask.')

  const grants = new Grants()
  const signer = await createTokenSigner()
  const server = await SandboxServer.listen(port, latency)
  const { url } = server
  const api = new SandboxAPI(grants, people)
  const routes = oauthRoutes({ url, apps, people, grants, signer, accessTokenTTL, rotateRefreshTokens, locationHeader })
  const apiRoute: Route = { endpoint: 'api', methods: { GET: (request) => api.answer(request), POST: (request) => api.answer(request) } }
  server.route((path) => (path.startsWith('/2010-04-01/') ? apiRoute : routes.get(path)))

  return {
    url,
    apiURL: url,
    jwksURL: url + JWKS_PATH,
    clientID: firstApp.clientID,
    clientSecret: firstApp.clientSecret,
    accountSid: firstApp.accountSid,
    people,
    requests: server.log.entries,
    counts: grants.counts,
    login: (authorizeURL, as = {}) => logInAt(authorizeURL, as, { url, people }),
    failNext: (endpoint, fault) => server.faults.add(endpoint, fault),
    expireAccessTokens: () => grants.expireAccessTokens(),
    revokeAll: () => grants.revokeAll(),
    stop: () => server.stop()
  }
}

const JWKS_PATH = '/.well-known/jwks.json'

type OAuthOptions = Parameters<typeof authorizeEndpoint>[2] & Parameters<typeof tokenEndpoint>[2] & Parameters<typeof showConsent>[1]

function oauthRoutes(options: OAuthOptions): Map<string, Route> {
  const preflight = () => ({ status: 204, headers: CORS_HEADERS, body: '' })
  const versions = (Object.keys(DIALECTS) as ApiVersion[]).flatMap((version): [string, Route][] => [
    [DIALECTS[version].authorizePath, { endpoint: 'authorize', methods: { GET: (request) => authorizeEndpoint(version, request, options), OPTIONS: preflight } }],
    [DIALECTS[version].tokenPath, { endpoint: 'token', methods: { POST: (request) => tokenEndpoint(version, request, options), OPTIONS: preflight } }]
  ])
  return new Map<string, Route>([
    ...versions,
    ['/authorize', { methods: { GET: (request) => showConsent(request, options), POST: (request) => decideConsent(request, options) } }],
    [JWKS_PATH, { endpoint: 'keys', methods: { GET: () => jsonReply(200, options.signer.jwks) } }]
  ])
}
