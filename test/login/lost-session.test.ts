import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'
import request from 'supertest'
import { LoginStateError, renewableCookieSession } from '../../lib'
import { LostSessions } from '../../lib/login/lost-session'
import { loginApp, Visitor, withSandbox, type LoginApp, type LoginAppOptions } from '../support/login-app'

/** The error of a callback, which a visitor opens after a login was started. */
async function errorOf(options: LoginAppOptions, open: (callback: string, site: LoginApp, visitor: Visitor) => Promise<request.Response>, headers: Readonly<Record<string, string>> = {}): Promise<LoginStateError> {
  let error: unknown
  await withSandbox({}, async (sandbox) => {
    const site = loginApp(sandbox, options)
    const visitor = new Visitor(site.app, sandbox)
    const { headers: answered } = await visitor.get('/auth/twilio').set(headers).expect(302)
    const response = await open(await visitor.approve(String(answered.location)), site, visitor)
    assert.equal(response.status, 403)
    error = site.errors[0]
  })
  assert.ok(error instanceof LoginStateError)
  assert.equal(error.reason, 'unknown')
  return error
}

/** Opens the callback without any cookie. */
const withoutCookies = (headers: Readonly<Record<string, string>> = {}) => async (callback: string, { app }: LoginApp) => request(app).get(callback).set(headers)

const emptyTheStore = async (callback: string, { store }: LoginApp, visitor: Visitor) => {
  await new Promise((resolve) => store.clear(resolve))
  return visitor.get(callback)
}

const trustProxy: RequestHandler = ({ app }, _res, next) => {
  app.set('trust proxy', 1)
  next()
}

describe('a LoginStateError names the likely cause and its remedy:', () => {
  it('a secure session cookie over http', async () => {
    const { likelyCause, message } = await errorOf({ session: { cookie: { secure: true } } }, async (callback, _site, visitor) => visitor.get(callback))
    assert.equal(likelyCause, 'secure_cookie')
    assert.match(message, /session cookie is secure.*not come over https.*set app\.set\('trust proxy', 1\)/)
  })

  it('a secure session cookie behind an https proxy that Express does not trust, and not one that it trusts', async () => {
    const proxied = { 'X-Forwarded-Proto': 'https' }
    const options = { session: { cookie: { secure: true } } }
    assert.equal((await errorOf(options, withoutCookies(proxied), proxied)).likelyCause, 'secure_cookie')
    const trusting: LoginAppOptions = { ...options, before: [trustProxy] }
    assert.equal((await errorOf(trusting, withoutCookies(proxied), proxied)).likelyCause, 'no_cookie')
  })

  it("sameSite: 'strict', unless the browser says that the request came from the app itself", async () => {
    const options = { session: { cookie: { sameSite: 'strict' } } } as const
    const { likelyCause, message } = await errorOf(options, withoutCookies())
    assert.equal(likelyCause, 'strict_cookie')
    assert.match(message, /sameSite: 'strict'.*Set it to 'lax'/)
    assert.equal((await errorOf(options, withoutCookies({ 'Sec-Fetch-Site': 'cross-site' }))).likelyCause, 'strict_cookie')
    assert.equal((await errorOf(options, withoutCookies({ 'Sec-Fetch-Site': 'same-origin' }))).likelyCause, 'no_cookie')
  })

  it('a login that was started on another host', async () => {
    const { likelyCause, message } = await errorOf({}, withoutCookies({ Host: 'localhost:3000' }), { Host: '127.0.0.1:3000' })
    assert.equal(likelyCause, 'other_host')
    assert.match(message, /started on 127\.0\.0\.1, but the callback came to localhost, which has other cookies.*Open the app on the host of callbackURL/)
  })

  it('no cookie at all', async () => {
    const { likelyCause, message } = await errorOf({}, withoutCookies())
    assert.equal(likelyCause, 'no_cookie')
    assert.match(message, /no cookie: the browser blocks cookies, or/)
  })

  it('a cookie whose session is not in the store', async () => {
    const { likelyCause, message } = await errorOf({}, emptyTheStore)
    assert.equal(likelyCause, 'unknown_session')
    assert.match(message, /none that belongs to an existing session.*store was emptied.*same secret/)
  })

  it('sessions in the memory of each process of a cluster', async () => {
    const { isWorker } = cluster
    Object.assign(cluster, { isWorker: true })
    try {
      const { likelyCause, message } = await errorOf({}, emptyTheStore)
      assert.equal(likelyCause, 'memory_sessions')
      assert.match(message, /own memory. Keep them in a store that all processes share, such as Redis/)
    } finally {
      Object.assign(cluster, { isWorker })
    }
  })

  it('with cookie-session, too', async () => {
    const sessions = (secret: string, options: object = {}) => [cookieSession({ secret, ...options }), renewableCookieSession()]
    assert.equal((await errorOf({ sessions: sessions('s', { sameSite: 'strict' }) }, withoutCookies())).likelyCause, 'strict_cookie')
    assert.equal((await errorOf({ sessions: sessions('s') }, async (callback, { app }) => request(app).get(callback).set('Cookie', 'other=1'))).likelyCause, 'unknown_session')
  })

  it('none where the session is there, but without the login', async () => {
    const { likelyCause, message } = await errorOf({}, async (_callback, _site, visitor) => visitor.get('/auth/twilio/callback?code=c&state=s'))
    assert.equal(likelyCause, undefined)
    assert.match(message, /^This login was not started in this session/)
  })
})

