import assert from 'node:assert/strict'
import request from 'supertest'
import { SessionTokens, TwilioOAuthClient, type TwilioTokens } from '../../lib'
import { CLIENT_ID, CLIENT_SECRET, unsigned } from '../support/jwt'
import { jsonOf } from '../support/login-app'
import { expired, SESSION_KEY, sessionApp, startTwilio, storedSession, storedTokens, tokensOf, visitorWith } from '../support/session-app'

describe('tokens.keep()', () => {
  const twilio = startTwilio()

  it('keeps the tokens under one key of the session, with a random login ID, and without the claims, which the token repeats', async () => {
    const site = sessionApp(twilio)
    const tokens = tokensOf({ accessToken: unsigned({ sub: 'trn:us1:iam:user:US1' }), idToken: 'id-0', scope: 'offline_access' })
    const before = Date.now()
    const visitor = await visitorWith(site.app, tokens)
    const { claims, ...kept } = tokens
    assert.deepEqual(Object.keys(storedSession(site)).sort(), ['cookie', 'passport', SESSION_KEY])
    const { login, generation, receivedAt = 0, ...stored } = storedTokens(site) ?? {}
    assert.deepEqual(stored, kept)
    assert.match(String(login), /^[\w-]{22}$/)
    assert.equal(generation, 0)
    assert.ok(receivedAt >= before && receivedAt <= Date.now())
    assert.deepEqual((await visitor.get('/of')).body, { ...kept, claims })
  })

  it('sets req.twilioTokens for the middleware after it', async () => {
    const { app } = sessionApp(twilio)
    const response = await request(app).post('/keep').send(tokensOf({ expiresAt: 1 }))
    assert.deepEqual(response.body, tokensOf({ expiresAt: 1 }))
  })

  it('has saved the session before the app responds', async () => {
    const site = sessionApp(twilio, { routes: (app) => app.use('/keep', (_req, res, next) => {
      const respond = res.json.bind(res)
      res.json = (body: unknown) => respond({ body, saved: Object.keys(storedSession(site)) })
      next()
    }) })
    const { body } = (await request(site.app).post('/keep').send(tokensOf())) as { body: { saved: string[] } }
    assert.deepEqual(body.saved, ['cookie', 'passport', SESSION_KEY])
  })

  it('gives each login an ID of its own, even if the tokens look alike', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, tokensOf({ refreshToken: undefined }))
    const { login } = storedTokens(site) ?? {}
    await visitor.post('/keep').send(tokensOf({ refreshToken: 'refresh-other' })).expect(200)
    assert.notEqual(storedTokens(site)?.login, login)
  })

  it('passes an error on that says where it belongs when there was no login before it', async () => {
    const { app, errors } = sessionApp(twilio)
    await request(app).post('/keep').expect(500)
    for (const nothing of [{}, { accessToken: 7 }, []]) await request(app).post('/keep').send(nothing).expect(500)
    assert.equal(errors.length, 4)
    for (const { message } of errors) assert.match(message, /^tokens\.keep\(\) found no login with Twilio\. Put it after passport\.authenticate/)
  })

  it('passes an error on that says what to add when there is no session', async () => {
    const tokens = new SessionTokens(new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET }))
    const error = await new Promise((resolve) => tokens.keep()({ authInfo: { tokens: tokensOf() } } as never, {} as never, resolve))
    assert.match(String(error), /^Error: There is no req\.session\. Add session middleware before this route: app\.use\(session\(/)
  })

  it('passes the error of a session store that cannot save on', async () => {
    const site = sessionApp(twilio)
    site.store.set = (_id, _session, done) => done?.(new Error('the disk is full'))
    await request(site.app).post('/keep').send(tokensOf()).expect(500)
    assert.equal(site.errors[0]?.message, 'the disk is full')
  })
})

describe('tokens.of()', () => {
  const { tokens } = sessionApp({ url: 'http://127.0.0.1:1' })

  it('returns undefined for a request without a session, or without tokens in it', async () => {
    assert.equal(await tokens.of({}), undefined)
    assert.equal(await tokens.of({ session: null }), undefined)
    assert.equal(await tokens.of({ session: {} }), undefined)
  })

  it('returns the tokens as they are, also when they have expired', async () => {
    const { app } = sessionApp({ url: 'http://127.0.0.1:1' })
    const visitor = await visitorWith(app, expired())
    assert.equal(jsonOf<TwilioTokens>(await visitor.get('/of')).accessToken, 'access-0')
  })

  it('returns undefined after a logout', async () => {
    const site = sessionApp({ url: 'http://127.0.0.1:1' })
    const visitor = await visitorWith(site.app)
    await visitor.post('/drop').expect(200)
    assert.equal((await visitor.get('/of')).body, null)
    assert.equal(SESSION_KEY in storedSession(site), false)
    await visitor.get('/fresh').expect(401)
    await request(site.app).post('/drop').expect(200)
  })
})
