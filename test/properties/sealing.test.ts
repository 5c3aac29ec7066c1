import assert from 'node:assert/strict'
import fc from 'fast-check'
import { open, seal, sealingKey } from '../../lib/session/sealing'
import { sealedVault } from '../../lib/session/token-vault'
import { openRefreshed, sealRefreshed } from '../../lib/session/records/refresh-record'
import type { TwilioTokens } from '../../lib/oauth/tokens'
import { claimsOf } from '../../lib/oauth/claims'
import { withoutUndefined } from '../../lib/util/without-undefined'
import { holds } from './hold'

const text = fc.string({ unit: 'binary', maxLength: 60 })
const secret = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
const secrets = fc.uniqueArray(secret, { minLength: 1, maxLength: 4 }).filter((all): all is [string, ...string[]] => all.length > 0)

const tokens: fc.Arbitrary<TwilioTokens> = fc
  .record(
    { accessToken: text, tokenType: text, refreshToken: text, idToken: text, scope: text, expiresAt: fc.oneof(fc.integer(), fc.nat(8.64e15)) },
    { requiredKeys: ['accessToken', 'tokenType'] }
  )
  .map((stored) => withoutUndefined<TwilioTokens>({ ...stored, claims: claimsOf(stored.accessToken) }))

/** Another character at one place, or one more, or one less. */
const change = fc.record({ at: fc.nat(), how: fc.constantFrom('replaced', 'added', 'left out'), by: fc.oneof(fc.base64String({ minLength: 1, maxLength: 4 }).map((letters) => letters.charAt(0)), fc.constantFrom('-', '_', '.', '=', ' ', '\n', '*'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })) })

function changed(sealed: string, { at, how, by }: { at: number; how: string; by: string }): string {
  // Changes at the end are the likeliest to be overlooked: not all bits of a last character count.
  const place = at % 3 === 0 ? sealed.length - 1 - (at % 2) : at % sealed.length
  return sealed.slice(0, place) + (how === 'left out' ? '' : by) + sealed.slice(how === 'added' ? place : place + 1)
}

describe('what is sealed, whatever it is', function () {
  this.timeout(0)

  it('is given back as it was, with the key it was sealed with', async () => {
    await holds(
      fc.asyncProperty(fc.jsonValue(), secrets, fc.nat(), async (value, all, which) => {
        const keys = all.map((one) => sealingKey(one, 'tests'))
        const key = keys[which % keys.length]
        assert.ok(key)
        const wanted: unknown = JSON.parse(JSON.stringify(value))
        assert.deepEqual(await open(await seal(value, key), keys), { value: wanted, key })
      }),
      4
    )
  })

  it('is refused with any character changed, added or left out (SEC-25)', async () => {
    await holds(
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

  it('is tokens in a session: whole again after any rotation of secrets, as long as theirs is among them, and put away anew', async () => {
    await holds(
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

  it('is what came of a refresh: only whoever holds the spent token can read it', async () => {
    await holds(
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
