import assert from 'node:assert/strict'
import { mock } from 'node:test'
import request from 'supertest'
import { RefreshStoreError, type Refreshes } from '../../lib'
import { settled } from '../support/clock'
import { gate, until } from '../support/gate'
import {
  accessTokenAt,
  connectionTo,
  expired,
  freshFor,
  heldUntil,
  rotating,
  sessionApp,
  spentAt,
  startTwilio,
  storedTokens,
  tokensOf,
  visitorWith
} from '../support/session-app'

describe('tokens.expire()', () => {
  const twilio = startTwilio()

  it('has the next request refresh a token before its time, once', async () => {
    for (const encryption of [{}, { secret: 'a secret that is long enough for everybody' }]) {
      twilio.requests.length = 0
      twilio.behave = rotating()
      const site = sessionApp(twilio, { tokens: encryption })
      const visitor = await visitorWith(site.app)
      await visitor.post('/expire').expect(200)
      for (let request = 0; request < 2; request++) assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      assert.equal(twilio.requests.length, 1)
    }
  })

  it('keeps everything but the expiry, and the login', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, { idToken: 'id-0', scope: 'offline_access' })
    const { expiresAt: _expiresAt, generation: _generation, ...before } = storedTokens(site) ?? {}
    await visitor.post('/expire').expect(200)
    const { expiresAt = Infinity, generation, ...after } = storedTokens(site) ?? {}
    assert.deepEqual(after, before)
    assert.ok(expiresAt <= Date.now())
    assert.equal(generation, 1)
  })

  it('does nothing for a request without a session or tokens', async () => {
    const { app, tokens, warnings } = sessionApp(twilio)
    await request(app).post('/expire').expect(200)
    for (const req of [{}, { session: null }, { session: {} }]) await assert.doesNotReject(tokens.expire(req))
    assert.deepEqual([warnings, twilio.requests], [[], []])
  })

  it('expires the newer tokens that the request has used, where its own copy of the session is older', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, expired())
    const connection = connectionTo(site)
    assert.equal((await freshFor(site, connection))?.accessToken, 'access-1')
    await site.tokens.expire(connection)
    assert.ok((storedTokens(site)?.expiresAt ?? Infinity) <= Date.now())
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-2')
    assert.deepEqual(spentAt(twilio), ['refresh-0', 'refresh-1'])
  })

  it('leaves newer tokens alone that others have got since the request used its own', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app)
    const connection = connectionTo(site)
    assert.equal((await freshFor(site, connection))?.accessToken, 'access-0')
    await visitor.post('/expire').expect(200)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    await site.tokens.expire(connection)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    assert.equal(twilio.requests.length, 1)
  })

  it('has the same connection refresh the token at its next fresh(), although its copy of the session stays as it is', async () => {
    const site = sessionApp(twilio)
    await visitorWith(site.app)
    const connection = connectionTo(site)
    assert.equal((await freshFor(site, connection))?.accessToken, 'access-0')
    await site.tokens.expire(connection)
    assert.equal((await freshFor(site, connection))?.accessToken, 'access-1')
    assert.equal(twilio.requests.length, 1)
  })

  it('waits for a refresh that is under way, and leaves what it brings alone', async () => {
    const answer = gate()
    twilio.behave = heldUntil(answer, rotating())
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, expired())
    const connection = connectionTo(site)
    const page = accessTokenAt(visitor.get('/fresh'))
    await until(() => twilio.requests.length === 1)
    const expiring = site.tokens.expire(connection)
    await settled()
    answer.open()
    await expiring
    assert.equal(await page, 'access-1')
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    assert.equal(twilio.requests.length, 1)
  })

  it('never brings a session back that somebody has logged out of', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app)
    const connection = connectionTo(site)
    await visitor.post('/destroy').expect(200)
    await site.tokens.expire(connection)
    await visitor.get('/fresh').expect(401)
    assert.equal(Object.keys((site.store as unknown as { sessions: object }).sessions).length, 0)
  })

  it('reports it once, and does not reject, when the record store or the session store is down', async () => {
    const refuse = () => Promise.reject(new RefreshStoreError('Redis is gone: ECONNREFUSED'))
    const down: Refreshes = { read: refuse, acquire: refuse, save: refuse, release: refuse }
    const site = sessionApp(twilio, { tokens: { refreshes: down } })
    const visitor = await visitorWith(site.app)
    for (let request = 0; request < 2; request++) await visitor.post('/expire').expect(200)
    assert.equal(site.warnings.length, 1)
    assert.match(site.warnings[0] ?? '', /^tokens\.expire\(\) could not mark a token as expired in every process: .*ECONNREFUSED/)

    const other = sessionApp(twilio)
    const connection = (await visitorWith(other.app), connectionTo(other))
    const get = mock.method(other.store, 'get', (_id: string, done: (error: unknown) => void) => done(new Error('the disk is full')))
    await other.tokens.expire(connection)
    get.mock.restore()
    assert.equal(other.warnings.length, 1)
    assert.match(other.warnings[0] ?? '', /the disk is full/)
  })

  it('holds in this process while the record store is down', async () => {
    const refuse = () => Promise.reject(new RefreshStoreError('Redis is gone: ECONNREFUSED'))
    const site = sessionApp(twilio, { client: { timeout: 100 }, tokens: { refreshes: { read: refuse, acquire: refuse, save: refuse, release: refuse } } })
    const visitor = await visitorWith(site.app)
    await visitor.post('/expire').expect(200)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    assert.equal(twilio.requests.length, 1)
  })

  it('in a session that another login has taken over expires nothing', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app)
    const connection = connectionTo(site)
    await visitor.post('/keep').send(tokensOf({ accessToken: 'of another login' })).expect(200)
    await site.tokens.expire(connection)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'of another login')
  })
})
