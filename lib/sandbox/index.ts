/**
 * A strict local Twilio for tests and for development: Twilio's OAuth API, a consent page, and a few resources of
 * api.twilio.com.
 *
 * @module passport-twilio/sandbox
 */

import { registerApp, type SandboxAppOptions } from './apps'
import { AuthorizationRequests } from './authorization-requests'
import type { SandboxEndpoint, SandboxFault } from './faults'
import { Grants, type GrantCounts } from './grants'
import { logIn, type SandboxLoginOptions } from './login'
import { DEFAULT_PEOPLE, type SandboxPerson } from './people'
import type { LoggedRequest } from './request-log'
import { createRoutes, JWKS_PATH } from './routes'
import { SandboxServer } from './server'
import { createTokenSigner } from './token-signer'

export type { SandboxApp, SandboxAppOptions } from './apps'
export type { FaultAnswer, SandboxEndpoint, SandboxFault } from './faults'
export type { GrantCounts } from './grants'
export type { SandboxLoginOptions } from './login'
export type { SandboxPerson } from './people'
export type { LoggedRequest } from './request-log'

/** Options for {@link startSandbox}. */
export interface SandboxOptions {
  /** The port to listen on, on 127.0.0.1. Default: 0, for a free one. */
  readonly port?: number | undefined
  /** The registered OAuth apps, at least one. Default: one app with a random `clientID` and `clientSecret`. */
  readonly apps?: readonly SandboxAppOptions[] | undefined
  /** Who can sign in, at least one person. Default: three people, each with an account of their own. */
  readonly people?: readonly SandboxPerson[] | undefined
  /** The lifetime of access tokens, in seconds. Fractions are allowed. Default: 3600. */
  readonly accessTokenTTL?: number | undefined
  /**
   * Whether each refresh token can be used only once and a refresh returns a new one. If `false`, refresh tokens can be
   * used any number of times and a refresh returns `null`. Default: `true`.
   */
  readonly rotateRefreshTokens?: boolean | undefined
  /** Whether the authorize endpoint sends a `Location` header beside `redirect_to`. It is not known whether Twilio does. Default: `true`. */
  readonly locationHeader?: boolean | undefined
  /** How long the token endpoint waits before it handles a request, in ms. Default: 0. */
  readonly latency?: number | undefined
  /** Called with each request once it is answered, for a log. Secrets, codes and tokens are masked. */
  readonly onRequest?: ((request: LoggedRequest) => void) | undefined
}

/** A running sandbox. */
export interface Sandbox {
  /** The origin, such as `http://127.0.0.1:8020`, for the option `baseURL`. */
  readonly url: string
  /** The origin of the Twilio API, for the option `apiBaseURL`. */
  readonly apiURL: string
  /** The URL of the public keys (JWKS) that verify the sandbox's tokens, for the option `idToken.jwksURL`. Twilio itself publishes none. */
  readonly jwksURL: string
  /** The client ID of the first app. */
  readonly clientID: string
  /** The client secret of the first app. */
  readonly clientSecret: string
  /** The SID of the account that the first app's client credentials act for. */
  readonly accountSid: string
  /** Who can sign in. */
  readonly people: readonly SandboxPerson[]
  /** The last 1,000 requests, oldest first. Secrets, codes and tokens are masked. */
  readonly requests: readonly LoggedRequest[]
  /** How often each grant succeeded. */
  readonly counts: Readonly<GrantCounts>
  /**
   * Does what a person does in the browser: opens the consent page, signs in, and approves or denies access.
   *
   * @param authorizeURL the URL that the app redirects the browser to: the `Location` header of its response
   * @param options who signs in, and whether they approve
   * @returns the URL that the browser is redirected back to: the app's callback URL with a code or an error
   * @throws {TypeError} if the URL is not one of this sandbox
   * @throws {Error} if no person has the given name or email address, or if the sandbox refuses the request; the message
   *   says why
   */
  login(authorizeURL: string, options?: SandboxLoginOptions): Promise<string>
  /**
   * Makes the next request to an endpoint fail. Several calls queue up, one fault per request.
   *
   * @throws {TypeError} for an unknown endpoint or fault
   */
  failNext(endpoint: SandboxEndpoint, fault: SandboxFault): void
  /** Makes the API refuse every access token issued so far, as if it had expired early. The `exp` claim stays the same. */
  expireAccessTokens(): void
  /** Revokes all codes and tokens issued so far. */
  revokeAll(): void
  /** Stops the sandbox and closes all of its connections. */
  stop(): Promise<void>
}

/**
 * Starts a strict local Twilio. It serves both API versions and, like Twilio, compares redirect URIs exactly, accepts each
 * code once and for five minutes, rotates refresh tokens, checks PKCE, returns errors in Twilio's format, and signs its
 * tokens. Reuse of a code or refresh token revokes every token issued from the same approval.
 *
 * @throws {TypeError} if `apps` or `people` is empty
 * @throws {Error} if the port is in use
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, people = DEFAULT_PEOPLE, accessTokenTTL = 3600, rotateRefreshTokens = true, locationHeader = true, latency = 0 } = options
  const [firstPerson] = people
  if (!firstPerson) throw new TypeError('people must not be empty: the sandbox needs a person who can sign in.')
  const apps = (options.apps ?? [{}]).map((app) => registerApp(app, firstPerson.accountSid))
  const [firstApp] = apps
  if (!firstApp) throw new TypeError('apps must not be empty: the sandbox needs an OAuth app.')

  const server = await SandboxServer.listen(port)
  const { url } = server
  server.log.onRequest = options.onRequest
  const grants = new Grants()
  const authorizationRequests = new AuthorizationRequests()
  const signer = createTokenSigner()
  server.useRoutes(createRoutes({ url, apps, people, authorizationRequests, grants, signer, accessTokenTTL, rotateRefreshTokens, locationHeader, latency }))

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
    login: (authorizeURL, loginOptions = {}) => logIn(authorizeURL, loginOptions, { url, people }),
    failNext: (endpoint, fault) => server.faults.add(endpoint, fault),
    expireAccessTokens: () => grants.expireAccessTokens(),
    revokeAll: () => grants.revokeAll(),
    stop: () => server.stop()
  }
}
