import { createHash, timingSafeEqual } from 'node:crypto'
import { DIALECTS, type ApiVersion, type Dialect } from '../oauth/dialect'
import { CORS_HEADERS } from './authorize-endpoint'
import type { Approval, Grants } from './grants'
import { readParameters, required, type ReadParameters } from './parameters'
import type { SandboxApp } from './people'
import { jsonReply, type Reply, type SandboxRequest } from './reply'
import { accessTokenClaims, idTokenClaims, type TokenSigner } from './token-signer'
import { SandboxError } from './twilio-error'

export interface TokenOptions {
  readonly url: string
  readonly apps: readonly SandboxApp[]
  readonly grants: Grants
  readonly signer: TokenSigner
  /** Seconds. */
  readonly accessTokenTTL: number
  readonly rotateRefreshTokens: boolean
}

/** A grant that is about to be carried out. */
interface GrantCall {
  readonly apiVersion: ApiVersion
  readonly dialect: Dialect
  readonly app: SandboxApp
  readonly parameters: ReadParameters
  readonly options: TokenOptions
}

/** The contract's `oauth.v1.token`, but for what every answer has. */
interface Issued {
  readonly access_token: string
  readonly refresh_token: string | null
  readonly id_token: string | null
}

const GRANTS: Readonly<Record<string, (call: GrantCall) => Promise<Issued>>> = {
  authorization_code: exchangeCode,
  refresh_token: refresh,
  client_credentials: clientCredentials
}

/** The contract's `CreateToken`. */
export async function tokenEndpoint(apiVersion: ApiVersion, { form, authorization }: SandboxRequest, options: TokenOptions): Promise<Reply> {
  const dialect = DIALECTS[apiVersion]
  if (!form) throw new SandboxError('invalid_request', 'The body must be application/x-www-form-urlencoded.')
  const parameters = readParameters(form, dialect)
  const grantType = required(parameters, 'grant_type', dialect)
  const app = authenticate(options.apps, parameters, dialect, authorization)
  const grant = Object.hasOwn(GRANTS, grantType) ? GRANTS[grantType] : undefined
  if (!grant) throw new SandboxError('unsupported_grant_type', 'The grant type must be authorization_code, refresh_token or client_credentials.')
  const issued = await grant({ apiVersion, dialect, app, parameters, options })
  return jsonReply(dialect.tokenStatus, { ...issued, token_type: 'Bearer', expires_in: Math.ceil(options.accessTokenTTL) }, CORS_HEADERS)
}

function authenticate(apps: readonly SandboxApp[], parameters: ReadParameters, dialect: Dialect, authorization: string | undefined): SandboxApp {
  if (parameters.client_id === undefined && authorization !== undefined) {
    const { client_id: id, client_secret: secret } = dialect.parameterNames
    throw new SandboxError('invalid_client', `The client ID and secret go into the body, as ${id} and ${secret}, and not into Authorization.`)
  }
  const clientID = required(parameters, 'client_id', dialect)
  const app = apps.find((registered) => registered.clientID === clientID)
  if (!app || !isEqual(app.clientSecret, parameters.client_secret ?? '')) {
    throw new SandboxError('invalid_client', 'Authentication failed: the client ID or the client secret is wrong.')
  }
  return app
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

async function exchangeCode({ apiVersion, dialect, app, parameters, options }: GrantCall): Promise<Issued> {
  const code = required(parameters, 'code', dialect)
  const redirectURI = required(parameters, 'redirect_uri', dialect)
  const approval = options.grants.spendCode(code, app, (found) => {
    if (found.apiVersion !== apiVersion) throw new SandboxError('invalid_grant', 'The code was issued by another version.')
    if (found.redirectURI !== redirectURI) throw new SandboxError('invalid_grant', 'The redirect address differs from the one that the code was issued for.')
    checkCodeVerifier(found, parameters.code_verifier)
  })
  return issue(approval, approval.scope, options)
}

/** RFC 7636 §4.6. */
function checkCodeVerifier({ codeChallenge }: Approval, verifier: string | undefined): void {
  if (codeChallenge === undefined && verifier === undefined) return
  if (codeChallenge === undefined) throw new SandboxError('invalid_grant', 'A code verifier came, but no code challenge was made.')
  const matches = verifier !== undefined && createHash('sha256').update(verifier).digest('base64url') === codeChallenge
  if (!matches) throw new SandboxError('invalid_grant', 'The code verifier does not match the code challenge.')
}

function refresh({ dialect, app, parameters, options }: GrantCall): Promise<Issued> {
  const { grants, rotateRefreshTokens } = options
  const approval = grants.spendRefreshToken(required(parameters, 'refresh_token', dialect), app, {
    isSingleUse: rotateRefreshTokens,
    check: ({ scope }) => checkScope(parameters.scope, scope)
  })
  return issue(approval, parameters.scope ?? approval.scope, options, rotateRefreshTokens)
}

/** RFC 6749 §6: less than was granted, never more. */
function checkScope(wanted: string | undefined, granted: string): void {
  const allowed = scopesIn(granted)
  if (!scopesIn(wanted ?? '').every((scope) => allowed.includes(scope))) throw new SandboxError('invalid_scope', 'More is asked for than was granted.')
}

async function clientCredentials({ app, parameters: { scope = '' }, options }: GrantCall): Promise<Issued> {
  const { accessTokenTTL, grants, signer, url } = options
  const id = grants.issueAccessToken({ app, lifetime: accessTokenTTL })
  grants.counts.clientCredentials++
  return { access_token: await signer.sign(accessTokenClaims(url, { app, scope }, accessTokenTTL, id)), refresh_token: null, id_token: null }
}

async function issue(approval: Approval, scope: string, { accessTokenTTL, grants, signer, url }: TokenOptions, withRefreshToken = true): Promise<Issued> {
  const { app, person, family } = approval
  const subject = { app, person, scope }
  const id = grants.issueAccessToken({ app, person, family, lifetime: accessTokenTTL })
  const scopes = scopesIn(scope)
  return {
    access_token: await signer.sign(accessTokenClaims(url, subject, accessTokenTTL, id)),
    refresh_token: withRefreshToken && scopesIn(approval.scope).includes('offline_access') ? grants.issueRefreshToken(approval) : null,
    id_token: scopes.includes('openid') ? await signer.sign(idTokenClaims(url, subject, person)) : null
  }
}

function scopesIn(scope: string): string[] {
  return scope.split(' ').filter((part) => part !== '')
}
