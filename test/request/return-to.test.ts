import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { returnTo } from '../../lib'
import { setFinishedLogin } from '../../lib/request/finished-login'
import { keepReturnTo, sameOriginPath, takeReturnTo } from '../../lib/request/return-to'
import { tokensOf } from '../support/session-app'

/** A request with this session, or without one. */
function requestWith(session?: unknown): IncomingMessage & { session?: Record<string, unknown> } {
  return Object.assign(new IncomingMessage(new Socket()), session === undefined ? {} : { session: session as Record<string, unknown> })
}

describe('returnTo', () => {
  it('accepts paths of the same origin unchanged', () => {
    for (const path of ['/', '/account', '/a/b?c=d&e=%2F%2Fevil#f', '/?to=https://evil.example/', '/a//b', '/.well-known/x', '/@evil', '/:80', '/%5Cevil', '/%0d%0aSet-Cookie', '/~x!$\'()*+,;=[]|^`{}"<>']) {
      assert.equal(sameOriginPath(path), path)
    }
  })

  it('refuses anything that a browser could resolve to another origin, and anything but a path', () => {
    const evil = [
      '//evil.example',
      '///evil.example',
      '//evil.example/%2e%2e',
      '/\\evil.example',
      '\\/evil.example',
      '\\\\evil.example',
      '/a\\b',
      '/\t/evil.example',
      '/\n/evil.example',
      '/\r\n/evil.example',
      '\t//evil.example',
      ' //evil.example',
      '/ /evil.example',
      '/\u0000/evil.example',
      '/a\r\nSet-Cookie: a=b',
      '/\u2028/evil',
      '/é',
      '/\u3002evil',
      'https://evil.example',
      'https:evil.example',
      'https:/evil.example',
      'http:///evil.example',
      'javascript:alert(1)',
      'JavaScript:alert(1)//',
      'data:text/html,x',
      'evil.example',
      '@evil.example',
      'account',
      './account',
      '../account',
      '?a=b',
      '#a',
      '',
      `/${'a'.repeat(2048)}`
    ]
    for (const path of evil) assert.equal(sameOriginPath(path), undefined, JSON.stringify(path))
    for (const other of [undefined, null, 7, true, {}, ['/a'], new URL('http://localhost/a'), { toString: () => '/a' }]) assert.equal(sameOriginPath(other), undefined)
    assert.equal(sameOriginPath(`/${'a'.repeat(2047)}`)?.length, 2048)
  })

  it('accepts no path that leads to another origin', () => {
    for (const first of ['/', '/.', '/..', '/;', '/?', '/#', '/%2f', '/%5c', '/@', '/:']) {
      for (const second of ['', '/evil.example', '//evil.example', '@evil.example', ':80@evil.example']) {
        const path = sameOriginPath(first + second)
        if (path !== undefined) assert.equal(new URL(path, 'https://app.example').origin, 'https://app.example', path)
      }
    }
  })

  it('returns the page once, and removes it from the session', () => {
    const req = requestWith({ returnTo: '/account', other: 'stays' })
    assert.equal(returnTo(req, '/'), '/account')
    assert.deepEqual(req.session, { other: 'stays' })
    assert.equal(returnTo(req, '/'), '/')
  })

  it('returns the fallback if the session has no page, or one of another origin', () => {
    for (const session of [undefined, null, {}, 'text', { returnTo: undefined }, { returnTo: 7 }]) assert.equal(returnTo(requestWith(session), '/home'), '/home')
    const planted = requestWith({ returnTo: '//evil.example' })
    assert.equal(returnTo(planted, '/home'), '/home')
    assert.deepEqual(planted.session, {})
  })

  it('returns / if the fallback is not a path on the same origin', () => {
    for (const fallback of ['//evil.example', 'https://evil.example/', '/\\evil.example', 'home', '']) assert.equal(returnTo(requestWith({}), fallback), '/')
  })

  it('prefers the page of the login to one that another tab left in the session', () => {
    const req = requestWith({ returnTo: '/other-tab' })
    setFinishedLogin(req, { tokens: tokensOf(), returnTo: '/carried' })
    assert.equal(returnTo(req, '/'), '/carried')
    assert.deepEqual(req.session, {})

    const plain = requestWith({ returnTo: '/in-session' })
    setFinishedLogin(plain, { tokens: tokensOf() })
    assert.equal(returnTo(plain, '/'), '/in-session')
  })

  it('does nothing without a session', () => {
    const req = requestWith({})
    keepReturnTo(req, '/a')
    assert.deepEqual(req.session, { returnTo: '/a' })
    assert.equal(takeReturnTo(req), '/a')
    assert.equal(takeReturnTo(req), undefined)

    const bare = requestWith()
    keepReturnTo(bare, '/a')
    assert.equal(bare.session, undefined)
    assert.equal(takeReturnTo(bare), undefined)
  })
})
