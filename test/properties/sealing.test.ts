import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { TwilioTokens } from '../../lib/oauth/tokens'
import type { KeptLogin } from '../../lib/session/kept-login'
import { plainCodec, sealedCodec } from '../../lib/session/login-codec'
import { RecordCodec } from '../../lib/session/records/record-codec'
import { open, seal, sealingKey } from '../../lib/session/sealing'
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

const login: fc.Arbitrary<KeptLogin> = fc.record({ id: text.filter((id) => id !== ''), generation: fc.maxSafeNat(), receivedAt: fc.nat(8.64e15), tokens }, { noNullPrototype: true })

/** A login as plain data: its claims are read from the access token when they are needed. */
function plain(read: KeptLogin | undefined): KeptLogin | undefined {
  return read && { ...read, tokens: { ...read.tokens } }
}

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
      fc.property(fc.jsonValue(), secrets, fc.nat(), (value, all, which) => {
        const keys = all.map((one) => sealingKey(one, 'tests'))
        const key = keys[which % keys.length]
        assert.ok(key)
        const expected: unknown = JSON.parse(JSON.stringify(value))
        assert.deepEqual(open(seal(value, key), keys), expected)
      }),
      4
    )
  })

  it('rejects a sealed value with any character changed, added or removed (SEC-25)', async () => {
    await checkProperty(
      fc.property(fc.jsonValue(), secret, change, (value, one, how) => {
        const key = sealingKey(one, 'tests')
        const sealed = seal(value, key)
        const other = changed(sealed, how)
        fc.pre(other !== sealed)
        assert.equal(open(other, [key]), undefined)
      }),
      8
    )
  })

  it('opens the login of a session after any rotation of secrets that keeps the old one, and after no other', async () => {
    await checkProperty(
      fc.property(login, secret, secrets, fc.nat(4), (given, used, others, place) => {
        fc.pre(!others.includes(used))
        const sealed = sealedCodec([used]).encode(given)
        const [newest = used, ...older] = [...others.slice(0, place), used, ...others.slice(place)]
        assert.deepEqual(plain(sealedCodec([newest, ...older]).decode(sealed)), given)
        assert.equal(sealedCodec(others).decode(sealed), undefined)
        assert.deepEqual(plain(sealedCodec(others).decode(JSON.parse(JSON.stringify(plainCodec.encode(given))))), given, 'from before there was a secret')
      }),
      4
    )
  })

  it('opens the record of a login only with its ID, its generation and one of its secrets', async () => {
    const ids = fc.uniqueArray(text, { minLength: 2, maxLength: 2 })
    await checkProperty(
      fc.property(login, ids, fc.array(secret, { maxLength: 2 }), secret, change, (given, [id = '', otherID = ''], used, otherSecret, how) => {
        fc.pre(id !== '' && !used.includes(otherSecret))
        const named = { ...given, id }
        const { generation } = named
        const codec = new RecordCodec('a client', used)
        const value = codec.encode(named)
        assert.deepEqual(plain(codec.decode(id, { generation, value })), named)
        assert.equal(codec.decode(otherID, { generation, value }), undefined)
        assert.equal(codec.decode(id, { generation: generation + 1, value }), undefined)
        assert.equal(new RecordCodec('a client', [otherSecret]).decode(id, { generation, value }), undefined)
        const damaged = changed(value, how)
        if (damaged !== value) assert.equal(codec.decode(id, { generation, value: damaged }), undefined)
      }),
      4
    )
  })
})
