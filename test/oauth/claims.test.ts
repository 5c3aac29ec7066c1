import assert from 'node:assert/strict'
import { accountSidOf, actingFor, claimsOf, decodeJWT, parseResourceName } from '../../lib/oauth/claims'
import { unsigned } from '../support/jwt'

describe('the claims of a token', () => {
  it('are read from a JWT', () => {
    assert.deepEqual(decodeJWT(unsigned({ sub: 'é' }, { alg: 'ES256' })), { header: { alg: 'ES256' }, claims: { sub: 'é' } })
  })

  it('are empty for anything else', () => {
    const notClaims = ['null', '[1]', '"text"', '{'].map((part) => `e30.${Buffer.from(part).toString('base64url')}.s`)
    for (const opaque of ['', 'opaque', 'a.b', 'a.b.c.d', '..', 'e30..s', ...notClaims]) assert.deepEqual(claimsOf(opaque), {}, opaque)
  })

  it('are none when they nest deeper than any do, so that nobody trips over them', () => {
    const nested = (depth: number) => `e30.${Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`).toString('base64url')}.s`
    assert.deepEqual(claimsOf(nested(3)), { a: [[[]]] })
    for (const depth of [40, 60_000]) assert.deepEqual(claimsOf(nested(depth)), {})
  })

  it('take a Twilio Resource Name apart', () => {
    assert.deepEqual(parseResourceName('trn:us1:iam:account:AC1'), { region: 'us1', service: 'iam', type: 'account', sid: 'AC1' })
    for (const other of ['trn:us1:iam:account', 'trn:us1:iam:account:AC1:more', 'arn:us1:iam:account:AC1', 'trn:us1:iam::AC1', '', 7, null, undefined]) {
      assert.equal(parseResourceName(other), undefined)
    }
  })

  it('tell for which account or organization the token acts', () => {
    assert.equal(actingFor({ act: { sub: 'trn:us1:iam:organization:OR1' } })?.sid, 'OR1')
    assert.equal(actingFor({ act: 'trn:us1:iam:account:AC1', 'urn:tw:iam_ctx': 'trn:ie1:iam:account:AC2' })?.sid, 'AC2')
    assert.equal(actingFor({ act: [] }), undefined)
    assert.equal(accountSidOf({ act: { sub: 'trn:us1:iam:account:AC1' } }), 'AC1')
    assert.equal(accountSidOf({ act: { sub: 'trn:us1:iam:organization:OR1' } }), undefined)
  })
})
