import { createHash, timingSafeEqual } from 'node:crypto'
import { DIALECTS, type ApiVersion, type Dialect } from '../oauth/dialect'
import type { Apps, SandboxApp, SandboxGrantType } from './apps'
import { accountsOf, type SandboxAccount } from './accounts'
import type { Approval, Grants } from './grants'
import { CORS_HEADERS, jsonResponse, type SandboxRequest, type SandboxResponse } from './http'
import { readParameters, requireParameter, type RequestParameters } from './parameters'
import type { SandboxPerson } from './people'
import { SandboxError } from './sandbox-error'
import { accessTokenClaims, idTokenClaims } from './token-claims'
import type { TokenSigner } from './token-signer'

export interface TokenOptions {
  /** The origin of the sandbox, which is the issuer of its tokens. */
  readonly url: string
  readonly apps: Apps
  readonly people: readonly SandboxPerson[]
  readonly grants: Grants
  readonly signer: TokenSigner
  /** In seconds. */
  readonly accessTokenTTL: number
  readonly rotateRefreshTokens: boolean
}

/** A request of an authenticated app. */
interface GrantRequest {
  readonly apiVersion: ApiVersion
  readonly dialect: Dialect
  readonly app: SandboxApp
  readonly parameters: RequestParameters
  /** The account that the request names, on v2. */
  readonly account: SandboxAccount | undefined
  readonly options: TokenOptions
}

/** The tokens in the contract's schema `oauth.v1.token`. */
interface IssuedTokens {
  readonly access_token: string
  readonly refresh_token: string | null
  readonly id_token: string | null
}

interface Grant {
  /** What the app must have been made for. */
  readonly grantType: SandboxGrantType
  readonly issue: (request: GrantRequest) => IssuedTokens
}

const GRANTS: Readonly<Record<string, Grant>> = {
  authorization_code: { grantType: 'authorization_code', issue: exchangeCode },
  refresh_token: { grantType: 'authorization_code', issue: refresh },
  client_credentials: { grantType: 'client_credentials', issue: clientCredentials }
}

/** The contract's operation `CreateToken`. */
export function tokenEndpoint(apiVersion: ApiVersion, request: SandboxRequest, options: TokenOptions): SandboxResponse {
  const { form, authorization } = request
  const dialect = DIALECTS[apiVersion]
  if (!form) throw new SandboxError('invalid_request', 'The body must be application/x-www-form-urlencoded.')
  const parameters = readParameters(form, dialect)
  const grantType = requireParameter(parameters, 'grant_type', dialect)
  const app = authenticate(options.apps, parameters, dialect, authorization)
  if (app.clientSecret === undefined && apiVersion !== 'v2') throw new SandboxError('unauthorized_client', 'This OAuth app is a public client, which needs v2.')
  const grant = Object.hasOwn(GRANTS, grantType) ? GRANTS[grantType] : undefined
  if (!grant) throw new SandboxError('unsupported_grant_type', 'The grant type must be authorization_code, refresh_token or client_credentials.')
  if (!app.grantTypes.includes(grant.grantType)) throw new SandboxError('unauthorized_client', `This OAuth app cannot use the grant ${grantType}. ${MADE_FOR[grant.grantType]}`)
  const account = readAccount(apiVersion, request, app, options.people)
  const tokens = grant.issue({ apiVersion, dialect, app, parameters, account, options })
  // expires_in is an integer. The claims of the access token tell a lifetime with a fraction.
  const expiresIn = Number.isInteger(options.accessTokenTTL) ? options.accessTokenTTL : null
  return jsonResponse(dialect.tokenStatus, { ...tokens, token_type: 'Bearer', expires_in: expiresIn }, CORS_HEADERS)
}

const MADE_FOR: Readonly<Record<SandboxGrantType, string>> = {
  authorization_code: "Logins need an organization's app with the grant type authorization code.",
  client_credentials: "Client credentials need an account's app, or an organization's app with the grant type client credentials."
}

/** The account in whose behalf v2's token call is made: `account_sid`, which Twilio documents in the query, and its SDK for Node sends in the body. */
function readAccount(apiVersion: ApiVersion, { form, query }: SandboxRequest, app: SandboxApp, people: readonly SandboxPerson[]): SandboxAccount | undefined {
  const given = [...query.getAll('account_sid'), ...(form?.getAll('account_sid') ?? [])].filter((value) => value !== '')
  const [accountSid] = given
  if (accountSid === undefined) return undefined
  if (apiVersion !== 'v2') throw new SandboxError('invalid_request', `account_sid is not a parameter of this version (${apiVersion}).`)
  if (given.some((other) => other !== accountSid)) throw new SandboxError('invalid_request', 'account_sid is given more than once.')
  const account = accountsOf(app, people).find((known) => known.accountSid === accountSid)
  if (!account) throw new SandboxError('invalid_request', 'account_sid is not an account that this OAuth app can act for.')
  return account
}

