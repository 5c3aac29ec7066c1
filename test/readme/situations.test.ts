import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { RedisServer } from '../support/redis'
import { compose } from './compose'
import { Newcomer, type Command } from './newcomer'
import { Page } from './page'
import { errorHandler, expire, quickStart, runApp } from './quick-start'
import type { Visitor } from './visitor'

/** The quick start with the README's error handler. */
const app = compose(quickStart, errorHandler)

describe('what a developer sees, with the quick start and its error handler,', () => {
  let newcomer: Newcomer
  let sandbox: Sandbox
  beforeEach(async () => {
    newcomer = await Newcomer.arrive()
    sandbox = await startSandbox()
  })
  afterEach(async () => {
    await newcomer.leave()
    await sandbox.stop()
  })

  const approve = (url: string) => sandbox.login(url)
  const run = (code: string, environment?: Readonly<Record<string, string>>) => runApp(newcomer, sandbox, code, environment)

  /** Waits until the log has each of the texts. */
  async function logHas(command: Command, ...texts: readonly string[]): Promise<void> {
    for (const text of texts) await command.prints(text)
  }

  /** Replaces part of the app, which must be there. */
  function changed(code: string, part: string, replacement: string): string {
    assert.ok(code.includes(part), part)
    return code.replace(part, replacement)
  }

  async function failedLogin(visitor: Visitor, status: number, text: RegExp): Promise<void> {
    const page = await visitor.tryToLogIn(approve)
    assert.equal(page.status, status)
    assert.match(page.text, text)
  }

  it('names the secure cookie over http, where every login fails', async () => {
    const { visitor, command } = await run(changed(app, "cookie: { sameSite: 'lax' }", "cookie: { sameSite: 'lax', secure: true }"))
    await failedLogin(visitor, 403, /could not be finished. Please start it again/)
    await logHas(command, 'LoginStateError: The session in which this login was started was not found. The session cookie is secure', "set app.set('trust proxy', 1)", "likelyCause: 'secure_cookie'", 'docs/errors.md#loginstateerror')
  })

  it('names blocked cookies', async () => {
    const { url, visitor, command } = await run(app)
    const { location } = await visitor.request('/auth/twilio')
    const callback = new URL(await approve(location))
    const { status } = await fetch(new URL(callback.pathname + callback.search, url), { redirect: 'manual' })
    assert.equal(status, 403)
    await logHas(command, 'the browser blocks cookies', "likelyCause: 'no_cookie'")
  })

  it('names a wrong client secret at the login', async () => {
    const { visitor, command } = await run(app, { TWILIO_CLIENT_SECRET: 'of another app' })
    await failedLogin(visitor, 502, /Something went wrong/)
    await logHas(command, 'invalid_client', 'Check clientID and clientSecret against the OAuth app in the Twilio Console.')
    assert.ok(!command.output.includes('of another app'))
  })

  it('names a client secret that was rotated, while people whose tokens expire get 503 and stay logged in', async () => {
    const { visitor, command } = await run(compose(app, expire))
    await visitor.logIn(approve)
    await visitor.request('/expire', { method: 'POST' })
    sandbox.rotateSecret(sandbox.clientID)
    assert.equal((await visitor.request('/account')).status, 503)
    await logHas(command, '[WARN_TWILIO_REFRESH_REFUSED] PassportTwilioWarning: Twilio refuses to refresh tokens: ', 'Check clientID and clientSecret', 'TwilioUnavailableError', 'docs/errors.md#twiliounavailableerror')
    assert.match((await visitor.request('/')).text, /Log out/)
  })

  for (const { off, hours, explanation } of [
    { off: 'two hours fast', hours: 2, explanation: 'it has expired (exp); if it is new, ' },
    { off: 'two hours slow', hours: -2, explanation: 'it was issued in the future (iat); ' }
  ]) {
    describe(`on a machine whose clock is ${off},`, () => {
      const withWrongClock = (code: string) => `const { now } = Date\nDate.now = () => now() + ${hours} * 3_600_000\n${code}`

      it('names the clock if an ID token is checked (scope openid)', async () => {
        const { visitor, command } = await run(withWrongClock(changed(app, 'baseURL: TWILIO_BASE_URL', "scope: 'openid offline_access', baseURL: TWILIO_BASE_URL")))
        await failedLogin(visitor, 502, /Something went wrong/)
        await logHas(command, `${explanation}check this machine's clock, and synchronize it (NTP)`, 'ERR_TWILIO_ID_TOKEN', 'docs/errors.md#twilioidtokenerror')
      })

      it('logs people in, and refreshes their tokens, without an ID token', async () => {
        const { visitor, command } = await run(withWrongClock(compose(app, expire)))
        await visitor.logIn(approve)
        assert.equal((await visitor.request('/account')).status, 200)
        await visitor.request('/expire', { method: 'POST' })
        assert.equal((await visitor.request('/account')).status, 200)
        assert.equal(sandbox.counts.refreshes, 1)
        assert.doesNotMatch(command.output, /Error|Warning/)
      })
    })
  }

  describe('without a session where one is needed,', () => {
    const sessions = "app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))\n"
    const passportSession = 'app.use(passport.session())\n'
    const withoutSessions = changed(app, sessions, '')

    it("is Passport's own error, which docs/errors.md explains, if Passport comes before the session", async () => {
      const { visitor, command } = await run(changed(withoutSessions, passportSession, passportSession + sessions))
      assert.equal((await visitor.request('/auth/twilio')).status, 500)
      const message = 'Login sessions require session support. Did you forget to use `express-session` middleware?'
      await logHas(command, message)
      assert.ok(readFileSync('docs/errors.md', 'utf8').includes(`| ${message} | `), message)
    })

    it('names the session middleware that is missing before the login', async () => {
      const { visitor, command } = await run(changed(withoutSessions, passportSession, ''))
      assert.equal((await visitor.request('/auth/twilio')).status, 500)
      await logHas(command, 'There is no req.session. Add session middleware before this route', 'ERR_TWILIO_SETUP', 'docs/errors.md#mistakes-in-the-app')
    })

    it('names the session middleware that is missing before requireLogin()', async () => {
      const { visitor, command } = await run(changed(withoutSessions, passportSession, ''))
      assert.equal((await visitor.request('/account')).status, 500)
      await logHas(command, 'requireLogin() found no session. Put the session middleware', 'ERR_TWILIO_SETUP', 'docs/errors.md#mistakes-in-the-app')
    })

    it('names the session middleware that is missing before tokens.keep()', async () => {
      const route = "app.get('/keep', (req, _res, next) => { req.authInfo = { tokens: { accessToken: 'x', tokenType: 'Bearer', claims: {} } }; req.user = {}; next() }, tokens.keep())"
      const { visitor, command } = await run(compose(changed(withoutSessions, passportSession, ''), route))
      assert.equal((await visitor.request('/keep')).status, 500)
      await logHas(command, 'There is no req.session. Add session middleware before this route', 'ERR_TWILIO_SETUP')
    })
  })

  it('names the missing passport.session()', async () => {
    const { visitor, command } = await run(changed(app, 'app.use(passport.session())\n', ''))
    await visitor.logIn(approve)
    assert.equal((await visitor.request('/account')).status, 500)
    await logHas(command, "Put passport.session() (or passport.authenticate('session')) before it.")
  })

  for (const { mistake, part, message } of [
    { mistake: 'the strategy is not registered', part: 'passport.use(strategy)\n', message: 'Unknown authentication strategy "twilio"' },
    { mistake: 'only tokens.serializer() serializes users', part: 'passport.serializeUser((user, done) => done(null, user))\n', message: 'Failed to serialize user into session' },
    { mistake: 'nothing deserializes users', part: 'passport.deserializeUser((user, done) => done(null, user))\n', message: 'Failed to deserialize user out of session' }
  ]) {
    it(`is Passport's own error, which docs/errors.md explains, if ${mistake}`, async () => {
      const { visitor, command } = await run(changed(app, part, ''))
      if (mistake.startsWith('the strategy')) await visitor.request('/auth/twilio')
      else await visitor.tryToLogIn(approve)
      await visitor.request('/account')
      await logHas(command, `Error: ${message}`)
      assert.ok(readFileSync('docs/errors.md', 'utf8').includes(`\n| ${message} | `), message)
    })
  }

  it('names session: false, with which nobody stays logged in', async () => {
    const { visitor, command } = await run(changed(app, "{ failureRedirect: '/?login=denied' }", "{ session: false, failureRedirect: '/?login=denied' }"))
    await failedLogin(visitor, 500, /Something went wrong/)
    await logHas(command, 'Leave out session: false at passport.authenticate(), if it is there.')
  })

  it('names an option that is misspelled', async () => {
    await assert.rejects(
      run(changed(app, 'clientID: TWILIO_CLIENT_ID', 'clientId: TWILIO_CLIENT_ID')),
      /TypeError: clientID is missing: .* Is the option misspelled, or an environment variable not set\?/
    )
  })

  it('names the missing keep(), where people are sent to Twilio again and again', async () => {
    const { visitor, command } = await run(changed(changed(app, '  tokens.keep(),\n', ''), 'passport.serializeUser(tokens.serializer())', '// '))
    await visitor.logIn(approve)
    assert.equal((await visitor.request('/account')).location, '/auth/twilio')
    await logHas(command, '[WARN_TWILIO_TOKENS_NOT_KEPT] PassportTwilioWarning: tokens.fresh() found no tokens', "Put tokens.keep() after passport.authenticate('twilio') at the callback")
  })

  it("names a redirect URI that is not registered, on the sandbox's page: what was sent, and what is registered", async () => {
    await sandbox.stop()
    sandbox = await startSandbox({ apps: [{ redirectURIs: ['https://app.example.com/callback'] }] })
    const { url, visitor } = await run(app)
    const { location } = await visitor.request('/auth/twilio')
    const page = await (await fetch(location, { headers: { accept: 'text/html' } })).text()
    assert.ok(page.includes(`It must match a registered redirect URI exactly. Sent: ${url}/auth/twilio/callback. Registered: https://app.example.com/callback`), page)
  })

  it('names Twilio that cannot be reached, with host and port', async () => {
    const { visitor, command } = await run(app)
    sandbox.failNext('token', 'reset')
    await failedLogin(visitor, 502, /Something went wrong/)
    await logHas(command, `TwilioNetworkError: ${new URL(sandbox.url).host} could not be reached, or the connection broke (ECONNRESET)`, 'ERR_TWILIO_NETWORK')
  })

  it('names Redis that is down', async function () {
    const redis = await RedisServer.start(this)
    try {
      const changes = new Page('docs/redis.md').take('Redis and several processes', 'js')
      const { visitor, command } = await run(compose(app, changes), { REDIS_URL: redis.url, TOKEN_SECRET: 'a token secret for the tests, 32 characters or more' })
      await visitor.logIn(approve)
      await redis.stop()
      await logHas(command, `ECONNREFUSED 127.0.0.1:${new URL(redis.url).port}`)
    } finally {
      await redis.remove()
    }
  })
})
