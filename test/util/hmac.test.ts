import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { HmacSHA256 } from '../../lib/util/hmac'

function base64url(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url')
}

describe('HMAC-SHA256', () => {
  it('is that of RFC 4231', () => {
    assert.equal(new HmacSHA256(Buffer.alloc(20, 0x0b)).digest('Hi There'), base64url('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'))
    assert.equal(new HmacSHA256(Buffer.from('Jefe')).digest('what do ya want for nothing?'), base64url('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'))
  })

  it("is Node's own, for keys and texts of any length", () => {
    for (const length of [0, 1, 32, 63, 64]) {
      const key = randomBytes(length)
      const hmac = new HmacSHA256(key)
      // A long text leaves nothing behind for the short one after it.
      for (const text of ['', 'é', 'x'.repeat(55), '\ud800', '€'.repeat(64), 'x'.repeat(1000), 'short', '€'.repeat(999)]) {
        assert.equal(hmac.digest(text), createHmac('sha256', key).update(text).digest('base64url'), `${length}: ${text.length}`)
      }
    }
  })

  it('takes no key that would have to be hashed first', () => {
    assert.throws(() => new HmacSHA256(Buffer.alloc(65)), RangeError)
  })
})
