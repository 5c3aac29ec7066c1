import { createHash, timingSafeEqual } from 'node:crypto'
import { DIALECTS, type ApiVersion, type Dialect } from '../oauth/dialect'
import type { SandboxApp } from './apps'
import type { Approval, Grants } from './grants'
import { CORS_HEADERS, jsonResponse, type SandboxRequest, type SandboxResponse } from './http'
import { readParameters, requireParameter, type RequestParameters } from './parameters'
import { SandboxError } from './sandbox-error'
import { accessTokenClaims, idTokenClaims } from './token-claims'
import type { TokenSigner } from './token-signer'

export interface TokenOptions {
  /** The origin of the sandbox, which is the issuer of its tokens. */
  readonly url: string
  readonly apps: readonly SandboxApp[]
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
  readonly options: TokenOptions
}

/** The tokens in the contract's schema `oauth.v1.token`. */
interface IssuedTokens {
  readonly access_token: string
  readonly refresh_token: string | null
  readonly id_token: string | null
}

const GRANTS: Readonly<Record<string, (request: GrantRequest) => IssuedTokens>> = {
  authorization_code: exchangeCode,
  refresh_token: refresh,
  client_credentials: clientCredentials
}

/** The contract's operation `CreateToken`. */
export function tokenEndpoint(apiVersion: ApiVersion, { form, authorization }: SandboxRequest, options: TokenOptions): SandboxResponse {
  const dialect = DIALECTS[apiVersion]
  if (!form) throw new SandboxError('invalid_request', 'The body must be application/x-www-form-urlencoded.')
  const parameters = readParameters(form, dialect)
  const grantType = requireParameter(parameters, 'grant_type', dialect)
  const app = authenticate(options.apps, parameters, dialect, authorization)
  const grant = Object.hasOwn(GRANTS, grantType) ? GRANTS[grantType] : undefined
  if (!grant) throw new SandboxError('unsupported_grant_type', 'The grant type must be authorization_code, refresh_token or client_credentials.')
  const tokens = grant({ apiVersion, dialect, app, parameters, options })
  // expires_in is an integer. The claims of the access token tell a lifetime with a fraction.
  const expiresIn = Number.isInteger(options.accessTokenTTL) ? options.accessTokenTTL : null
  return jsonResponse(dialect.tokenStatus, { ...tokens, token_type: 'Bearer', expires_in: expiresIn }, CORS_HEADERS)
}

function authenticate(apps: readonly SandboxApp[], parameters: RequestParameters, dialect: Dialect, authorization: string | undefined): SandboxApp {
  if (parameters.client_id === undefined && authorization !== undefined) {
    const { client_id: id, client_secret: secret } = dialect.parameterNames
    throw new SandboxError('invalid_client', `The client ID and secret must be sent in the body, as ${id} and ${secret}, not in the Authorization header.`)
  }
  const clientID = requireParameter(parameters, 'client_id', dialect)
  const app = apps.find((registered) => registered.clientID === clientID)
  if (!app || !isSameSecret(app.clientSecret, parameters.client_secret ?? '')) {
    throw new SandboxError('invalid_client', 'Authentication failed: the client ID or the client secret is wrong.')
  }
  return app
}

function isSameSecret(expected: string, given: string): boolean {
  return timingSafeEqual(createHash('sha256').update(expected).digest(), createHash('sha256').update(given).digest())
}

function exchangeCode({ apiVersion, dialect, app, parameters, options }: GrantRequest): IssuedTokens {
  const { grants } = options
  const code = requireParameter(parameters, 'code', dialect)
  const redirectURI = requireParameter(parameters, 'redirect_uri', dialect)
  const approval = grants.findCode(code, app)
  if (approval.apiVersion !== apiVersion) throw new SandboxError('invalid_grant', 'The authorization code was issued by another API version.')
  if (approval.redirectURI !== redirectURI) throw new SandboxError('invalid_grant', 'The redirect URI differs from the one in the authorization request.')
  checkCodeVerifier(approval, parameters.code_verifier)

  grants.markCodeUsed(code)
  grants.counts.codes++
  return { ...issueTokens(approval, approval.scope, options), refresh_token: issueRefreshToken(approval, grants) }
}

/** RFC 7636 §4.6. */
function checkCodeVerifier({ codeChallenge }: Approval, verifier: string | undefined): void {
  if (codeChallenge === undefined && verifier === undefined) return
  if (codeChallenge === undefined) throw new SandboxError('invalid_grant', 'A code verifier was sent, but the authorization request had no code challenge.')
  const matches = verifier !== undefined && createHash('sha256').update(verifier).digest('base64url') === codeChallenge
  if (!matches) throw new SandboxError('invalid_grant', 'The code verifier does not match the code challenge.')
}

function refresh({ dialect, app, parameters, options }: GrantRequest): IssuedTokens {
  const { grants, rotateRefreshTokens } = options
  const refreshToken = requireParameter(parameters, 'refresh_token', dialect)
  const approval = grants.findRefreshToken(refreshToken, app)
  const scope = parameters.scope ?? approval.scope
  checkScope(scope, approval.scope)

  if (rotateRefreshTokens) grants.markRefreshTokenUsed(refreshToken)
  grants.counts.refreshes++
  return { ...issueTokens(approval, scope, options), refresh_token: rotateRefreshTokens ? issueRefreshToken(approval, grants) : null }
}

/** A refresh can narrow the scope but not widen it (RFC 6749 §6). */
function checkScope(requested: string, granted: string): void {
  const allowed = scopesIn(granted)
  if (!scopesIn(requested).every((scope) => allowed.includes(scope))) throw new SandboxError('invalid_scope', 'The requested scope exceeds the granted scope.')
}

function clientCredentials({ app, parameters: { scope = '' }, options }: GrantRequest): IssuedTokens {
  const { accessTokenTTL, grants, signer, url } = options
  const accessToken = signer.sign(accessTokenClaims(url, { app, scope }, accessTokenTTL))
  grants.addAccessToken(accessToken, { app }, accessTokenTTL)
  grants.counts.clientCredentials++
  return { access_token: accessToken, refresh_token: null, id_token: null }
}

function issueTokens({ app, person, family }: Approval, scope: string, { accessTokenTTL, grants, signer, url }: TokenOptions): Pick<IssuedTokens, 'access_token' | 'id_token'> {
  const accessToken = signer.sign(accessTokenClaims(url, { app, person, scope }, accessTokenTTL))
  grants.addAccessToken(accessToken, { app, person, family }, accessTokenTTL)
  return { access_token: accessToken, id_token: scopesIn(scope).includes('openid') ? signer.sign(idTokenClaims(url, app, person)) : null }
}

function issueRefreshToken(approval: Approval, grants: Grants): string | null {
  return scopesIn(approval.scope).includes('offline_access') ? grants.issueRefreshToken(approval) : null
}

function scopesIn(scope: string): string[] {
  return scope.split(' ').filter((name) => name !== '')
}
