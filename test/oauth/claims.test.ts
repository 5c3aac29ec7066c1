import assert from 'node:assert/strict'
import { claimsOf, decodeJWT } from '../../lib/oauth/claims'
import { unsigned } from '../support/jwt'

const encode = (json: string) => `e30.${Buffer.from(json).toString('base64url')}.s`

describe("a token's claims", () => {
  it('are decoded from a JWT', () => {
    assert.deepEqual(decodeJWT(unsigned({ sub: 'é' }, { alg: 'ES256' })), { header: { alg: 'ES256' }, claims: { sub: 'é' } })
  })

  it('are empty for a token that is not a JWT', () => {
    const notClaims = ['null', '[1]', '"text"', '{'].map(encode)
    const [header, claims, signature] = encode('{"a":1}').split('.')
    for (const opaque of [`${header}.${claims}`, `${header}.${claims}.${signature}.x`, '', 'opaque', 'a.b', 'a.b.c.d', '..', 'e30..s', ...notClaims]) assert.deepEqual(claimsOf(opaque), {}, opaque)
  })

  // The outermost object is a level of its own.
  const shapes: Readonly<Record<string, (depth: number) => string>> = {
    arrays: (depth) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`,
    objects: (depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  }
  for (const [what, nested] of Object.entries(shapes)) {
    it(`are empty if ${what} in it are nested more than 32 levels deep`, () => {
      assert.deepEqual(claimsOf(encode(nested(32))), JSON.parse(nested(32)))
      for (const depth of [33, 40, 60_000]) assert.deepEqual(claimsOf(encode(nested(depth))), {}, String(depth))
    })
  }

  it('are not there if the header or the claims cannot be decoded', () => {
    for (const token of ['opaque', 'e30.!.s', '!.e30.s', 'e30.e30']) assert.equal(decodeJWT(token), undefined, token)
  })
})
