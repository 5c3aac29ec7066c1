import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { TwilioResponseError } from '../../lib'
import { readTokens } from '../../lib/oauth/tokens'
import { unsigned } from '../support/jwt'

const NOW = 1_800_000_000_000
const NOW_S = NOW / 1000
const YEAR_S = 365 * 24 * 3600

describe('a token response', () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: NOW }))
  after(() => mock.timers.reset())

  function assertRefused(response: unknown, message: RegExp): void {
    assert.throws(() => readTokens(response), (error) => error instanceof TwilioResponseError && message.test(error.message))
  }

  it("is read into tokens, with the access token's claims", () => {
    const accessToken = unsigned({ sub: 'x' })
    const response = { access_token: accessToken, refresh_token: 'r', id_token: 'i', token_type: 'bearer', expires_in: 60, scope: 'a b' }
    const tokens = readTokens(response)
    assert.deepEqual(tokens, { accessToken, refreshToken: 'r', idToken: 'i', tokenType: 'bearer', scope: 'a b', expiresAt: NOW + 60_000, claims: { sub: 'x' } })
  })

  it('may have null, nothing or an empty string in every field but access_token', () => {
    const rest = ['refresh_token', 'id_token', 'token_type', 'expires_in', 'scope']
    for (const nothing of [null, undefined, '']) {
      const tokens = readTokens({ access_token: 'a', ...Object.fromEntries(rest.map((field) => [field, nothing])) })
      assert.deepEqual(tokens, { accessToken: 'a', tokenType: 'Bearer', claims: {} })
    }
    for (const nothing of [null, undefined, '']) assertRefused({ access_token: nothing }, /no access_token/)
  })

  it('has the latest expiry that a Date can represent, and none after it', () => {
    assert.equal(readTokens({ access_token: 'a', expires_in: 8.64e15 }).expiresAt, 8.64e15)
    assert.equal(readTokens({ access_token: 'a', expires_in: 8.64e15 + 2 }).expiresAt, undefined)
  })

  it('keeps the refresh token that was used, unless it has a new one', () => {
    assert.equal(readTokens({ access_token: 'a', refresh_token: null }, 'old').refreshToken, 'old')
    assert.equal(readTokens({ access_token: 'a', refresh_token: 'new' }, 'old').refreshToken, 'new')
  })

  it('may have the scope as an array of strings', () => {
    assert.equal(readTokens({ access_token: 'a', scope: ['a', 'b c'] }).scope, 'a b c')
    assert.equal(readTokens({ access_token: 'a', scope: [] }).scope, undefined)
    assertRefused({ access_token: 'a', scope: ['a', 7] }, /scope is not a string/)
  })

  it('is refused if it is not an object, or a field has another type', () => {
    for (const response of [null, undefined, [], 'text', 7]) assertRefused(response, /not a JSON object/)
    for (const field of ['access_token', 'refresh_token', 'id_token', 'token_type', 'scope']) {
      for (const wrong of [7, true, {}, [{}]]) assertRefused({ access_token: 'a', [field]: wrong }, new RegExp(`${field} is not a string`))
    }
  })

  it('is refused if a token contains characters that cannot be sent in a header', () => {
    for (const token of ['a b', 'a\r\nX-Evil: 1', 'é', 'a\u0000']) {
      assertRefused({ access_token: token }, /access_token contains characters/)
      assertRefused({ access_token: 'a', refresh_token: token }, /refresh_token contains characters/)
    }
  })

  it('is refused if its token is not a bearer token', () => {
    for (const tokenType of ['mac', 'DPoP', 'bearer ']) assertRefused({ access_token: 'a', token_type: tokenType }, /token_type is not bearer/)
    assert.equal(readTokens({ access_token: 'a', token_type: 'BEARER' }).tokenType, 'BEARER')
  })

  it('cannot set fields through __proto__', () => {
    assertRefused(JSON.parse('{"__proto__": {"access_token": "a"}}'), /no access_token/)
    assert.equal(readTokens(JSON.parse('{"access_token": "a", "__proto__": {"refresh_token": "r"}}')).refreshToken, undefined)
  })

  describe('has the expiry of the access token', () => {
    const expiresAt = (expiresIn: unknown, claims?: unknown) => readTokens({ access_token: claims === undefined ? 'opaque' : unsigned(claims), expires_in: expiresIn }).expiresAt

    it('from expires_in as seconds from now', () => {
      assert.equal(expiresAt(3600), NOW + 3_600_000)
      assert.equal(expiresAt('3600'), NOW + 3_600_000)
      assert.equal(expiresAt(YEAR_S), NOW + YEAR_S * 1000)
    })

    it("from expires_in or exp − iat whatever the difference between Twilio's clock and ours", () => {
      for (const difference of [-7200, 7200]) {
        const claims = { iat: NOW_S + difference, exp: NOW_S + difference + 60 }
        assert.equal(expiresAt(3600, claims), NOW + 3_600_000)
        for (const nothing of [null, undefined, 0, 1_438_315_200_000]) assert.equal(expiresAt(nothing, claims), NOW + 60_000)
      }
      assert.equal(expiresAt(undefined, { iat: 1000.5, exp: 1001 }), NOW + 500)
    })

    it('from exp alone if there is no sensible lifetime', () => {
      for (const iat of [undefined, null, 'x', 0, -1, NOW_S + 7, NOW_S + 8]) assert.equal(expiresAt(undefined, { exp: NOW_S + 7, iat }), NOW + 7000)
      assert.equal(expiresAt(undefined, { exp: NOW_S + 7.25 }), NOW + 7250)
      assert.equal(expiresAt(1_438_315_200_000, { exp: NOW_S + 7 }), NOW + 7000, 'rather than from an expires_in that is no lifetime')
      assert.equal(expiresAt(undefined, { exp: NOW_S + 7, iat: NOW_S + 7 - YEAR_S }), NOW + YEAR_S * 1000)
      assert.equal(expiresAt(undefined, { exp: NOW_S + 7, iat: NOW_S + 6 - YEAR_S }), NOW + 7000)
    })

    it("from expires_in as epoch ms, like the contract's example, if there is nothing else", () => {
      assert.equal(expiresAt(1_438_315_200_000), 1_438_315_200_000)
      assert.equal(expiresAt(YEAR_S + 1), YEAR_S + 1)
      for (const exp of ['1800000007', null, -1, 0, 1e300]) assert.equal(expiresAt(1_438_315_200_000, { exp }), 1_438_315_200_000)
    })

    it('not at all if nothing makes sense', () => {
      for (const nonsense of [null, undefined, 0, -5, '', '-5', '1e3', 'soon', true, {}, [], 1e300, NaN]) assert.equal(expiresAt(nonsense), undefined)
    })
  })
})
