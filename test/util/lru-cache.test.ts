import assert from 'node:assert/strict'
import { LRUCache } from '../../lib/util/lru-cache'

describe('a full cache', () => {
  it('forgets what was not asked for longest', () => {
    const cache = new LRUCache<number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    assert.equal(cache.get('a'), 1)
    cache.set('c', 3)
    assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3])
  })

  it('holds what was set last', () => {
    const cache = new LRUCache<number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    cache.set('a', 3)
    cache.set('c', 4)
    assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [3, undefined, 4])
    assert.equal(cache.get('d'), undefined)
  })
})
