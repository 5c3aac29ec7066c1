import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { AuthorizationError } from 'passport-oauth2'
import { LoginStateError, TwilioIdTokenError, TwilioNetworkError, TwilioResponseError, TwilioTimeoutError, TwilioTokenError, TwilioUnavailableError } from '../../lib'
import { CLIENT_ID, CLIENT_SECRET, idClaims, unsigned } from '../support/jwt'
import { loginApp, type LoginApp, type LoginAppOptions } from '../support/login-app'
import { expired, sessionApp, tokensOf } from '../support/session-app'
import { json, TwilioServer, type Behaviour } from '../support/twilio-server'
import { respondWith, validTokens, OWN_ACCESS_TOKEN, OWN_REFRESH_TOKEN, arbitraryRedirect, arbitraryResponse } from './responses'
import { checkProperty } from './check-property'
import { ask, type RawResponse } from './raw-request'
import { Troubles } from './troubles'

const ERROR_CLASSES = [AuthorizationError, LoginStateError, TwilioTokenError, TwilioResponseError, TwilioTimeoutError, TwilioNetworkError, TwilioIdTokenError, TwilioUnavailableError]
const GOOD_TOKENS = json(201, { access_token: 'a-token', refresh_token: 'another', token_type: 'Bearer', expires_in: 3600 })
const GOOD_ID_TOKEN = unsigned(idClaims())
/** ms for a whole call to Twilio. */
const TIMEOUT = 100

/** Placeholder in a generated query for the state of the visitor's own pending login. */
const OWN_STATE = 'OWN-STATE'

const NAMES = ['code', 'Code', 'state', 'State', 'error', 'Error', 'error_description', 'ErrorDescription', 'error_uri', 'ErrorUri']
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('[]', '[a]', '[__proto__][a]', '.', '[', '%5B%5D', '%00')).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'scope', '') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }) }
)
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constant(OWN_STATE) },
  { weight: 3, arbitrary: fc.constantFrom('a-code', 'access_denied', 'server_error', '', '%', '%zz', '%00', '%E0%A4', '\u0000', 'a\r\nb', 'é', 'https://evil.example/') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.nat(9000).map((length) => 'a'.repeat(length)) }
)
const pair = fc
  .tuple(name, value, fc.constantFrom((text: string) => text, encodeURIComponent, (text: string) => encodeURIComponent(encodeURIComponent(text))), fc.constantFrom('=', '=', '=', '', '=='))
  .map(([key, content, encode, equals]) => `${key}${equals}${encode(content)}`)
/** Bytes as latin1 text, without those that would end the request line. */
const query = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(pair, { maxLength: 5 }).map((pairs) => Buffer.from(pairs.join('&'))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) }
  )
  .map((bytes) => bytes.toString('latin1').replace(/[\r\n ]/g, encodeURIComponent))

