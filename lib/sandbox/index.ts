/**
 * A strict local Twilio for tests and for development: Twilio's OAuth API, a consent page, and a few resources of
 * api.twilio.com.
 *
 * @module passport-twilio/sandbox
 */

import { optionError } from '../errors'
import { Apps, type SandboxApp, type SandboxAppOptions } from './apps'
import { AuthorizationRequests } from './authorization-requests'
import type { SandboxEndpoint, SandboxFault } from './faults'
import { Grants, type GrantCounts } from './grants'
import { logIn, type SandboxLoginOptions } from './login'
import type { ErrorFormat } from './http'
import { DEFAULT_PEOPLE, ORGANIZATION_SID, type SandboxPerson } from './people'
import type { LoggedRequest } from './request-log'
import { createRoutes, JWKS_PATH } from './routes'
import { SandboxServer } from './server'
import { createTokenSigner } from './token-signer'

export type { SandboxApp, SandboxAppOptions, SandboxGrantType } from './apps'
export type { FaultAnswer, SandboxEndpoint, SandboxFault } from './faults'
export type { GrantCounts } from './grants'
export type { ErrorFormat } from './http'
export type { SandboxLoginOptions } from './login'
export { PERMISSIONS } from './permissions'
export type { SandboxPermission } from './permissions'
export type { SandboxPerson } from './people'
export type { LoggedRequest } from './request-log'

/** Options for {@link startSandbox}. */
export interface SandboxOptions {
  /** The port to listen on, on 127.0.0.1. Default: 0, for a free one. */
  readonly port?: number | undefined
  /**
   * The registered OAuth apps, at least one. Default: an organization's app for logins, and an account's app for client
   * credentials, both with a random `clientID` and `clientSecret`.
   */
  readonly apps?: readonly SandboxAppOptions[] | undefined
  /**
   * Who can sign in, at least one person. All belong to one organization, which has the accounts that they work in. Default: four
   * people and three accounts. One of the people is a member, who cannot approve an organization's app.
   */
  readonly people?: readonly SandboxPerson[] | undefined
  /** The lifetime of access tokens, in seconds. Fractions are allowed. Default: 3600. */
  readonly accessTokenTTL?: number | undefined
  /**
   * Whether each refresh token can be used only once and a refresh returns a new one. If `false`, refresh tokens can be
   * used any number of times and a refresh returns `null`. It is not known what Twilio does. Default: `true`.
   */
  readonly rotateRefreshTokens?: boolean | undefined
  /** Whether the authorize endpoint sends a `Location` header in addition to `redirect_to`. It is not known whether Twilio does. Default: `true`. */
  readonly locationHeader?: boolean | undefined
  /** The format of errors: Twilio's own, or problem details (RFC 9457), which Twilio's newer APIs send. Default: `twilio`. */
  readonly errorFormat?: ErrorFormat | undefined
  /**
   * Whether people log in with accounts' apps, which Twilio does not offer. Each token then names the person and acts for their
   * account, anyone can approve, and every app may use every grant. For apps that rely on such tokens. Default: `false`.
   */
  readonly accountLogins?: boolean | undefined
  /** How long the token endpoint waits before it handles a request, in ms. Default: 0. */
  readonly latency?: number | undefined
  /** Called with each request once its response has been sent, for a log. Secrets, codes and tokens are masked. */
  readonly onRequest?: ((request: LoggedRequest) => void) | undefined
}

const DEFAULT_APPS: readonly SandboxAppOptions[] = [{}, { owner: 'account', name: 'Your back-end job' }]

