import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { mock } from 'node:test'
import { newLogin } from '../../lib/session/kept-login'
import { plainCodec, sealedCodec, type LoginCodec } from '../../lib/session/login-codec'
import { tokensOf } from '../support/session-app'

const LOGIN = newLogin(tokensOf(), 1_800_000_000_000)

function accessTokenIn(codec: LoginCodec, stored: unknown): string | undefined {
  return codec.decode(stored)?.tokens.accessToken
}

describe('a login in a session', () => {
  it('without a secret is JSON', () => {
    const stored = plainCodec.encode(LOGIN)
    const { claims: _claims, ...tokens } = LOGIN.tokens
    assert.deepEqual(stored, { login: LOGIN.id, generation: 0, receivedAt: LOGIN.receivedAt, ...tokens })
    assert.deepEqual([plainCodec.decode(stored)?.id, accessTokenIn(plainCodec, stored)], [LOGIN.id, 'access-0'])
    assert.equal(plainCodec.decode(sealedCodec(['one']).encode(LOGIN)), undefined)
  })

  it('with a secret is a string that contains no token, and can be read only with the same secret', () => {
    const stored = sealedCodec(['one']).encode(LOGIN)
    assert.equal(typeof stored, 'string')
    assert.doesNotMatch(String(stored), /access|refresh/)
    assert.equal(accessTokenIn(sealedCodec(['one']), stored), 'access-0')
    assert.equal(sealedCodec(['two']).decode(stored), undefined)
  })

  it('is encrypted with the newest secret, and read with any', () => {
    const old = sealedCodec(['old']).encode(LOGIN)
    const rotated = sealedCodec(['new', 'old'])
    assert.equal(accessTokenIn(rotated, old), 'access-0')
    assert.equal(accessTokenIn(sealedCodec(['new']), rotated.encode(LOGIN)), 'access-0')
    assert.equal(sealedCodec(['old']).decode(rotated.encode(LOGIN)), undefined)
  })

  it('that an earlier version has stored is read, so that an upgrade logs nobody out', () => {
    const tokens = { accessToken: 'access-0', refreshToken: 'refresh-0', idToken: 'id-0', scope: 'offline_access', tokenType: 'Bearer', expiresAt: 1_800_003_600_000 }
    const plain = { login: 'AAAAAAAAAAAAAAAAAAAAAA', generation: 3, receivedAt: 1_800_000_000_000, ...tokens }
    const sealed =
      'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..BwcHBwcHBwcHBwcH.5YfJIhgCW3kNNWFmom9kg5j270cx9YRvz7cWsYwtXkfggE9AYeoVwCqyFz2OEr2fGQqYqGhvF_eivirEAqWDG_YKbkmcMNsK4wm4jiA_dLpsuNVh6ro1Ea0L8zFN7WhmEsIM7xL7G6-lQb0Q5REjMVip0cbw4PAxf4fJJlRtgyfEE4iT0TBz3AnoP8nUSJqST7vm57xqTVWaGesUmtJcytbj9bLNbNgdUi_qAWzDcaKuSI26XGXnKfrKemlCBxbWBNDTGKmxeyc2kcHrIpvSV-Dq2HUV5gWeLg.4l1j08iCz6AkNYbD7uLYmw'
    for (const login of [plainCodec.decode(plain), sealedCodec(['a secret of 32 characters or more']).decode(sealed)]) {
      assert.deepEqual({ ...login, tokens: { ...login?.tokens } }, { id: plain.login, generation: 3, receivedAt: plain.receivedAt, tokens: { ...tokens, claims: {} } })
    }
  })

  it('is read by each request on its own, so that no request sees what another has changed', () => {
    const codec = sealedCodec(['one'])
    const stored = codec.encode(LOGIN)
    const [first, second] = [codec.decode(stored), codec.decode(stored)]
    assert.deepEqual(first, second)
    if (first) Object.assign(first.tokens, { accessToken: 'changed' })
    assert.deepEqual([second?.tokens.accessToken, accessTokenIn(codec, stored)], ['access-0', 'access-0'])
  })

  it('is decrypted once, however often it is read', () => {
    const codec = sealedCodec(['one'])
    const stored = codec.encode(LOGIN)
    const decipher = mock.method(crypto, 'createDecipheriv')
    try {
      for (let request = 0; request < 3; request++) assert.equal(accessTokenIn(codec, stored), 'access-0')
      assert.equal(decipher.mock.callCount(), 1)
    } finally {
      decipher.mock.restore()
    }
  })

  it('is read however many others are read in between', () => {
    const codec = sealedCodec(['one'])
    const stored = Array.from({ length: 1500 }, (_, index) => codec.encode({ ...LOGIN, id: `login-${index}` }))
    for (const _round of [1, 2]) {
      assert.deepEqual(stored.map((sealed) => codec.decode(sealed)?.id), stored.map((_, index) => `login-${index}`))
    }
  })

  it('from before there was a secret is read with one', () => {
    assert.equal(accessTokenIn(sealedCodec(['one']), plainCodec.encode(LOGIN)), 'access-0')
  })

  it('is not read from anything else, and never throws', () => {
    for (const stored of [undefined, null, '', 'text', '....', 7, [], {}]) {
      for (const codec of [plainCodec, sealedCodec(['one'])]) assert.equal(codec.decode(stored), undefined)
    }
  })
})
