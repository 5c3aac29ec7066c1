import assert from 'node:assert/strict'
import { codeChallengeOf, codeVerifiers, newCodeVerifier } from '../../lib/login/pkce'

describe('PKCE', () => {
  it('computes the S256 challenge of RFC 7636 appendix B', () => {
    assert.equal(codeChallengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
  })

  it('makes random verifiers of 43 characters', () => {
    assert.match(newCodeVerifier(), /^[\w-]{43}$/)
    assert.notEqual(newCodeVerifier(), newCodeVerifier())
  })

  it('derives verifiers from the secret, the login and the session, each of which matters', () => {
    const verifier = codeVerifiers('secret')('login', 'session')
    assert.match(verifier, /^[\w-]{43}$/)
    assert.equal(codeVerifiers('secret')('login', 'session'), verifier)
    for (const other of [codeVerifiers('other')('login', 'session'), codeVerifiers('secret')('other', 'session'), codeVerifiers('secret')('login', 'other'), codeVerifiers('secret')('loginsession', '')]) assert.notEqual(other, verifier)
  })
})
