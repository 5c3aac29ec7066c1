import assert from 'node:assert/strict'
import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'
import { renewableCookieSession, TwilioOAuthClient, TwilioStrategy } from '../../lib'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { TestLogins } from '../support/pending-logins'
import { CALLBACK_URL, jsonOf, loginApp, sessionsIn, Visitor, type AccountPage, type LoginAppOptions } from '../support/login-app'

describe('a public client, without a client secret', () => {
  let sandbox: Sandbox
  beforeEach(async () => {
    sandbox = await startSandbox({ apps: [{ isPublic: true }], accessTokenTTL: 2 })
  })
  afterEach(() => sandbox.stop())

  const publicApp = (options: LoginAppOptions = {}) => loginApp(sandbox, { ...options, strategy: { clientSecret: undefined, apiVersion: 'v2', ...options.strategy } })

  for (const [name, sessions] of [
    ['express-session', undefined],
    ['cookie-session', () => [cookieSession({ keys: ['of the tests'] }), renewableCookieSession()] as RequestHandler[]]
  ] as const) {
    it(`logs people in, and refreshes their tokens, without another option, with ${name}`, async () => {
      const { app, errors } = publicApp(sessions ? { sessions: sessions() } : {})
      const visitor = new Visitor(app, sandbox)
      assert.equal((await visitor.logIn()).status, 302)
      const before = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      sandbox.expireAccessTokens()
      await visitor.agent.post('/expire').expect(204)
      const after = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      assert.notEqual(after.accessToken, before.accessToken)
      assert.deepEqual({ ...sandbox.counts }, { codes: 1, refreshes: 1, clientCredentials: 0, reuses: 0 })
      assert.deepEqual(errors, [])
      const tokenRequests = sandbox.requests.filter(({ path }) => path === '/v2/token')
      assert.deepEqual(tokenRequests.map(({ parameters }) => 'client_secret' in parameters), [false, false])
      assert.ok(tokenRequests[0]?.parameters.code_verifier)
    })
  }

  it('keeps several logins in different tabs apart, and refuses a callback twice or in another browser', async () => {
    const { app, errors } = publicApp()
    const visitor = new Visitor(app, sandbox)
    const [first, second] = [await visitor.begin(), await visitor.begin()]
    const [firstCallback, secondCallback] = [await visitor.approve(first), await visitor.approve(second)]
    const other = new Visitor(app, sandbox)
    await other.begin()
    assert.equal((await other.get(firstCallback)).status, 403)
    assert.equal((await visitor.get(firstCallback)).status, 302)
    assert.equal((await visitor.get(firstCallback)).status, 403)
    assert.equal((await visitor.get(secondCallback)).status, 403, 'Passport has renewed the session')
    assert.equal(errors.length, 3)
  })

  it("keeps its secret in the session, a different one in each", async () => {
    const { app, store } = publicApp()
    for (const visitor of [new Visitor(app, sandbox), new Visitor(app, sandbox)]) {
      await visitor.begin()
      await visitor.begin()
    }
    const secrets = sessionsIn(store).map((session) => /"secret":"([\w-]{43})"/.exec(session)?.[1])
    assert.equal(new Set(secrets).size, 2)
    assert.ok(!secrets.includes(undefined))
  })

  describe('when two tabs begin a login at the same time and one overwrites the session of the other', () => {
    const session = (stored = '{}') => ({ session: JSON.parse(stored) as Record<string, unknown>, sessionID: 'a-session' })
    const saved = (request: { session: object }) => JSON.stringify(request.session)

    /** The state of the login whose entry is lost, and the session that is left. */
    function race(logins: TestLogins, stored = '{}') {
      const [one, other] = [session(stored), session(stored)]
      const lost = logins.beginWithVerifier(one)
      logins.begin(other, {})
      return { lost, left: session(saved(other)) }
    }

    it('finishes both in a session that had a login before', () => {
      const logins = new TestLogins({ secret: undefined })
      const first = session()
      logins.begin(first, {})
      const { lost, left } = race(logins, saved(first))
      assert.equal(logins.finishWithVerifier(left, lost.state), lost.codeVerifier)
    })

    it('finishes the later one in a new session, and both with stateSecret', () => {
      const { lost, left } = race(new TestLogins({ secret: undefined }))
      assert.throws(() => new TestLogins({ secret: undefined }).finish(left, lost.state), { reason: 'unknown' })
      const withSecret = new TestLogins({ secret: 'a state secret' })
      const both = race(withSecret)
      assert.equal(withSecret.finishWithVerifier(both.left, both.lost.state), both.lost.codeVerifier)
    })

    it('refuses a state for a session without a secret of its own, or with one that was tampered with', () => {
      const logins = new TestLogins({ secret: undefined })
      const request = session()
      const state = logins.begin(request, {})
      for (const secret of [undefined, '', 7, 'short', 'x'.repeat(43), Array.from('x'.repeat(43))]) {
        const [entry] = Object.entries(request.session)
        assert.ok(entry)
        const [key, record] = entry
        assert.throws(() => logins.finish({ session: { [key]: { ...(record as object), secret } }, sessionID: 'a-session' }, state), { reason: 'unknown' })
      }
      logins.finish(request, state)
    })
  })

  it('replaces a secret in the session that is too short, or none, and keeps any other', () => {
    const logins = new TestLogins({ secret: undefined })
    const secretAfterLogin = (secret: unknown) => {
      const session: Record<string, { secret?: string }> = { logins: { secret: secret as string } }
      logins.begin({ session, sessionID: 'a-session' }, {})
      return session.logins?.secret
    }
    for (const secret of ['', 'short', 'x'.repeat(42), 7, Array.from('x'.repeat(43))]) assert.match(secretAfterLogin(secret) ?? '', /^(?!x{42})[\w-]{43}$/)
    assert.equal(secretAfterLogin('x'.repeat(43)), 'x'.repeat(43))
  })

  it('works in several processes with one session store, and with stateSecret', async () => {
    const stateSecret = 'a state secret of 32 characters or more'
    for (const strategy of [{}, { stateSecret }]) {
      const sessions = cookieSession({ keys: ['of the tests'] })
      const [one, other] = [publicApp({ strategy, sessions: [sessions, renewableCookieSession()] as RequestHandler[] }), publicApp({ strategy, sessions: [sessions, renewableCookieSession()] as RequestHandler[] })]
      const visitor = new Visitor(one.app, sandbox)
      const begun = await visitor.get('/auth/twilio').expect(302)
      const callback = await visitor.approve(String(begun.headers.location))
      const cookies = (begun.headers['set-cookie'] as unknown as string[]).map((cookie) => cookie.split(';')[0])
      const finished = await new Visitor(other.app, sandbox).get(callback).set('Cookie', cookies.join('; '))
      assert.equal(finished.status, 302)
    }
  })

  it('is refused by Twilio if the OAuth app is not public, with an error that says which option is missing', async () => {
    await sandbox.stop()
    sandbox = await startSandbox()
    const { app, errors } = publicApp()
    assert.equal((await new Visitor(app, sandbox).tryToLogIn()).status, 502)
    assert.match(errors[0]?.message ?? '', /invalid_client.*No clientSecret is set: set it, unless the OAuth app is a public client/)
  })

  it('cannot be configured on v1, with an empty secret, or without PKCE', () => {
    const options = { clientID: sandbox.clientID, callbackURL: CALLBACK_URL }
    const verify = () => undefined
    assert.throws(() => new TwilioStrategy(options, verify), /^TypeError: clientSecret is missing/)
    assert.throws(() => new TwilioStrategy({ ...options, apiVersion: 'v2', clientSecret: '' }, verify), /^TypeError: clientSecret is missing/)
    assert.throws(() => new TwilioStrategy({ ...options, apiVersion: 'v2', pkce: false }, verify), /^TypeError: pkce must not be false without clientSecret/)
    for (const stateSecret of ['short', 'x'.repeat(31), 7 as never]) assert.throws(() => new TwilioStrategy({ ...options, apiVersion: 'v2', stateSecret }, verify), /^TypeError: stateSecret must be a random string of 32 characters/)
    assert.doesNotThrow(() => new TwilioStrategy({ ...options, apiVersion: 'v2', stateSecret: 'x'.repeat(32) }, verify))
  })

  it('works without Passport, and has no client credentials', async () => {
    const client = new TwilioOAuthClient({ clientID: sandbox.clientID, apiVersion: 'v2', baseURL: sandbox.url })
    await assert.rejects(client.clientCredentials(), /^TypeError: clientCredentials\(\) needs clientSecret/)
    assert.equal(sandbox.requests.length, 0)
  })
})
