import assert from 'node:assert/strict'
import { fillRandomly } from '../../lib/util/random-bytes'

describe('random bytes', () => {
  it('are never given twice', () => {
    const given = new Set(
      Array.from({ length: 5000 }, () => {
        const bytes = Buffer.alloc(10)
        fillRandomly(bytes)
        return bytes.toString('hex')
      })
    )
    assert.equal(given.size, 5000)
  })

  it('fill a buffer from the offset to its end, and leave what is before', () => {
    const buffers = Array.from({ length: 50 }, () => {
      const buffer = Buffer.alloc(12)
      fillRandomly(buffer, 4)
      return buffer
    })
    for (const buffer of buffers) assert.deepEqual([...buffer.subarray(0, 4)], [0, 0, 0, 0])
    for (let at = 4; at < 12; at++) assert.ok(new Set(buffers.map((buffer) => buffer[at])).size > 10, `byte ${at}`)
  })
})
