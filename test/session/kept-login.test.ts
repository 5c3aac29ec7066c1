import assert from 'node:assert/strict'
import { areTheSame, fromJSON, isRefreshable, newerOf, newLogin, toJSON, tokensIn, withTokens, type KeptLogin } from '../../lib/session/kept-login'
import { unsigned } from '../support/jwt'
import { tokensOf } from '../support/session-app'

const NOW = 1_800_000_000_000

function login(changes: Partial<KeptLogin> = {}): KeptLogin {
  return { id: 'an-id', generation: 3, receivedAt: NOW, tokens: tokensOf({ expiresAt: NOW }), ...changes }
}

describe('a kept login', () => {
  it('gets a random ID of 128 bits, and generation 0', () => {
    const logins = Array.from({ length: 100 }, () => newLogin(tokensOf(), NOW))
    assert.equal(new Set(logins.map(({ id }) => id)).size, 100)
    for (const { id, generation, receivedAt } of logins) {
      assert.match(id, /^[\w-]{22}$/)
      assert.deepEqual([generation, receivedAt], [0, NOW])
    }
  })

  it('keeps its ID and what a refresh leaves out, and gets the next generation', () => {
    const before = login({ tokens: tokensOf({ idToken: 'id-0', scope: 'a' }) })
    const after = withTokens(before, { accessToken: 'access-1', tokenType: 'Bearer', claims: {} }, NOW + 1)
    assert.deepEqual(after, { id: 'an-id', generation: 4, receivedAt: NOW + 1, tokens: { accessToken: 'access-1', tokenType: 'Bearer', claims: {}, idToken: 'id-0', scope: 'a' } })
    const replaced = withTokens(before, tokensOf({ idToken: 'id-1', scope: 'b' }), NOW)
    assert.deepEqual([replaced.tokens.idToken, replaced.tokens.scope], ['id-1', 'b'])
  })

  it('is the newer one of two if its generation is higher', () => {
    const [old, young] = [login({ generation: 1 }), login({ generation: 2 })]
    assert.equal(newerOf(old, young), young)
    assert.equal(newerOf(young, old), young)
    assert.equal(newerOf(old, login({ generation: 1 })), old)
    assert.equal(newerOf(old, undefined), old)
  })

  it('is refreshable with a refresh token only', () => {
    assert.equal(isRefreshable(login()), true)
    assert.equal(isRefreshable(login({ tokens: tokensOf({ refreshToken: undefined }) })), false)
  })

  it('is the same after a round trip through JSON, with its claims, which the JSON leaves out', () => {
    const accessToken = unsigned({ sub: 'trn:us1:iam:user:US1' })
    const before = login({ tokens: tokensOf({ accessToken, idToken: 'id-0', scope: 'a', expiresAt: NOW }) })
    const json = JSON.stringify(toJSON(before))
    assert.doesNotMatch(json, /claims/)
    const after = fromJSON(JSON.parse(json))
    assert.deepEqual({ ...after, tokens: { ...after?.tokens } }, before)
    assert.equal(after?.tokens.claims, after?.tokens.claims, 'parsed once')
  })

  it('from before logins had an ID gets one that is derived from its tokens, the same everywhere, and tells nothing of them', () => {
    const legacy = { accessToken: 'access-0', refreshToken: 'refresh-0', tokenType: 'Bearer' }
    const one = fromJSON(legacy)
    assert.deepEqual([one?.id, one?.generation, one?.receivedAt], [fromJSON({ ...legacy })?.id, 0, 0])
    assert.equal(one?.id, 'oFYQ81rzhApUyiHRnpntJcO-vJIYVGonP1gsrdArISI', 'the ID that earlier versions derive')
    assert.equal(fromJSON({ accessToken: 'access-0', tokenType: 'Bearer' })?.id, 'MZbqBWMROByfGTC3RAHmrdhsk_osriBRdTdkAaJ_lko')
    const others = [{ ...legacy, accessToken: 'access-1' }, { ...legacy, refreshToken: 'refresh-1' }, { accessToken: 'access-0', tokenType: 'Bearer' }].map((other) => fromJSON(other)?.id)
    assert.equal(new Set([one.id, ...others]).size, 4)
  })

  it('is not read from anything else', () => {
    const good = { login: 'an-id', generation: 0, receivedAt: NOW, accessToken: 'a', tokenType: 'Bearer' }
    assert.ok(fromJSON(good))
    const wrong: unknown[] = [undefined, null, 7, 'text', [], {}, { ...good, accessToken: 7 }, { ...good, tokenType: undefined }, { ...good, refreshToken: null }, { ...good, idToken: 7 }, { ...good, scope: [] }, { ...good, expiresAt: '1' }]
    const wrongLogins = [{ ...good, login: '' }, { ...good, login: 7 }, { ...good, login: null }, { ...good, generation: -1 }, { ...good, generation: 0.5 }, { ...good, generation: '0' }, { ...good, generation: 2 ** 53 }, { ...good, receivedAt: undefined }]
    for (const value of [...wrong, ...wrongLogins]) assert.equal(fromJSON(value), undefined, JSON.stringify(value))
  })
})

describe('tokensIn()', () => {
  it('reads tokens, and leaves out what is undefined and what it does not know', () => {
    const tokens = tokensIn({ accessToken: 'a', tokenType: 'Bearer', refreshToken: undefined, other: 'x', claims: { not: 'believed' } })
    assert.deepEqual({ ...tokens }, { accessToken: 'a', tokenType: 'Bearer', claims: {} })
  })
})

describe('areTheSame()', () => {
  it('compares the access and the refresh token', () => {
    assert.equal(areTheSame(tokensOf(), tokensOf({ expiresAt: 1, scope: 'other' })), true)
    assert.equal(areTheSame(tokensOf(), tokensOf({ accessToken: 'other' })), false)
    assert.equal(areTheSame(tokensOf(), tokensOf({ refreshToken: 'other' })), false)
  })
})