/** A running sandbox. */
export interface Sandbox {
  /** The origin, such as `http://127.0.0.1:8020`, for the option `baseURL`. */
  readonly url: string
  /** The origin of the Twilio API, for the option `apiBaseURL`. */
  readonly apiURL: string
  /** The URL of the public keys (JWKS) that verify the sandbox's tokens, for the option `idToken.jwksURL`. Twilio itself publishes none. */
  readonly jwksURL: string
  /** The registered apps. */
  readonly apps: readonly SandboxApp[]
  /** The client ID of the first app. */
  readonly clientID: string
  /** The client secret of the first app; empty for a public client. */
  readonly clientSecret: string
  /** The SID of the first person's account, which client credentials of an account's app act for. */
  readonly accountSid: string
  /** The SID of the organization: `OR` and 32 hex digits. */
  readonly organizationSid: string
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
   * @throws {TypeError} if the URL is not one of this sandbox, or if no person has the given name or email address
   * @throws {Error} if the sandbox refuses the request; the message says why
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
  /**
   * Gives an app a new client secret, as the Console does without a grace period: the old secret no longer works, and all codes
   * and tokens of the app are revoked. Whether Twilio keeps refresh tokens is not known.
   *
   * @param clientID default: the first app's
   * @returns the new secret
   * @throws {TypeError} for an unknown client ID, or a public client
   */
  rotateSecret(clientID?: string): string
  /**
   * Deletes an app, which invalidates its tokens at once.
   *
   * @param clientID default: the first app's
   * @throws {TypeError} for an unknown client ID
   */
  deleteApp(clientID?: string): void
  /**
   * Replaces the permissions of an app, for the tokens that it already has too.
   *
   * @param clientID default: the first app's
   * @throws {TypeError} for an unknown client ID
   */
  setPermissions(permissions: readonly string[], clientID?: string): void
  /** Stops the sandbox and closes all of its connections. */
  stop(): Promise<void>
}

/**
 * Starts a strict local Twilio. It serves both API versions and, like Twilio, compares redirect URIs exactly, accepts each
 * code once and for five minutes, checks PKCE on v2, returns errors in Twilio's format, and signs its tokens.
 *
 * As at Twilio, people log in with an organization's app, which only owners and administrators can approve. Its tokens act for
 * the organization (`OR…`) and name no account; an app may do with the API what its permissions allow. Where Twilio's behaviour
 * is not known, the sandbox is strict: each refresh token can be used once, reuse of a code or refresh token revokes every token
 * issued from the same approval, an organization's access token does not name the person who approved the app (an ID token does,
 * with the scope `openid`), and rotating the secret also revokes refresh tokens.
 *
 * @throws {TypeError} if `apps` or `people` is empty
 * @throws {Error} if the port is in use
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, people = DEFAULT_PEOPLE, accessTokenTTL = 3600, rotateRefreshTokens = true, locationHeader = true, latency = 0, errorFormat = 'twilio', accountLogins = false } = options
  const [firstPerson] = people
  if (!firstPerson) throw optionError('people must not be empty: the sandbox needs a person who can sign in.')
  const apps = new Apps(options.apps ?? DEFAULT_APPS, { accountSid: firstPerson.accountSid, accountLogins })
  const [firstApp] = apps.all
  if (!firstApp) throw optionError('apps must not be empty: the sandbox needs an OAuth app.')

  const server = await SandboxServer.listen(port)
  const { url } = server
  server.log.onRequest = options.onRequest
  const grants = new Grants()
  const authorizationRequests = new AuthorizationRequests()
  const signer = createTokenSigner()
  server.useRoutes(createRoutes({ url, apps, people, authorizationRequests, grants, signer, accessTokenTTL, rotateRefreshTokens, locationHeader, latency }), errorFormat)

  return {
    url,
    apiURL: url,
    jwksURL: url + JWKS_PATH,
    apps: apps.all,
    clientID: firstApp.clientID,
    get clientSecret() {
      return firstApp.clientSecret ?? ''
    },
    accountSid: firstApp.accountSid,
    organizationSid: ORGANIZATION_SID,
    people,
    requests: server.log.entries,
    counts: grants.counts,
    login: (authorizeURL, loginOptions = {}) => logIn(authorizeURL, loginOptions, { url, people }),
    failNext: (endpoint, fault) => server.faults.add(endpoint, fault),
    expireAccessTokens: () => grants.expireAccessTokens(),
    revokeAll: () => grants.revoke(),
    rotateSecret: (clientID = firstApp.clientID) => {
      const secret = apps.rotateSecret(clientID)
      grants.revoke(apps.find(clientID))
      return secret
    },
    deleteApp: (clientID = firstApp.clientID) => {
      grants.revoke(apps.delete(clientID))
    },
    setPermissions: (permissions, clientID = firstApp.clientID) => apps.setPermissions(clientID, permissions),
    stop: () => server.stop()
  }
}
