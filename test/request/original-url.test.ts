import assert from 'node:assert/strict'
import express from 'express'
import { originalPathOf, originOf, publicPath, type AddressedRequest } from '../../lib/request/original-url'

const FORWARDED = { host: 'inner:3000', 'x-forwarded-proto': 'HTTPS, http', 'x-forwarded-host': 'App.example , inner' }

function request(headers: AddressedRequest['headers'], rest: Partial<AddressedRequest> = {}): AddressedRequest {
  return { headers, url: '/', ...rest }
}

describe('the original URL of a request', () => {
  it('has the host of the Host header, and https if the connection is encrypted', () => {
    assert.equal(originOf(request({ host: 'app.example' }), false), 'http://app.example')
    assert.equal(originOf(request({ host: 'app.example:8443' }, { socket: { encrypted: true } }), false), 'https://app.example:8443')
    for (const socket of [{}, null, 'tls', { encrypted: 'yes' }]) assert.equal(originOf(request({ host: 'app.example' }, { socket }), false), 'http://app.example')
  })

  it('uses X-Forwarded-* headers only if proxies are trusted', () => {
    assert.equal(originOf(request(FORWARDED), false), 'http://inner:3000')
    assert.equal(originOf(request(FORWARDED), true), 'https://app.example')
    assert.equal(originOf(request({ host: 'inner', 'x-forwarded-proto': 'https' }), true), 'https://inner')
    assert.equal(originOf(request({ host: 'inner', 'x-forwarded-proto': '', 'x-forwarded-host': '' }, { socket: { encrypted: true } }), true), 'https://inner')
  })

  it("uses X-Forwarded-* headers if Express's trust proxy is on", () => {
    const app = express()
    assert.equal(originOf(request(FORWARDED, { app }), false), 'http://inner:3000')
    app.set('trust proxy', true)
    assert.equal(originOf(request(FORWARDED, { app }), false), 'https://app.example')
    for (const other of [{ get: () => true }, null, Object.assign(() => undefined, { get: true }), () => true]) assert.equal(originOf(request(FORWARDED, { app: other }), false), 'http://inner:3000')
  })

  it('uses X-Forwarded-* headers from addresses that Express trusts, and from no others', () => {
    const app = express()
    const originFor = (setting: unknown, remoteAddress?: string) => {
      app.set('trust proxy', setting)
      return originOf(request(FORWARDED, { app, socket: { remoteAddress } }), false)
    }
    for (const setting of ['10.0.0.0/8', 'loopback, 10.1.2.3', ['10.1.2.3'], 1, 2, true, (address: string) => address === '10.1.2.3']) {
      assert.equal(originFor(setting, '10.1.2.3'), 'https://app.example', String(setting))
    }
    for (const setting of ['10.0.0.0/8', 'loopback, 10.1.2.3', ['10.1.2.3'], [], 0, false, (address: string) => address === '10.1.2.3']) {
      for (const peer of ['192.0.2.1', undefined]) assert.equal(originFor(setting, peer), 'http://inner:3000', String(setting))
    }
  })

  it("uses X-Forwarded-* headers if an app similar to Express's has trust proxy on", () => {
    const appWith = (settings: Readonly<Record<string, unknown>>) => Object.assign(() => undefined, { settings, get(this: { settings: typeof settings }, name: string) { return this.settings[name] } })
    const originFor = (settings: Readonly<Record<string, unknown>>) => originOf(request(FORWARDED, { app: appWith(settings), socket: null }), false)
    for (const settings of [{ 'trust proxy': true }, { 'trust proxy': 1 }, { 'trust proxy fn': () => true }]) assert.equal(originFor(settings), 'https://app.example')
    for (const settings of [{}, { 'trust proxy': false }, { 'trust proxy': true, 'trust proxy fn': () => false }]) assert.equal(originFor(settings), 'http://inner:3000')
  })

  it('has no origin if the host or the protocol is invalid', () => {
    for (const host of ['', 'a b', 'a/b', 'user@evil.example', 'a?b', 'a#b', 'a\\b', '[::1', undefined]) assert.equal(originOf(request({ host }), false), undefined, host)
    for (const proto of ['ftp', 'javascript', 'javascript:https', 'https://evil.example/']) assert.equal(originOf(request({ host: 'app.example', 'x-forwarded-proto': proto }), true), undefined, proto)
    assert.equal(originOf(request({ host: '[::1]:3000' }), false), 'http://[::1]:3000')
  })

  it('has the authority of an HTTP/2 request', () => {
    assert.equal(originOf(request({ ':authority': 'app.example:8443' }, { socket: { encrypted: true } }), false), 'https://app.example:8443')
    assert.equal(originOf(request({ ':authority': 'app.example', host: 'other.example' }), false), 'http://app.example')
    assert.equal(originOf(request({ ':authority': 'inner', 'x-forwarded-host': 'app.example' }), true), 'http://app.example')
  })

  it('has the prefix that a trusted proxy has stripped, once', () => {
    const pathWith = (prefix: string, url = '/page?a=b', trustProxy = true) => originalPathOf(request({ 'x-forwarded-prefix': prefix }, { url }), trustProxy)
    assert.equal(pathWith('/shop'), '/shop/page?a=b')
    assert.equal(pathWith('/shop/de/'), '/shop/de/page?a=b')
    assert.equal(pathWith('/shop', '/shop/page'), '/shop/page')
    assert.equal(pathWith('/shop', '/shop'), '/shop')
    assert.equal(pathWith('/shop', '/shop?a'), '/shop?a')
    assert.equal(pathWith('/shop', '/shopping'), '/shop/shopping')
    assert.equal(pathWith('/shop', '/page', false), '/page')
    assert.equal(pathWith('/shop', '*'), '*', 'OPTIONS * is no path')
    for (const path of [originalPathOf, publicPath.bind(undefined, '/')]) assert.equal(path(request({ 'x-forwarded-prefix': '/shop' })), '/', 'no proxy is trusted by default')
    for (const prefix of ['', '/', '//evil.example', '/a//b', 'shop', '/a/../b', '/..', '/a\\b', '/a?b', '/a#b', '/%2e%2e', '/a, /b', 'https://evil.example']) assert.equal(pathWith(prefix, '/page'), '/page', prefix)
    const app = express().set('trust proxy', true)
    assert.equal(originalPathOf(request({ 'x-forwarded-prefix': '/shop' }, { app })), '/shop/')
  })

  it('has the path from before any mounting', () => {
    assert.equal(originalPathOf(request({}, { originalUrl: '/mounted/page?a=b', url: '/page?a=b' })), '/mounted/page?a=b')
    assert.equal(originalPathOf(request({}, { url: '/page?a=b' })), '/page?a=b')
    assert.equal(originalPathOf({ headers: {} }), '/')
    assert.equal(originalPathOf(request({}, { originalUrl: 7, url: '/page' })), '/page')
  })
})
