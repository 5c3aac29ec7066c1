import type { OAuth2 } from 'oauth'
import { callHttp, endpointOf, type CallLimits } from '../oauth/http'
import type { TwilioOAuthClient } from '../oauth/client'
import type { GrantResult, TokenEndpoint } from '../oauth/token-endpoint'

type Parameters = Readonly<Record<string, string | undefined>>
type TokenCallback = (error: unknown, accessToken?: string, refreshToken?: string, results?: Readonly<Record<string, unknown>>) => void
type DataCallback = (error: unknown, data?: string, response?: { readonly statusCode: number }) => void

/**
 * Makes an `OAuth2` of the `oauth` package speak Twilio, within the limits, for what builds on it
 * (passport-oauth2-refresh, for one). The functions do not look at `this`: such packages put them on objects of their own.
 */
export function speakTwilio(oauth2: OAuth2, client: TwilioOAuthClient, tokenEndpoint: TokenEndpoint, limits: CallLimits): void {
  oauth2.useAuthorizationHeaderforGET(true)
  Object.assign(oauth2, {
    getAuthorizeUrl({ redirect_uri: redirectURI = '', scope, state, ...extra }: Parameters = {}): string {
      return client.authorizationURL({ redirectURI, scope, state, extra })
    },
    getOAuthAccessToken(code: string, parameters: Parameters, callback: TokenCallback): void {
      grant(tokenEndpoint, code, parameters).then(({ tokens, response }) => {
        callback(null, tokens.accessToken, tokens.refreshToken, response)
      }, callback)
    },
    _request(method: 'GET' | 'POST', url: string, headers: Record<string, string> | null, body: string, accessToken: string | null, callback: DataCallback): void {
      const authorization = accessToken ? { Authorization: `Bearer ${accessToken}` } : {}
      callHttp({ method, endpoint: endpointOf(url), headers: { ...authorization, ...headers }, body: body || undefined }, limits).then((answer) => {
        const succeeded = answer.status >= 200 && answer.status < 300
        if (succeeded) callback(null, answer.body, { statusCode: answer.status })
        else callback({ statusCode: answer.status, data: answer.body })
      }, callback)
    }
  })
}

function grant(tokenEndpoint: TokenEndpoint, codeOrRefreshToken: string, parameters: Parameters): Promise<GrantResult> {
  const { grant_type: grantType, scope, redirect_uri: redirectURI = '', code_verifier: codeVerifier, ...extra } = parameters
  if (grantType === 'refresh_token') return tokenEndpoint.refresh(codeOrRefreshToken, scope)
  return tokenEndpoint.exchangeCode({ code: codeOrRefreshToken, redirectURI, codeVerifier, extra })
}
