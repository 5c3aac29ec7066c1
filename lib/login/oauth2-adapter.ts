import type { Agent } from 'node:http'
import type { OAuth2 } from 'oauth'
import type { TwilioOAuthClient } from '../oauth/client'
import { callHttp } from '../oauth/http'
import { endpoint, setAgent, type ClientConfiguration } from '../oauth/options'
import type { GrantResult, TokenEndpoint } from '../oauth/token-endpoint'

type Parameters = Readonly<Record<string, string | undefined>>
type TokenCallback = (error: unknown, accessToken?: string, refreshToken?: string, results?: Readonly<Record<string, unknown>>) => void
type DataCallback = (error: unknown, data?: string, response?: { readonly statusCode: number }) => void

interface Adaptee {
  readonly client: TwilioOAuthClient
  readonly tokenEndpoint: TokenEndpoint
  readonly configuration: ClientConfiguration
}

/**
 * Replaces the methods of an `OAuth2` object (of the `oauth` package) that call Twilio, for packages that use it, such as
 * passport-oauth2-refresh. The methods do not use `this`, since such packages copy them to objects of their own.
 */
export function adaptOAuth2(oauth2: OAuth2, { client, tokenEndpoint, configuration }: Adaptee): void {
  const { customHeaders, limits } = configuration
  oauth2.useAuthorizationHeaderforGET(true)
  Object.assign(oauth2, {
    setAgent(agent: Agent): void {
      setAgent(configuration, agent)
      client.setAgent(agent)
    },
    getAuthorizeUrl({ redirect_uri: redirectURI = '', scope, state, ...extra }: Parameters = {}): string {
      return client.authorizationURL({ redirectURI, scope, state, extra })
    },
    getOAuthAccessToken(code: string, parameters: Parameters, callback: TokenCallback): void {
      requestTokens(tokenEndpoint, code, parameters).then(({ tokens, response }) => {
        callback(null, tokens.accessToken, tokens.refreshToken, response)
      }, callback)
    },
    _request(method: 'GET' | 'POST', url: string, headers: Record<string, string> | null, body: string, accessToken: string | null, callback: DataCallback): void {
      const authorization = accessToken ? { Authorization: `Bearer ${accessToken}` } : {}
      const call = async () => callHttp({ method, endpoint: endpoint('The URL', url), headers: { ...customHeaders, ...authorization, ...headers }, body: body || undefined }, limits)
      call().then(({ status, body }) => {
        if (status >= 200 && status < 300) callback(null, body, { statusCode: status })
        else callback({ statusCode: status, data: body })
      }, callback)
    }
  })
}

function requestTokens(tokenEndpoint: TokenEndpoint, codeOrRefreshToken: string, parameters: Parameters): Promise<GrantResult> {
  const { grant_type: grantType, scope, redirect_uri: redirectURI = '', code_verifier: codeVerifier, ...extra } = parameters
  if (grantType === 'refresh_token') return tokenEndpoint.refresh(codeOrRefreshToken, scope)
  return tokenEndpoint.exchangeCode({ code: codeOrRefreshToken, redirectURI, codeVerifier, extra })
}
