import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { LoginStateError, TwilioNetworkError, TwilioOAuthClient, TwilioTokenError, TwilioUnavailableError } from '../lib'
import { CHANNELS, withMessages, withoutDuration } from './support/diagnostics'
import { gate, until } from './support/gate'
import { CLIENT_ID, CLIENT_SECRET } from './support/jwt'
import { loginApp, Visitor, withSandbox } from './support/login-app'
import { BUSY, expired, expiring, heldUntil, INVALID_GRANT, rotating, SESSION_KEY, sessionApp, startTwilio, storedSession, visitorWith } from './support/session-app'
import { closedPort, inTurn } from './support/twilio-server'

describe('the diagnostics channel passport-twilio:login', () => {
  it('has the beginning and the success of a login', () =>
    withSandbox({}, async (sandbox) => {
      await withMessages(async (messages) => {
        await new Visitor(loginApp(sandbox).app, sandbox).logIn()
        assert.deepEqual(messages['passport-twilio:login'].map(withoutDuration), [{ phase: 'begin' }, { phase: 'end', outcome: 'success' }])
      })
    }))

  it('has a denied login, without an error', () =>
    withSandbox({}, async (sandbox) => {
      await withMessages(async (messages) => {
        await new Visitor(loginApp(sandbox).app, sandbox).tryToLogIn({ deny: true })
        assert.deepEqual(messages['passport-twilio:login'].slice(1).map(withoutDuration), [{ phase: 'end', outcome: 'denied' }])
      })
    }))

  it('has a failed login with the error that is passed to next', () =>
    withSandbox({}, async (sandbox) => {
      await withMessages(async (messages) => {
        const { app, errors } = loginApp(sandbox)
        await new Visitor(app, sandbox).get('/auth/twilio/callback?code=c&state=s').expect(403)
        const [message] = messages['passport-twilio:login'].map(withoutDuration)
        assert.deepEqual({ ...message, error: undefined }, { phase: 'end', outcome: 'failed', error: undefined })
        assert.ok(message?.error instanceof LoginStateError)
        assert.equal(message.error, errors[0])
      })
    }))

  it('has a login that cannot begin', () =>
    withSandbox({}, async (sandbox) => {
      await withMessages(async (messages) => {
        sandbox.failNext('authorize', 'reset')
        const { app, errors } = loginApp(sandbox, { strategy: { resolveAuthorizeURL: true } })
        await new Visitor(app, sandbox).get('/auth/twilio').expect(502)
        assert.deepEqual(messages['passport-twilio:login'].map(withoutDuration), [{ phase: 'begin', outcome: 'failed', error: errors[0] }])
      })
    }))
})

describe('the diagnostics channel passport-twilio:token', () => {
  const twilio = startTwilio()
  const client = (url = twilio.url) => new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, baseURL: url })

  it('has one message per call to the token endpoint, with the grant type, the status and the attempt', () =>
    withMessages(async (messages) => {
      twilio.behave = inTurn(BUSY, rotating())
      await assert.rejects(client().refresh('refresh-0'))
      await client().refresh('refresh-0')
      const [failed, succeeded, ...others] = messages['passport-twilio:token'].map(withoutDuration)
      assert.deepEqual({ ...failed, error: undefined }, { grantType: 'refresh_token', status: 503, attempt: 1, error: undefined })
      assert.ok(failed?.error instanceof TwilioTokenError)
      assert.deepEqual(succeeded, { grantType: 'refresh_token', status: 201, attempt: 1 })
      assert.deepEqual(others, [])
    }))

  it('has a message per retry, and no status without a response', () =>
    withMessages(async (messages) => {
      const error: unknown = await client(`http://127.0.0.1:${await closedPort()}`).refresh('refresh-0').catch((thrown: unknown) => thrown)
      assert.ok(error instanceof TwilioNetworkError)
      const [first, second, third] = messages['passport-twilio:token'].map(withoutDuration)
      assert.deepEqual([first, second, third].map((message) => ({ ...message, error: undefined })), [1, 2, 3].map((attempt) => ({ grantType: 'refresh_token', attempt, error: undefined })))
      assert.equal(third?.error, error)
    }))

  it('has the other grants', () =>
    withSandbox({ accountLogins: true }, async (sandbox) => {
      await withMessages(async (messages) => {
        await new Visitor(loginApp(sandbox).app, sandbox).logIn()
        await new TwilioOAuthClient({ clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url }).clientCredentials()
        assert.deepEqual(messages['passport-twilio:token'].map(({ grantType, status }) => [grantType, status]), [
          ['authorization_code', 201],
          ['client_credentials', 201]
        ])
      })
    }))
})

