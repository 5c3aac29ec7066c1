import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { TwilioResponseError } from '../../lib'
import { readTokens } from '../../lib/oauth/tokens'
import { unsigned } from '../support/jwt'

const NOW = 1_800_000_000_000

describe("the token endpoint's answer", () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: NOW }))
  after(() => mock.timers.reset())

  function assertRefused(answer: unknown, message: RegExp): void {
    assert.throws(() => readTokens(answer), (error) => error instanceof TwilioResponseError && message.test(error.message))
  }

  it('is read into tokens, with what the access token says', () => {
    const accessToken = unsigned({ sub: 'x' })
    const answer = { access_token: accessToken, refresh_token: 'r', id_token: 'i', token_type: 'bearer', expires_in: 60, scope: 'a b' }
    const tokens = readTokens(answer)
    assert.deepEqual(tokens, { accessToken, refreshToken: 'r', idToken: 'i', tokenType: 'bearer', scope: 'a b', expiresAt: NOW + 60_000, claims: { sub: 'x' } })
  })

  it('may have null, nothing or empty text in every field but access_token', () => {
    const rest = ['refresh_token', 'id_token', 'token_type', 'expires_in', 'scope']
    for (const nothing of [null, undefined, '']) {
      const tokens = readTokens({ access_token: 'a', ...Object.fromEntries(rest.map((field) => [field, nothing])) })
      assert.deepEqual(tokens, { accessToken: 'a', tokenType: 'Bearer', claims: {} })
    }
    for (const nothing of [null, undefined, '']) assertRefused({ access_token: nothing }, /no access_token/)
  })

  it('keeps the refresh token that was spent, where it brings no new one', () => {
    assert.equal(readTokens({ access_token: 'a', refresh_token: null }, 'old').refreshToken, 'old')
    assert.equal(readTokens({ access_token: 'a', refresh_token: 'new' }, 'old').refreshToken, 'new')
  })

  it('is refused when it is no object, or a field is of another type', () => {
    for (const answer of [null, undefined, [], 'text', 7]) assertRefused(answer, /not a JSON object/)
    for (const field of ['access_token', 'refresh_token', 'id_token', 'token_type', 'scope']) {
      for (const wrong of [7, true, {}, ['a']]) assertRefused({ access_token: 'a', [field]: wrong }, new RegExp(`${field} is not a string`))
    }
  })

  it('is refused when a token could not go into a header', () => {
    for (const token of ['a b', 'a\r\nX-Evil: 1', 'é', 'a\u0000']) {
      assertRefused({ access_token: token }, /access_token holds characters/)
      assertRefused({ access_token: 'a', refresh_token: token }, /refresh_token holds characters/)
    }
  })

  it('is refused when its token is not a bearer token', () => {
    for (const tokenType of ['mac', 'DPoP', 'bearer ']) assertRefused({ access_token: 'a', token_type: tokenType }, /token_type is not bearer/)
    assert.equal(readTokens({ access_token: 'a', token_type: 'BEARER' }).tokenType, 'BEARER')
  })

  it('is not fooled by __proto__ and friends', () => {
    assertRefused(JSON.parse('{"__proto__": {"access_token": "a"}}'), /no access_token/)
    assert.equal(readTokens(JSON.parse('{"access_token": "a", "__proto__": {"refresh_token": "r"}}')).refreshToken, undefined)
  })

  describe('tells when the token ends', () => {
    const expiresAt = (expiresIn: unknown, claims?: unknown) => readTokens({ access_token: claims === undefined ? 'opaque' : unsigned(claims), expires_in: expiresIn }).expiresAt

    it('by its own exp before all else', () => {
      assert.equal(expiresAt(60, { exp: 1_800_000_007 }), 1_800_000_007_000)
      assert.equal(expiresAt(60, { exp: 1_800_000_007.25 }), 1_800_000_007_250)
      for (const exp of ['1800000007', null, -1, 0, 1e300]) assert.equal(expiresAt(60, { exp }), NOW + 60_000)
    })

    it('by expires_in as seconds', () => {
      assert.equal(expiresAt(3600), NOW + 3_600_000)
      assert.equal(expiresAt('3600'), NOW + 3_600_000)
      assert.equal(expiresAt(365 * 24 * 3600), NOW + 365 * 24 * 3_600_000)
    })

    it("by expires_in as a moment in epoch ms, as the contract's example has it", () => {
      assert.equal(expiresAt(1_438_315_200_000), 1_438_315_200_000)
      assert.equal(expiresAt(365 * 24 * 3600 + 1), 365 * 24 * 3600 + 1)
    })

    it('not at all, where neither makes sense', () => {
      for (const nonsense of [null, undefined, 0, -5, '', '-5', '1e3', 'soon', true, {}, [], 1e300, NaN]) assert.equal(expiresAt(nonsense), undefined)
    })
  })
})
