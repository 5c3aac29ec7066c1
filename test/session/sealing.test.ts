import assert from 'node:assert/strict'
import { compactDecrypt, CompactEncrypt, generateSecret } from 'jose'
import { open, seal, sealingKey } from '../../lib/session/sealing'

const KEY = sealingKey('a secret', 'tests')
const HEADER = { alg: 'dir', enc: 'A256GCM' }

/** Written by an earlier version, which put a key ID into the header. */
const GOLDEN =
  'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiRlZDVnRialAifQ..RgFjQspgxgmaLZvG.peVzmq2lgY6K9aJmMs3L59BCDb_R6NVE7d6MqRQkGtF5YRFyf8UqamkLkkbx5vXEj2bPIp2HTBNo_CdM_v9rQKaazQn7sEjVo7E7iYo-VJ65QG869VgN5EX4bh0AhOSfls6nNw.N5aIsQF46EW7Gtf9InucUA'
const GOLDEN_KEY = sealingKey('a secret of 32 characters or more', 'session tokens')

describe('seal() and open()', () => {
  it('return the value that was sealed, with its key among others', () => {
    const other = sealingKey('another secret', 'tests')
    const value = { é: ['text', 1, null] }
    assert.deepEqual(open(seal(value, KEY), [other, KEY]), value)
    assert.deepEqual(open(seal(value, KEY), [KEY, other]), value)
  })

  it('open what an earlier version sealed', () => {
    const value = { accessToken: 'access-0', refreshToken: 'refresh-0', tokenType: 'Bearer', expiresAt: 1_800_000_000_000 }
    assert.deepEqual(open(GOLDEN, [KEY, GOLDEN_KEY]), value)
    assert.equal(open(GOLDEN, [KEY]), undefined)
    assert.equal(open(GOLDEN.replace(/.$/, 'w'), [GOLDEN_KEY]), undefined)
  })

  it('write a compact JWE with dir and A256GCM, a different one each time, and nothing in its header by which a secret could be guessed', () => {
    const [one, two] = [seal('x', KEY), seal('x', KEY)]
    assert.notEqual(one, two)
    assert.match(one, /^[\w-]+\.\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/)
    assert.deepEqual(JSON.parse(Buffer.from(one.split('.')[0] ?? '', 'base64url').toString()), HEADER)
  })

  it('are understood by jose, and understand jose', async () => {
    const value = { é: ['text', 1, null] }
    const { plaintext, protectedHeader } = await compactDecrypt(seal(value, KEY), KEY.key)
    assert.deepEqual(JSON.parse(new TextDecoder().decode(plaintext)), value)
    const theirs = await new CompactEncrypt(plaintext).setProtectedHeader(protectedHeader).encrypt(KEY.key)
    assert.deepEqual(open(theirs, [KEY]), value)
    const golden = await compactDecrypt(GOLDEN, GOLDEN_KEY.key)
    assert.equal(golden.protectedHeader.alg, 'dir')
  })

  it('have a key of 32 bytes for each secret and each purpose, always the same', () => {
    const keys = [KEY, sealingKey('a secret', 'something else'), sealingKey('b secret', 'tests')]
    assert.equal(new Set(keys.map(({ key }) => Buffer.from(key).toString('hex'))).size, 3)
    assert.deepEqual(sealingKey('a secret', 'tests'), KEY)
    assert.equal(KEY.key.length, 32)
  })

  it('open nothing with another key', () => {
    const sealed = seal('x', KEY)
    assert.equal(open(sealed, []), undefined)
    assert.equal(open(sealed, [sealingKey('another secret', 'tests')]), undefined)
    assert.equal(open(sealed, [{ ...KEY, key: sealingKey('another secret', 'tests').key }]), undefined)
  })

  it('open nothing of which a single character was changed', () => {
    const sealed = seal({ some: 'content' }, KEY)
    for (let at = 0; at < sealed.length; at++) {
      if (sealed[at] === '.') continue
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      assert.equal(open(changed, [KEY]), undefined, `at ${at}`)
    }
  })

  it('open nothing that is spelled differently, even if it decodes to the same bytes', () => {
    const [header, , iv, ciphertext, tag = ''] = seal({ some: 'content' }, KEY).split('.')
    // 16 bytes leave 4 bits of their last character unused.
    const last = Buffer.from(tag, 'base64url')
    const others = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
      .map((letter) => tag.slice(0, -1) + letter)
      .filter((other) => other !== tag && Buffer.from(other, 'base64url').equals(last))
    assert.equal(others.length, 15)
    for (const other of [...others, `${tag}=`, `${tag}\t`, ` ${tag}`]) assert.equal(open([header, '', iv, ciphertext, other].join('.'), [KEY]), undefined, other)
  })

  it('open nothing that was encrypted in another way, and nothing that is not JSON', async () => {
    const encrypt = (header: { alg: string; enc: string; kid?: string }, key: Uint8Array | Awaited<ReturnType<typeof generateSecret>>, content = '"x"') =>
      new CompactEncrypt(Buffer.from(content)).setProtectedHeader(header).encrypt(key)
    assert.equal(open(await encrypt(HEADER, KEY.key), [KEY]), 'x')
    const others = [
      await encrypt({ alg: 'A256GCMKW', enc: 'A256GCM' }, KEY.key),
      await encrypt({ alg: 'dir', enc: 'A128CBC-HS256' }, KEY.key),
      await encrypt({ ...HEADER, kid: 'another' }, KEY.key),
      await encrypt(HEADER, await generateSecret('A256GCM')),
      await encrypt(HEADER, KEY.key, '{')
    ]
    const sealed = seal('x', KEY)
    for (const other of [...others, '', '....', 'a.b.c', `${sealed}.`, `${sealed}=`, sealed.replace('..', '.AAAA.'), sealed.slice(0, -4)]) assert.equal(open(other, [KEY]), undefined, other)
  })
})
