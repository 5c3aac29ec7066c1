import assert from 'node:assert/strict'
import { isSpeculative } from '../../lib/request/speculative-request'

describe('isSpeculative', () => {
  it('is true for HEAD requests, and for prefetches, prerenders and previews by any of the headers that browsers send', () => {
    assert.equal(isSpeculative({ method: 'HEAD', headers: {} }), true)
    for (const name of ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']) {
      for (const value of ['prefetch', 'Prefetch', 'prefetch;prerender', 'prerender', 'preview']) assert.equal(isSpeculative({ method: 'GET', headers: { [name]: value } }), true, `${name}: ${value}`)
    }
  })

  it('is false for other requests', () => {
    for (const headers of [{}, { purpose: '' }, { purpose: 'navigate' }, { 'sec-purpose': 'none' }, { 'x-other': 'prefetch' }]) assert.equal(isSpeculative({ method: 'GET', headers }), false)
    assert.equal(isSpeculative({ method: 'POST', headers: {} }), false)
  })
})
