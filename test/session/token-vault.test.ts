import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { fromStored, toStored } from '../../lib/session/stored-tokens'
import { plainVault, sealedVault } from '../../lib/session/token-vault'
import { unsigned } from '../support/jwt'
import { tokensOf } from '../support/session-app'

const TOKENS = tokensOf({ accessToken: unsigned({ sub: 'x' }), idToken: 'id-0', scope: 'a b' })

describe('tokens that are put away', () => {
  it('are plain data without the claims, and are whole when they are read again', () => {
    const stored: unknown = JSON.parse(JSON.stringify(plainVault.put(TOKENS)))
    const { claims: _claims, ...rest } = TOKENS
    assert.deepEqual(stored, rest)
    assert.deepEqual(plainVault.read(stored), { tokens: TOKENS, isOutdated: false })
  })

  it('leave out what there is none of', () => {
    assert.deepEqual(Object.keys(toStored(tokensOf({ refreshToken: undefined, expiresAt: undefined }))), ['accessToken', 'tokenType'])
  })

  it('take nothing with them that is not theirs', () => {
    assert.deepEqual(toStored({ ...TOKENS, clientSecret: 'x' } as never), toStored(TOKENS))
  })

  it('are no tokens where a field is of another type', () => {
    const stored = toStored(TOKENS)
    for (const field of ['accessToken', 'refreshToken', 'idToken', 'tokenType', 'scope', 'expiresAt']) {
      for (const wrong of [null, true, {}, ['a'], field === 'expiresAt' ? '7' : 7]) assert.equal(fromStored({ ...stored, [field]: wrong }), undefined, field)
    }
    for (const field of ['accessToken', 'tokenType']) assert.equal(fromStored({ ...stored, [field]: undefined }), undefined)
    for (const nothing of [undefined, null, 'text', [], 7]) assert.equal(fromStored(nothing), undefined)
  })

  describe('with a secret', () => {
    it('are read at once by whoever has just read or written them, and by others after some work', async () => {
      const vault = sealedVault(['a secret'])
      const sealed = await vault.put(TOKENS)
      assert.deepEqual(vault.read(sealed), { tokens: TOKENS, isOutdated: false })
      const other = sealedVault(['a secret'])
      const reading = other.read(sealed)
      assert.ok(reading instanceof Promise)
      assert.equal(other.read(sealed), reading, 'opened once for all who ask meanwhile')
      assert.deepEqual(await reading, { tokens: TOKENS, isOutdated: false })
      assert.deepEqual(other.read(sealed), { tokens: TOKENS, isOutdated: false })
    })

    it('are sealed once for all the requests that have waited for them', async () => {
      const vault = sealedVault(['a secret'])
      const sealed = await Promise.all([vault.put(TOKENS), vault.put(TOKENS)])
      assert.equal(sealed[0], sealed[1])
      assert.equal(await vault.put(TOKENS), sealed[0])
      // Others, alike or not, never share an initialization vector.
      assert.notEqual(await vault.put({ ...TOKENS }), sealed[0])
    })

    it('that could not be sealed once are sealed the next time', async () => {
      const { subtle } = webcrypto
      const vault = sealedVault(['a secret'])
      Object.defineProperty(subtle, 'encrypt', { value: () => Promise.reject(new Error('The operation failed.')), configurable: true })
      try {
        await assert.rejects(Promise.resolve(vault.put(TOKENS)), /operation failed/)
      } finally {
        Reflect.deleteProperty(subtle, 'encrypt')
      }
      assert.deepEqual(vault.read(await vault.put(TOKENS)), { tokens: TOKENS, isOutdated: false })
    })

    it('are outdated when they were sealed with an older one, or not at all', async () => {
      const sealed = await sealedVault(['old']).put(TOKENS)
      assert.deepEqual(await sealedVault(['new', 'older', 'old']).read(sealed), { tokens: TOKENS, isOutdated: true })
      assert.deepEqual(sealedVault(['new']).read(toStored(TOKENS)), { tokens: TOKENS, isOutdated: true })
    })

    it('are none when they cannot be opened, however often one tries', async () => {
      const vault = sealedVault(['a secret'])
      const sealed = await sealedVault(['another secret']).put(TOKENS)
      for (let attempt = 0; attempt < 2; attempt++) assert.equal((await vault.read(sealed)).tokens, undefined)
      for (const nothing of ['', 'text', undefined, null, 7]) assert.equal((await vault.read(nothing)).tokens, undefined)
    })
  })
})
