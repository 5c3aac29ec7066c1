import assert from 'node:assert/strict'
import fc from 'fast-check'
import { open, seal, sealingKey } from '../../lib/session/sealing'
import { sealedVault } from '../../lib/session/token-vault'
import { openRefreshed, sealRefreshed } from '../../lib/session/records/refresh-record'
import type { TwilioTokens } from '../../lib/oauth/tokens'
import { claimsOf } from '../../lib/oauth/claims'
import { withoutUndefined } from '../../lib/util/without-undefined'
import { checkProperty } from './check-property'

const text = fc.string({ unit: 'binary', maxLength: 60 })
const secret = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
const secrets = fc.uniqueArray(secret, { minLength: 1, maxLength: 4 }).filter((all): all is [string, ...string[]] => all.length > 0)

const tokens: fc.Arbitrary<TwilioTokens> = fc
  .record(
    { accessToken: text, tokenType: text, refreshToken: text, idToken: text, scope: text, expiresAt: fc.oneof(fc.integer(), fc.nat(8.64e15)) },
    { requiredKeys: ['accessToken', 'tokenType'] }
  )
  .map((stored) => withoutUndefined<TwilioTokens>({ ...stored, claims: claimsOf(stored.accessToken) }))

/** Replaces, adds or removes a character. */
const change = fc.record({ at: fc.nat(), how: fc.constantFrom('replaced', 'added', 'removed'), by: fc.oneof(fc.base64String({ minLength: 1, maxLength: 4 }).map((letters) => letters.charAt(0)), fc.constantFrom('-', '_', '.', '=', ' ', '\n', '*'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })) })

function changed(sealed: string, { at, how, by }: { at: number; how: string; by: string }): string {
  // Changes at the end are the most likely to go unnoticed, since not all bits of the last base64 character are used.
  const place = at % 3 === 0 ? sealed.length - 1 - (at % 2) : at % sealed.length
  return sealed.slice(0, place) + (how === 'removed' ? '' : by) + sealed.slice(how === 'added' ? place : place + 1)
}

describe('sealing', function () {
  this.timeout(0)

  it('returns any value unchanged when it is opened with the key it was sealed with', async () => {
    await checkProperty(
      fc.asyncProperty(fc.jsonValue(), secrets, fc.nat(), async (value, all, which) => {
        const keys = all.map((one) => sealingKey(one, 'tests'))
        const key = keys[which % keys.length]
        assert.ok(key)
        const expected: unknown = JSON.parse(JSON.stringify(value))
        assert.deepEqual(await open(await seal(value, key), keys), { value: expected, key })
      }),
      4
    )
  })

  it('rejects a sealed value with any character changed, added or removed (SEC-25)', async () => {
    await checkProperty(
      fc.asyncProperty(fc.jsonValue(), secret, change, async (value, one, how) => {
        const key = sealingKey(one, 'tests')
        const sealed = await seal(value, key)
        const other = changed(sealed, how)
        fc.pre(other !== sealed)
        assert.equal(await open(other, [key]), undefined)
      }),
      8
    )
  })

  it('opens the tokens of a session after any rotation of secrets that keeps the old one, and reports that they must be sealed again', async () => {
    await checkProperty(
      fc.asyncProperty(tokens, secret, secrets, fc.nat(4), async (given, used, others, place) => {
        fc.pre(!others.includes(used))
        const sealed = await sealedVault([used]).put(given)
        const [newest = used, ...older] = [...others.slice(0, place), used, ...others.slice(place)]
        assert.deepEqual(await sealedVault([newest, ...older]).read(sealed), { tokens: given, isOutdated: newest !== used })
        assert.deepEqual(await sealedVault(others).read(sealed), { tokens: undefined, isOutdated: false })
      }),
      4
    )
  })

  it('opens the result of a refresh only with the refresh token that was used', async () => {
    await checkProperty(
      fc.asyncProperty(tokens, fc.nat(8.64e15), text, text, change, async (given, at, spent, other, how) => {
        const sealed = await sealRefreshed({ accessToken: '', refreshToken: spent }, { tokens: given, at })
        assert.deepEqual(await openRefreshed({ accessToken: '', refreshToken: spent }, sealed), { tokens: given, at })
        if (other !== spent) assert.equal(await openRefreshed({ accessToken: '', refreshToken: other }, sealed), undefined)
        const damaged = changed(sealed, how)
        if (damaged !== sealed) assert.equal(await openRefreshed({ accessToken: '', refreshToken: spent }, damaged), undefined)
      }),
      4
    )
  })
})
