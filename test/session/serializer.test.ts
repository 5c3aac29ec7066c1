import assert from 'node:assert/strict'
import { mock } from 'node:test'
import express, { type Express, type RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import OAuth2Strategy from 'passport-oauth2'
import { SessionTokens, TwilioOAuthClient } from '../../lib'
import { setFinishedLogin } from '../../lib/request/finished-login'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { CALLBACK_URL, jsonOf, loginApp, sessionsIn, Visitor, type AccountPage } from '../support/login-app'

describe('tokens.serializer()', () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await startSandbox({ accountLogins: true })
  })
  after(() => sandbox.stop())

  /** The calls of the session store during the callback of a login. */
  async function callsAtCallback(app: Express, store: session.MemoryStore): Promise<Record<string, number>> {
    const visitor = new Visitor(app, sandbox)
    const callback = await visitor.approve(await visitor.begin())
    const mocks = (['get', 'set', 'destroy', 'touch'] as const).map((name) => [name, mock.method(store, name)] as const)
    await visitor.get(callback).expect(302)
    const calls = Object.fromEntries(mocks.map(([name, { mock }]) => [name, mock.callCount()]))
    for (const [, { mock }] of mocks) mock.restore()
    return calls
  }

  it('puts the tokens into the session that Passport saves: a login calls the session store no more often than with plain passport-oauth2', async () => {
    const plain = plainApp(sandbox)
    const expected = await callsAtCallback(plain.app, plain.store)
    assert.ok(expected.set)
    const { app, store } = loginApp(sandbox, { serializer: true })
    assert.deepEqual(await callsAtCallback(app, store), expected)
    assert.match(sessionsIn(store).join(), /accessToken/)
    const withoutSerializer = loginApp(sandbox)
    assert.deepEqual(await callsAtCallback(withoutSerializer.app, withoutSerializer.store), { ...expected, set: expected.set + 1 }, 'keep() saves the session a second time')
  })

  it('leaves what is stored of the user to the serializer of the app', async () => {
    const { app } = loginApp(sandbox, { serializer: true })
    const visitor = new Visitor(app, sandbox)
    await visitor.logIn({ as: 'jonas@fjordclinic.example' })
    const page = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
    assert.equal(page.user.id, sandbox.people[1]?.userSid)
    assert.match(page.refreshToken, /^refresh-/)
  })

  it('keeps the tokens with successRedirect, which leaves no room for keep()', async () => {
    const { app, warnings } = loginApp(sandbox, { serializer: true, callback: { successRedirect: '/welcome' } })
    const visitor = new Visitor(app, sandbox)
    const callback = await visitor.logIn()
    assert.equal(callback.headers.location, '/welcome')
    await visitor.get('/account').expect(200)
    assert.deepEqual(warnings, [])
  })

  it('is what the one warning recommends when successRedirect loses the tokens', async () => {
    const { app, warnings } = loginApp(sandbox, { callback: { successRedirect: '/welcome' } })
    const visitor = new Visitor(app, sandbox)
    await visitor.logIn()
    for (let request = 0; request < 2; request++) await visitor.get('/account').expect(302)
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /with successRedirect.*use passport\.serializeUser\(tokens\.serializer\(\)\)/)
  })

  it('encrypts the tokens where there is a secret', async () => {
    const { app, store } = loginApp(sandbox, { serializer: true, tokens: { secret: 'a secret of 32 characters or more' } })
    const visitor = new Visitor(app, sandbox)
    await visitor.logIn()
    assert.doesNotMatch(sessionsIn(store).join(), /accessToken/)
    await visitor.get('/account').expect(200)
  })

  for (const serializer of [true, false]) {
    it(`${serializer ? 'gives' : 'is not needed to give'} a second login with keepSessionInfo the new tokens, and keeps what else was in the session`, async () => {
      // With the serializer, also where there is no keep().
      const { app, store } = loginApp(sandbox, { serializer, keep: !serializer, callback: { keepSessionInfo: true } })
      const visitor = new Visitor(app, sandbox)
      await visitor.logIn()
      const first = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      await visitor.agent.put('/cart').expect(204)
      await visitor.logIn()
      const second = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      assert.notEqual(second.accessToken, first.accessToken)
      assert.notEqual(second.refreshToken, first.refreshToken)
      assert.equal(jsonOf<{ cart: string }>(await visitor.get('/session')).cart, 'full')
      assert.equal(sessionsIn(store).length, 1)
    })
  }

  it('keeps no tokens of another client, whose keep() refuses them', async () => {
    const { strategy } = loginApp(sandbox)
    const other = new SessionTokens(new TwilioOAuthClient({ clientID: `OQ${'b'.repeat(32)}`, clientSecret: 'its own secret' }))
    const request = {}
    setFinishedLogin(request, { tokens: { accessToken: 'a', tokenType: 'Bearer', claims: {} }, clientID: strategy.client.clientID })
    const session: Record<string, unknown> = {}
    other.serializer()(Object.assign(request, { session }) as never, {}, () => undefined)
    assert.deepEqual(session, {})
    const error = await new Promise<unknown>((resolve) => other.keep()(request as never, {} as never, resolve))
    assert.match(String(error), /tokens\.keep\(\) found a login of another client/)
  })

  it('keeps the tokens of a login that had no session before', async () => {
    const { strategy, tokens } = loginApp(sandbox)
    const req = { session: {} }
    setFinishedLogin(req, { tokens: { accessToken: 'a', tokenType: 'Bearer', claims: {} }, clientID: strategy.client.clientID })
    tokens.serializer()(req as never, {}, () => undefined)
    assert.equal((await tokens.of(req))?.accessToken, 'a')
  })

  it('does nothing for a login that is not with Twilio', async () => {
    const { tokens } = loginApp(sandbox)
    const req = { session: {} }
    const done = await new Promise((resolve) => tokens.serializer()(req as never, {}, (...args) => resolve(args)))
    assert.deepEqual(done, [null])
    assert.deepEqual(req.session, {})
  })
})

/** The same login with passport-oauth2 itself. */
function plainApp({ clientID, clientSecret, url }: Sandbox): { app: Express; store: session.MemoryStore } {
  const strategy = new OAuth2Strategy(
    { clientID, clientSecret, authorizationURL: `${url}/v2/authorize`, tokenURL: `${url}/v2/token`, callbackURL: CALLBACK_URL, scope: 'offline_access', state: true as never, pkce: true },
    (_accessToken: string, _refreshToken: string, _profile: unknown, done: (error: unknown, user: Express.User) => void) => done(null, { id: 'somebody' })
  )
  const authenticator = new passport.Passport()
  authenticator.use(strategy)
  authenticator.serializeUser((user, done) => done(null, user))
  authenticator.deserializeUser((user: Express.User, done) => done(null, user))
  const store = new session.MemoryStore()
  const app = express()
  app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false, store }), authenticator.session() as RequestHandler)
  app.get('/auth/twilio', authenticator.authenticate('oauth2') as RequestHandler)
  app.get('/auth/twilio/callback', authenticator.authenticate('oauth2') as RequestHandler, (_req, res) => res.redirect('/'))
  return { app, store }
}