describe('the diagnostics channels passport-twilio:refresh and passport-twilio:logout', () => {
  const twilio = startTwilio()

  it('tell the request that refreshed from those that shared its answer', () =>
    withMessages(async (messages) => {
      const answer = gate()
      twilio.behave = heldUntil(answer, rotating())
      const { app } = sessionApp(twilio)
      const visitor = await visitorWith(app, expired())
      const requests = [1, 2, 3].map(() => visitor.get('/fresh').expect(200).then())
      await until(() => twilio.requests.length === 1)
      answer.open()
      await Promise.all(requests)
      assert.deepEqual(messages['passport-twilio:refresh'].map(withoutDuration).map(({ outcome }) => outcome).sort(), ['refreshed', 'shared', 'shared'])
    }))

  it('have a refresh in the background', () =>
    withMessages(async (messages) => {
      const { app, tokens } = sessionApp(twilio)
      await (await visitorWith(app, expiring())).get('/fresh').expect(200)
      await tokens.close()
      await until(() => messages['passport-twilio:refresh'].length === 1)
      assert.deepEqual(messages['passport-twilio:refresh'].map(withoutDuration), [{ outcome: 'refreshed' }])
    }))

  it('tell a request with an old copy of the session', () =>
    withMessages(async (messages) => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const old = { [SESSION_KEY]: storedSession(site)[SESSION_KEY] }
      await visitor.get('/fresh').expect(200)
      await visitor.put('/session').send(old).expect(200)
      await visitor.get('/fresh').expect(200)
      assert.deepEqual(messages['passport-twilio:refresh'].map(withoutDuration), [{ outcome: 'refreshed' }, { outcome: 'recorded' }])
    }))

  it('distinguish a failed refresh whose request continues with a valid token from one whose request gets 503', () =>
    withMessages(async (messages) => {
      twilio.behave = BUSY
      const { app, tokens } = sessionApp(twilio)
      await (await visitorWith(app, expiring())).get('/fresh').expect(200)
      await tokens.close()
      await (await visitorWith(app, expired())).get('/fresh').expect(503)
      const refreshes = messages['passport-twilio:refresh'].map(withoutDuration)
      assert.deepEqual(refreshes.map(({ outcome }) => outcome), ['kept', 'failed'])
      assert.ok(refreshes.every(({ error }) => error instanceof TwilioTokenError && !(error instanceof TwilioUnavailableError)))
    }))

  it('have the login that ends when Twilio refuses its refresh token', () =>
    withMessages(async (messages) => {
      twilio.behave = INVALID_GRANT
      const { app } = sessionApp(twilio)
      await (await visitorWith(app, expired())).get('/fresh').expect(401)
      assert.deepEqual(messages['passport-twilio:refresh'].map(withoutDuration), [{ outcome: 'refused' }])
      assert.deepEqual(messages['passport-twilio:logout'], [{ reason: 'refused' }])
    }))

  it('have a logout once, and none where nobody was logged in', () =>
    withMessages(async (messages) => {
      const { app } = sessionApp(twilio)
      const visitor = await visitorWith(app)
      for (let time = 0; time < 2; time++) await visitor.post('/drop').expect(200)
      assert.deepEqual(messages['passport-twilio:logout'], [{ reason: 'dropped' }])
    }))
})

describe('the diagnostics channels', () => {
  it('publish in the async context of the request, also for a refresh in the background', () =>
    withSandbox({ accessTokenTTL: 30 }, async (sandbox) => {
      const requestIDs = new AsyncLocalStorage<string>()
      const seen: [unknown, string | undefined][] = []
      const listener = (_message: unknown, name: string | symbol) => void seen.push([name, requestIDs.getStore()])
      for (const name of CHANNELS) subscribe(name, listener)
      try {
        let lastID = 0
        const { app, tokens } = loginApp(sandbox, { before: [(_req, _res, next) => requestIDs.run(String(++lastID), next)], tokens: { leeway: 60_000 } })
        const visitor = new Visitor(app, sandbox)
        await visitor.logIn()
        await visitor.get('/account').expect(200)
        await tokens.close()
        await until(() => seen.length === 5)
        assert.deepEqual(seen, [
          ['passport-twilio:login', '1'],
          ['passport-twilio:token', '2'],
          ['passport-twilio:login', '2'],
          ['passport-twilio:token', '3'],
          ['passport-twilio:refresh', '3']
        ])
      } finally {
        for (const name of CHANNELS) unsubscribe(name, listener)
      }
    }))

  it('publish no secret, code or token', () =>
    withSandbox({ accessTokenTTL: 0.05 }, async (sandbox) => {
      await withMessages(async (messages) => {
        const { app } = loginApp(sandbox)
        const visitor = new Visitor(app, sandbox)
        const callback = await visitor.approve(await visitor.begin())
        await visitor.get(callback).expect(302)
        const account = await visitor.get('/account').expect(200)
        await visitor.get(callback).expect(403)
        const text = inspect(messages, { depth: null, showHidden: true })
        const { accessToken, refreshToken } = account.body as { accessToken: string; refreshToken: string }
        const [code, state] = ['code', 'state'].map((name) => new URL(callback, 'http://app').searchParams.get(name) ?? '')
        for (const secret of [sandbox.clientSecret, accessToken, refreshToken, code, state]) {
          assert.ok(secret)
          assert.ok(!text.includes(secret))
        }
      })
    }))
})
