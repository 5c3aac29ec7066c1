import assert from 'node:assert/strict'
import { BoundedMap } from '../../lib/util/bounded-map'

describe('BoundedMap', () => {
  function mapOf(...keys: readonly string[]): BoundedMap<string, string> {
    const map = new BoundedMap<string, string>(2)
    for (const key of keys) map.set(key, `value of ${key}`)
    return map
  }

  it('keeps as many entries as allowed, and drops the oldest when another one is added', () => {
    const map = mapOf('a', 'b', 'c')
    assert.equal(map.size, 2)
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c')], [undefined, 'value of b', 'value of c'])
    assert.deepEqual([map.has('a'), map.has('b')], [false, true])
  })

  it('treats an entry that is set again as new', () => {
    const map = mapOf('a', 'b', 'a', 'c')
    assert.deepEqual([map.has('a'), map.has('b'), map.has('c')], [true, false, true])
  })

  it('makes room when an entry is deleted', () => {
    const map = mapOf('a', 'b')
    assert.equal(map.delete('a'), true)
    assert.equal(map.delete('a'), false)
    map.set('c', 'value of c')
    assert.deepEqual([map.has('b'), map.has('c'), map.size], [true, true, 2])
  })

  it('drops the oldest entry even if its key is undefined', () => {
    const map = new BoundedMap<string | undefined, number>(1)
    map.set(undefined, 1)
    map.set('a', 2)
    assert.deepEqual([...map], [['a', 2]])
  })
})