function authenticate(apps: Apps, parameters: RequestParameters, dialect: Dialect, authorization: string | undefined): SandboxApp {
  if (parameters.client_id === undefined && authorization !== undefined) {
    const { client_id: id, client_secret: secret } = dialect.parameterNames
    throw new SandboxError('invalid_client', `The client ID and secret must be sent in the body, as ${id} and ${secret}, not in the Authorization header.`)
  }
  const clientID = requireParameter(parameters, 'client_id', dialect)
  const app = apps.find(clientID)
  if (!app || !isAuthenticated(app, parameters.client_secret)) {
    throw new SandboxError('invalid_client', 'Authentication failed: the client ID or the client secret is wrong.')
  }
  return app
}

/** A public client sends no secret. What it proves instead is in the code challenge and in the refresh token. */
function isAuthenticated({ clientSecret }: SandboxApp, given: string | undefined): boolean {
  return clientSecret === undefined ? given === undefined : isSameSecret(clientSecret, given ?? '')
}

function isSameSecret(expected: string, given: string): boolean {
  return timingSafeEqual(createHash('sha256').update(expected).digest(), createHash('sha256').update(given).digest())
}

function exchangeCode({ apiVersion, dialect, app, parameters, account, options }: GrantRequest): IssuedTokens {
  const { grants } = options
  const code = requireParameter(parameters, 'code', dialect)
  const redirectURI = requireParameter(parameters, 'redirect_uri', dialect)
  const approval = grants.findCode(code, app)
  if (approval.apiVersion !== apiVersion) throw new SandboxError('invalid_grant', 'The authorization code was issued by another API version.')
  if (approval.redirectURI !== redirectURI) throw new SandboxError('invalid_grant', 'The redirect URI differs from the one in the authorization request.')
  checkCodeVerifier(approval, parameters.code_verifier)

  grants.markCodeUsed(code)
  grants.counts.codes++
  return { ...issueTokens(approval, approval.scope, account, options), refresh_token: issueRefreshToken(approval, grants) }
}

/** RFC 7636 §4.6. */
function checkCodeVerifier({ codeChallenge }: Approval, verifier: string | undefined): void {
  if (codeChallenge === undefined && verifier === undefined) return
  if (codeChallenge === undefined) throw new SandboxError('invalid_grant', 'A code verifier was sent, but the authorization request had no code challenge.')
  const matches = verifier !== undefined && createHash('sha256').update(verifier).digest('base64url') === codeChallenge
  if (!matches) throw new SandboxError('invalid_grant', 'The code verifier does not match the code challenge.')
}

function refresh({ dialect, app, parameters, account, options }: GrantRequest): IssuedTokens {
  const { grants, rotateRefreshTokens } = options
  const refreshToken = requireParameter(parameters, 'refresh_token', dialect)
  const approval = grants.findRefreshToken(refreshToken, app)
  const scope = parameters.scope ?? approval.scope
  checkScope(scope, approval.scope)

  if (rotateRefreshTokens) grants.markRefreshTokenUsed(refreshToken)
  grants.counts.refreshes++
  return { ...issueTokens(approval, scope, account, options), refresh_token: rotateRefreshTokens ? issueRefreshToken(approval, grants) : null }
}

/** A refresh can narrow the scope but not widen it (RFC 6749 §6). */
function checkScope(requested: string, granted: string): void {
  const allowed = scopesIn(granted)
  if (!scopesIn(requested).every((scope) => allowed.includes(scope))) throw new SandboxError('invalid_scope', 'The requested scope exceeds the granted scope.')
}

function clientCredentials({ app, parameters: { scope = '' }, account, options }: GrantRequest): IssuedTokens {
  const { accessTokenTTL, grants, signer, url } = options
  const accountSid = app.owner === 'account' ? app.accountSid : account?.accountSid
  const accessToken = signer.sign(accessTokenClaims(url, { app, scope, accountSid }, accessTokenTTL))
  grants.addAccessToken(accessToken, { app, accountSid }, accessTokenTTL)
  grants.counts.clientCredentials++
  return { access_token: accessToken, refresh_token: null, id_token: null }
}

function issueTokens({ app, person, family }: Approval, scope: string, account: SandboxAccount | undefined, { accessTokenTTL, grants, signer, url }: TokenOptions): Pick<IssuedTokens, 'access_token' | 'id_token'> {
  const accountSid = app.owner === 'account' ? person.accountSid : account?.accountSid
  const accessToken = signer.sign(accessTokenClaims(url, { app, person, scope, accountSid }, accessTokenTTL))
  grants.addAccessToken(accessToken, { app, accountSid, family }, accessTokenTTL)
  return { access_token: accessToken, id_token: scopesIn(scope).includes('openid') ? signer.sign(idTokenClaims(url, app, person)) : null }
}

function issueRefreshToken(approval: Approval, grants: Grants): string | null {
  return scopesIn(approval.scope).includes('offline_access') ? grants.issueRefreshToken(approval) : null
}

function scopesIn(scope: string): string[] {
  return scope.split(' ').filter((name) => name !== '')
}
