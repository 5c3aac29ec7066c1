import assert from 'node:assert/strict'
import { DIALECTS, encodeParameters } from '../../lib/oauth/dialect'

const STANDARD = {
  response_type: 'code',
  client_id: 'OQ1',
  client_secret: 'secret',
  redirect_uri: 'http://localhost/cb?a=b&c=d',
  scope: 'a b',
  state: 'é&=',
  grant_type: 'authorization_code',
  code: 'c+d',
  audience: 'https://api.twilio.com',
  refresh_token: 'r',
  code_challenge: 'ch',
  code_challenge_method: 'S256',
  code_verifier: 'v'
}

describe('encodeParameters()', () => {
  it("uses Twilio's capitalized names for v1", () => {
    const encoded = new URLSearchParams(encodeParameters(DIALECTS.v1, STANDARD))
    assert.deepEqual(Object.fromEntries(encoded), {
      ResponseType: 'code',
      ClientId: 'OQ1',
      ClientSecret: 'secret',
      RedirectUri: 'http://localhost/cb?a=b&c=d',
      Scope: 'a b',
      State: 'é&=',
      GrantType: 'authorization_code',
      Code: 'c+d',
      Audience: 'https://api.twilio.com',
      RefreshToken: 'r',
      CodeChallenge: 'ch',
      CodeChallengeMethod: 'S256',
      CodeVerifier: 'v'
    })
    assert.deepEqual([DIALECTS.v1.authorizePath, DIALECTS.v1.tokenPath, DIALECTS.v1.tokenStatus, DIALECTS.v1.pkce], ['/v1/authorize', '/v1/token', 201, false])
  })

  it('uses the standard names for v2', () => {
    assert.deepEqual(Object.fromEntries(new URLSearchParams(encodeParameters(DIALECTS.v2, STANDARD))), STANDARD)
    assert.deepEqual([DIALECTS.v2.authorizePath, DIALECTS.v2.tokenPath, DIALECTS.v2.tokenStatus, DIALECTS.v2.pkce], ['/v2/authorize', '/v2/token', 200, true])
  })

  it('sends other parameters unchanged, and none without a value', () => {
    assert.equal(encodeParameters(DIALECTS.v1, { 'my param': 'x y', toString: 'z', scope: undefined }), 'my%20param=x%20y&toString=z')
    assert.equal(encodeParameters(DIALECTS.v2, {}), '')
  })
})
