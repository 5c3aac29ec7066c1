import { DIALECTS } from '../oauth/dialect'

export const METADATA_PATH = '/.well-known/oauth-authorization-server'

/** Authorization server metadata (RFC 8414 §2) with the fields that Twilio's document of v2 has. */
export function authorizationServerMetadata(url: string): Readonly<Record<string, unknown>> {
  const { authorizePath, tokenPath } = DIALECTS.v2
  return {
    issuer: url,
    authorization_endpoint: url + authorizePath,
    token_endpoint: url + tokenPath,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'none']
  }
}
