import assert from 'node:assert/strict'
import express from 'express'
import { originalPathOf, originOf, type AddressedRequest } from '../lib/original-url'

const FORWARDED = { host: 'inner:3000', 'x-forwarded-proto': 'HTTPS, http', 'x-forwarded-host': 'App.example , inner' }

function request(headers: AddressedRequest['headers'], rest: Partial<AddressedRequest> = {}): AddressedRequest {
  return { headers, url: '/', ...rest }
}

describe('the address that a browser sees', () => {
  it('is told by the host, and by whether the connection is encrypted', () => {
    assert.equal(originOf(request({ host: 'app.example' }), false), 'http://app.example')
    assert.equal(originOf(request({ host: 'app.example:8443' }, { socket: { encrypted: true } }), false), 'https://app.example:8443')
    for (const socket of [{}, null, 'tls', { encrypted: 'yes' }]) assert.equal(originOf(request({ host: 'app.example' }, { socket }), false), 'http://app.example')
  })

  it('is told by a proxy only where proxies are trusted', () => {
    assert.equal(originOf(request(FORWARDED), false), 'http://inner:3000')
    assert.equal(originOf(request(FORWARDED), true), 'https://app.example')
    assert.equal(originOf(request({ host: 'inner', 'x-forwarded-proto': 'https' }), true), 'https://inner')
    assert.equal(originOf(request({ host: 'inner', 'x-forwarded-proto': '', 'x-forwarded-host': '' }, { socket: { encrypted: true } }), true), 'https://inner')
  })

  it('is told by a proxy where Express trusts it', () => {
    const app = express()
    assert.equal(originOf(request(FORWARDED, { app }), false), 'http://inner:3000')
    app.set('trust proxy', true)
    assert.equal(originOf(request(FORWARDED, { app }), false), 'https://app.example')
    for (const other of [{ get: () => true }, null, Object.assign(() => undefined, { get: true }), () => true]) assert.equal(originOf(request(FORWARDED, { app: other }), false), 'http://inner:3000')
  })

  it('is unknown where the host is none', () => {
    for (const host of ['', 'a b', 'a/b', 'user@evil.example', 'a?b', 'a#b', 'a\\b', '[::1', undefined]) assert.equal(originOf(request({ host }), false), undefined, host)
    for (const proto of ['ftp', 'javascript', 'https://evil.example/']) assert.equal(originOf(request({ host: 'app.example', 'x-forwarded-proto': proto }), true), undefined, proto)
    assert.equal(originOf(request({ host: '[::1]:3000' }), false), 'http://[::1]:3000')
  })

  it('has the path of before any mounting', () => {
    assert.equal(originalPathOf(request({}, { originalUrl: '/mounted/page?a=b', url: '/page?a=b' })), '/mounted/page?a=b')
    assert.equal(originalPathOf(request({}, { url: '/page?a=b' })), '/page?a=b')
    assert.equal(originalPathOf({ headers: {} }), '/')
    assert.equal(originalPathOf(request({}, { originalUrl: 7, url: '/page' })), '/page')
  })
})
