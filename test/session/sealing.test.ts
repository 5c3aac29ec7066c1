import assert from 'node:assert/strict'
import { compactDecrypt, CompactEncrypt, generateSecret } from 'jose'
import { open, seal, sealingKey } from '../../lib/session/sealing'

const KEY = sealingKey('a secret', 'tests')

describe('what is sealed', () => {
  it('is opened with the key that it was sealed with, among others, and says which it was', async () => {
    const other = sealingKey('another secret', 'tests')
    const value = { é: ['text', 1, null] }
    assert.deepEqual(await open(await seal(value, KEY), [other, KEY]), { value, key: KEY })
  })

  it('is a JWE of the documented kind, different each time', async () => {
    const [one, two] = [await seal('x', KEY), await seal('x', KEY)]
    assert.notEqual(one, two)
    assert.deepEqual(JSON.parse(Buffer.from(one.split('.')[0] ?? '', 'base64url').toString()), { alg: 'dir', enc: 'A256GCM', kid: KEY.id })
  })

  it('is read and written by jose too', async () => {
    const value = { é: ['text', 1, null] }
    const { plaintext, protectedHeader } = await compactDecrypt(await seal(value, KEY), KEY.key)
    assert.deepEqual(JSON.parse(new TextDecoder().decode(plaintext)), value)
    const theirs = await new CompactEncrypt(plaintext).setProtectedHeader(protectedHeader).encrypt(KEY.key)
    assert.deepEqual(await open(theirs, [KEY]), { value, key: KEY })
  })

  it('has a key for each secret and each purpose', () => {
    const keys = [KEY, sealingKey('a secret', 'something else'), sealingKey('b secret', 'tests')]
    assert.equal(new Set(keys.map(({ id }) => id)).size, 3)
    assert.equal(new Set(keys.map(({ key }) => Buffer.from(key).toString('hex'))).size, 3)
    assert.deepEqual(sealingKey('a secret', 'tests'), KEY)
    assert.equal(KEY.key.length, 32)
  })

  it('is opened with no other key', async () => {
    const sealed = await seal('x', KEY)
    assert.equal(await open(sealed, []), undefined)
    assert.equal(await open(sealed, [sealingKey('another secret', 'tests')]), undefined)
    assert.equal(await open(sealed, [{ id: KEY.id, key: sealingKey('another secret', 'tests').key }]), undefined)
  })

  it('is not opened when a letter of it was changed, in whichever part', async () => {
    const sealed = await seal({ some: 'content' }, KEY)
    for (let at = 0; at < sealed.length; at++) {
      if (sealed[at] === '.') continue
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      assert.equal(await open(changed, [KEY]), undefined, `at ${at}`)
    }
  })

  it('is not opened when it is written in another way that decodes to the same bytes', async () => {
    const sealed = await seal({ some: 'content' }, KEY)
    const [header, , iv, ciphertext, tag = ''] = sealed.split('.')
    // 16 bytes leave 4 bits of their last character unused.
    const last = Buffer.from(tag, 'base64url')
    const others = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_').map((letter) => tag.slice(0, -1) + letter).filter((other) => other !== tag && Buffer.from(other, 'base64url').equals(last))
    assert.equal(others.length, 15)
    for (const other of [...others, `${tag}=`, `${tag}\t`, ` ${tag}`]) assert.equal(await open([header, '', iv, ciphertext, other].join('.'), [KEY]), undefined, other)
  })

  it('is nothing that somebody else encrypted in another way', async () => {
    const encrypt = (header: { alg: string; enc: string; kid?: string }, key: Uint8Array | Awaited<ReturnType<typeof generateSecret>>) =>
      new CompactEncrypt(Buffer.from('"x"')).setProtectedHeader(header).encrypt(key)
    const others = [
      await encrypt({ alg: 'A256GCMKW', enc: 'A256GCM', kid: KEY.id }, KEY.key),
      await encrypt({ alg: 'dir', enc: 'A128CBC-HS256', kid: KEY.id }, KEY.key),
      await encrypt({ alg: 'dir', enc: 'A256GCM' }, KEY.key),
      await encrypt({ alg: 'dir', enc: 'A256GCM', kid: KEY.id }, await generateSecret('A256GCM'))
    ]
    for (const other of others) assert.equal(await open(other, [KEY]), undefined)
    const noJSON = await new CompactEncrypt(Buffer.from('{')).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: KEY.id }).encrypt(KEY.key)
    const sealed = await seal('x', KEY)
    for (const other of ['', '....', 'a.b.c', noJSON, `${sealed}.`, `${sealed}=`, sealed.replace('..', '.AAAA.'), sealed.slice(0, -4)]) assert.equal(await open(other, [KEY]), undefined)
  })
})