describe('the likely cause of a lost session', () => {
  const requestOf = (request: object = {}, headers: Readonly<Record<string, string>> = {}) => ({ url: '/', socket: {}, session: {}, ...request, headers: { host: 'app.example', ...headers } }) as unknown as Parameters<LostSessions['began']>[0]
  const causeOf = (request: object, headers?: Readonly<Record<string, string>>) => new LostSessions().causeOf(requestOf(request, headers), 'a state')?.likelyCause

  it('is another host only if it is known where the login began', () => {
    const lost = new LostSessions()
    lost.began(requestOf(), 'a state')
    const elsewhere = requestOf({}, { host: 'other.example:3000' })
    assert.deepEqual(lost.causeOf(elsewhere, 'a state'), { likelyCause: 'other_host', explanation: 'The login was started on app.example, but the callback came to other.example, which has other cookies. Open the app on the host of callbackURL.' })
    assert.equal(lost.causeOf(requestOf({}, { host: 'app.example:3000' }), 'a state')?.likelyCause, 'no_cookie')
    for (const state of [undefined, 'another state']) assert.equal(lost.causeOf(elsewhere, state)?.likelyCause, 'no_cookie')
  })

  it('is found for a request without a valid Host header as well', () => {
    const lost = new LostSessions()
    const invalid = requestOf({}, { host: 'a b' })
    lost.began(invalid, 'a state')
    assert.equal(lost.causeOf(invalid, 'a state')?.likelyCause, 'no_cookie')
  })

  it('is a secure cookie only if the request did not come over https', () => {
    const session = { cookie: { secure: true } }
    assert.equal(causeOf({ session }), 'secure_cookie')
    assert.equal(causeOf({ session: { cookie: { secure: 'auto' } } }), 'no_cookie')
    assert.equal(causeOf({ session, socket: { encrypted: false } }), 'secure_cookie')
    assert.equal(causeOf({ session, socket: { encrypted: true } }), 'no_cookie')
    assert.equal(causeOf({ session, secure: true }), 'no_cookie')
    assert.equal(causeOf({ session, secure: false }, { 'x-forwarded-proto': 'https' }), 'secure_cookie')
    assert.equal(causeOf({ session }, { 'x-forwarded-proto': 'https' }), 'no_cookie')
    assert.equal(causeOf({ session }, { 'x-forwarded-proto': 'http' }), 'secure_cookie')
  })

  it("is a strict cookie also with cookie-session, which has the cookie's options on the request", () => {
    for (const sameSite of [true, 'strict', 'Strict']) assert.equal(causeOf({ sessionOptions: { sameSite } }), 'strict_cookie')
    for (const sessionOptions of [{ sameSite: 'lax' }, {}, 'none']) assert.equal(causeOf({ sessionOptions }), 'no_cookie')
    assert.equal(causeOf({ sessionOptions: { sameSite: 'strict' } }, { 'sec-fetch-site': 'cross-site' }), 'strict_cookie')
    assert.equal(causeOf({ sessionOptions: { sameSite: 'strict' } }, { 'sec-fetch-site': 'same-site' }), 'no_cookie')
  })

  it('is no cookie, if the request has none or an empty one', () => {
    for (const headers of [{}, { cookie: '' }, { cookie: ' ' }]) assert.equal(causeOf({}, headers), 'no_cookie')
  })

  it('is a session that does not exist, if the cookie is that of another session', () => {
    assert.equal(causeOf({ sessionID: 'new' }, { cookie: 'sid=old' }), 'unknown_session')
    assert.equal(causeOf({ session: { isNew: true } }, { cookie: 'sid=old' }), 'unknown_session')
  })

  it('is not known if the session is there, or its middleware does not say', () => {
    assert.equal(causeOf({ sessionID: 'a/b' }, { cookie: 'sid=s:a/b.signature' }), undefined)
    assert.equal(causeOf({ sessionID: 'a/b' }, { cookie: 'sid=s%3Aa%2Fb.signature' }), undefined)
    assert.equal(causeOf({ session: { isNew: false } }, { cookie: 'sid=x' }), undefined)
    assert.equal(causeOf({ sessionID: 7 }, { cookie: 'sid=x' }), undefined)
  })
})