describe('a strategy with arbitrary input', function () {
  // Each run has its own timeout. After a failure, fast-check takes as long as it needs to find a minimal example.
  this.timeout(0)

  const uncaught = new Troubles()
  const servers: Server[] = []
  let twilio: TwilioServer

  before(async () => {
    twilio = await TwilioServer.start()
    uncaught.watch()
  })
  after(async () => {
    uncaught.unwatch()
    for (const server of servers) server.close()
    await twilio.stop()
  })

  async function listen(app: LoginApp['app']): Promise<number> {
    const server = createServer(app)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  async function startApp(strategy: LoginAppOptions['strategy'] = {}): Promise<LoginApp & { port: number }> {
    const made = loginApp({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, url: twilio.url }, { strategy: { timeout: TIMEOUT, ...strategy } })
    return { ...made, port: await listen(made.app) }
  }

  /** Starts a login. Returns its session cookie and its state. */
  async function begin(port: number): Promise<{ cookie: string | undefined; state: string }> {
    const { cookie, location = '' } = await ask(port, Buffer.from('/auth/twilio'))
    const { searchParams } = new URL(location)
    return { cookie, state: searchParams.get('State') ?? searchParams.get('state') ?? '' }
  }

  /** Asserts that the response is an expected redirect or one of the documented errors, and that nothing was thrown uncaught. */
  async function assertRedirectOrKnownError(response: RawResponse, errors: Error[], targets: readonly string[]): Promise<void> {
    assert.deepEqual(await uncaught.take(), [])
    const [error, ...others] = errors.splice(0)
    assert.deepEqual(others, [])
    if (response.status === 302) {
      assert.equal(error, undefined)
      assert.ok(targets.some((target) => response.location === target || (target.endsWith('?') && response.location?.startsWith(target))), response.location)
      return
    }
    assert.ok(response.status >= 400 && response.status < 600, String(response.status))
    // Node's HTTP parser itself rejects invalid characters and headers over 16 KiB.
    if (error === undefined) assert.ok([400, 431].includes(response.status) && response.body === '', `${response.status} ${response.body}`)
    else assert.ok(ERROR_CLASSES.some((errorClass) => error instanceof errorClass), error.stack)
  }

  for (const apiVersion of ['v1', 'v2'] as const) {
    it(`responds to any query at the login route and the callback with a redirect or a documented error (${apiVersion})`, async () => {
      const { port, errors } = await startApp({ apiVersion })
      twilio.behave = GOOD_TOKENS
      const targets = ['/', '/denied', `${twilio.url}/${apiVersion}/authorize?`]
      await checkProperty(
        fc.asyncProperty(fc.constantFrom('/auth/twilio', '/auth/twilio/callback'), query, async (path, arbitrary) => {
          const { cookie, state } = await begin(port)
          const target = `${path}?${arbitrary.replaceAll(OWN_STATE, state)}`
          const response = await ask(port, Buffer.from(target, 'latin1'), { cookie })
          // At the login route, a successful login continues to the app's next handler, which responds with 404 here.
          const isLoggedIn = response.location === '/' || (response.status === 404 && path === '/auth/twilio')
          if (isLoggedIn) assert.ok(target.includes(state), 'nobody is logged in without the state of their own session')
          if (response.status !== 404) await assertRedirectOrKnownError(response, errors, targets)
        }),
        2
      )
    })

    it(`responds to a login with a redirect or a documented error, whatever the token endpoint returns (${apiVersion})`, async () => {
      const { port, errors } = await startApp({ apiVersion })
      await checkProperty(
        fc.asyncProperty(arbitraryResponse, async (arbitrary) => {
          const { cookie, state } = await begin(port)
          twilio.behave = respondWith(arbitrary)
          await assertRedirectOrKnownError(await ask(port, Buffer.from(`/auth/twilio/callback?code=a-code&state=${state}`), { cookie }), errors, ['/'])
        })
      )
    })
  }

  it('redirects to Twilio or reports a documented error, whatever the authorize endpoint returns to the server', async () => {
    const { port, errors } = await startApp({ resolveAuthorizeURL: true })
    await checkProperty(
      fc.asyncProperty(fc.oneof(arbitraryResponse, arbitraryRedirect), async (arbitrary) => {
        twilio.behave = respondWith(arbitrary)
        const response = await ask(port, Buffer.from('/auth/twilio'))
        const { hostname = '', origin = '' } = URL.parse(response.location ?? '') ?? {}
        if (response.status === 302) assert.ok(origin === twilio.url || hostname === 'twilio.com' || hostname.endsWith('.twilio.com'), response.location)
        await assertRedirectOrKnownError(response, errors, [response.location ?? ''])
      })
    )
  })

  it('responds to a login with a redirect or a documented error, whatever the Accounts resource and the key server return', async () => {
    const { port, errors } = await startApp({ lookUpAccount: true, apiBaseURL: twilio.url, idToken: { jwksURL: `${twilio.url}/keys` } })
    await checkProperty(
      fc.asyncProperty(arbitraryResponse, fc.boolean(), async (arbitrary, hasIdToken) => {
        const { cookie, state } = await begin(port)
        twilio.behave = tokensAnd(respondWith(arbitrary), hasIdToken)
        await assertRedirectOrKnownError(await ask(port, Buffer.from(`/auth/twilio/callback?code=a-code&state=${state}`), { cookie }), errors, ['/'])
      })
    )
  })

  it('refreshes the tokens, asks for a new login or says when to retry, whatever Twilio returns twice to a refresh; valid tokens are still used', async () => {
    const { app, errors } = sessionApp(twilio, { client: { timeout: TIMEOUT } })
    const port = await listen(app)
    let sessions = 0
    await checkProperty(
      fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: arbitraryResponse }, { weight: 1, arbitrary: validTokens }), fc.boolean(), async (arbitrary, isStillValid) => {
        const own = { accessToken: `access-${++sessions}`, refreshToken: `refresh-${sessions}` }
        const tokens = isStillValid ? tokensOf({ ...own, expiresAt: Date.now() + 30_000 }) : expired(own)
        const session = await fetch(`http://127.0.0.1:${port}/keep`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(tokens) })
        const [cookie] = session.headers.get('set-cookie')?.split(';') ?? []
        twilio.behave = respondWith({ ...arbitrary, pieces: arbitrary.pieces.map((piece) => piece.replaceAll(OWN_ACCESS_TOKEN, own.accessToken).replaceAll(OWN_REFRESH_TOKEN, own.refreshToken)) })
        for (const time of ['first', 'second']) {
          const response = await ask(port, Buffer.from('/fresh'), { cookie })
          assert.deepEqual(await uncaught.take(), [])
          const [error] = errors.splice(0)
          if (error) assert.ok(error instanceof TwilioUnavailableError, error.stack)
          assert.ok([200, 401, 503].includes(response.status), String(response.status))
          if (time === 'first' && response.status === 503) assert.equal(isStillValid, false)
        }
      })
    )
  })
})

/** Valid tokens from the token endpoint, and `other` for all other requests. */
function tokensAnd(other: Behaviour, hasIdToken: boolean): Behaviour {
  const idToken = hasIdToken ? { id_token: GOOD_ID_TOKEN } : {}
  const tokens = json(201, { access_token: 'a-token', token_type: 'Bearer', ...idToken })
  return (request, response, socket) => (request.path.endsWith('/token') ? tokens : other)(request, response, socket)
}
