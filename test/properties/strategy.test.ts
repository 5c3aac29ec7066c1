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

const KINDS = [AuthorizationError, LoginStateError, TwilioTokenError, TwilioResponseError, TwilioTimeoutError, TwilioNetworkError, TwilioIdTokenError, TwilioUnavailableError]
const GOOD_TOKENS = json(201, { access_token: 'a-token', refresh_token: 'another', token_type: 'Bearer', expires_in: 3600 })
const GOOD_ID_TOKEN = unsigned(idClaims())
/** ms for a whole call to Twilio. */
const TIMEOUT = 100

/** Stands in a generated query for the one-time value of a login that waits in the visitor's session. */
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
/** Bytes, a character each; none that would end the first line of a request. */
const query = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(pair, { maxLength: 5 }).map((pairs) => Buffer.from(pairs.join('&'))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) }
  )
  .map((bytes) => bytes.toString('latin1').replace(/[\r\n ]/g, encodeURIComponent))

describe('TwilioStrategy, whatever a visitor or Twilio sends,', function () {
  // Each run has its own limit; what fails is then made as small as can be, however long that takes.
  this.timeout(0)

  const troubles = new Troubles()
  const servers: Server[] = []
  let twilio: TwilioServer

  before(async () => {
    twilio = await TwilioServer.start()
    troubles.watch()
  })
  after(async () => {
    troubles.unwatch()
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

  /** Begins a login, and gives the session that it waits in and its one-time value. */
  async function begin(port: number): Promise<{ cookie: string | undefined; state: string }> {
    const { cookie, location = '' } = await ask(port, Buffer.from('/auth/twilio'))
    const { searchParams } = new URL(location)
    return { cookie, state: searchParams.get('State') ?? searchParams.get('state') ?? '' }
  }

  /** A redirect to where logins go, or an error that has a name; and nothing that would have ended the process. */
  async function assertAnswered(answer: RawResponse, errors: Error[], targets: readonly string[]): Promise<void> {
    assert.deepEqual(await troubles.take(), [])
    const [error, ...others] = errors.splice(0)
    assert.deepEqual(others, [])
    if (answer.status === 302) {
      assert.equal(error, undefined)
      assert.ok(targets.some((target) => answer.location === target || (target.endsWith('?') && answer.location?.startsWith(target))), answer.location)
      return
    }
    assert.ok(answer.status >= 400 && answer.status < 600, String(answer.status))
    // What Node's own parser refuses: characters that no address has, and 16 KiB of them.
    if (error === undefined) assert.ok([400, 431].includes(answer.status) && answer.body === '', `${answer.status} ${answer.body}`)
    else assert.ok(KINDS.some((kind) => error instanceof kind), error.stack)
  }

  for (const apiVersion of ['v1', 'v2'] as const) {
    it(`answers any query at the login route and the callback with a redirect or a documented error (${apiVersion})`, async () => {
      const { port, errors } = await startApp({ apiVersion })
      twilio.behave = GOOD_TOKENS
      const targets = ['/', '/denied', `${twilio.url}/${apiVersion}/authorize?`]
      await checkProperty(
        fc.asyncProperty(fc.constantFrom('/auth/twilio', '/auth/twilio/callback'), query, async (path, wild) => {
          const { cookie, state } = await begin(port)
          const target = `${path}?${wild.replaceAll(OWN_STATE, state)}`
          const answer = await ask(port, Buffer.from(target, 'latin1'), { cookie })
          // Where logins begin, the app has nothing to show to somebody who is logged in.
          const isLoggedIn = answer.location === '/' || (answer.status === 404 && path === '/auth/twilio')
          if (isLoggedIn) assert.ok(target.includes(state), 'nobody is logged in without the own state')
          if (answer.status !== 404) await assertAnswered(answer, errors, targets)
        }),
        2
      )
    })

    it(`answers with a redirect or a documented error for any token response (${apiVersion})`, async () => {
      const { port, errors } = await startApp({ apiVersion })
      await checkProperty(
        fc.asyncProperty(arbitraryResponse, async (wild) => {
          const { cookie, state } = await begin(port)
          twilio.behave = respondWith(wild)
          await assertAnswered(await ask(port, Buffer.from(`/auth/twilio/callback?code=a-code&state=${state}`), { cookie }), errors, ['/'])
        })
      )
    })
  }

  it('redirects to Twilio or answers with a documented error for any response to resolveAuthorizeURL', async () => {
    const { port, errors } = await startApp({ resolveAuthorizeURL: true })
    await checkProperty(
      fc.asyncProperty(fc.oneof(arbitraryResponse, arbitraryRedirect), async (wild) => {
        twilio.behave = respondWith(wild)
        const answer = await ask(port, Buffer.from('/auth/twilio'))
        const { hostname = '', origin = '' } = URL.parse(answer.location ?? '') ?? {}
        if (answer.status === 302) assert.ok(origin === twilio.url || hostname === 'twilio.com' || hostname.endsWith('.twilio.com'), answer.location)
        await assertAnswered(answer, errors, [answer.location ?? ''])
      })
    )
  })

  it('answers with a redirect or a documented error for any response of the Accounts resource and the JWKS URL', async () => {
    const { port, errors } = await startApp({ lookUpAccount: true, apiBaseURL: twilio.url, idToken: { jwksURL: `${twilio.url}/keys` } })
    await checkProperty(
      fc.asyncProperty(arbitraryResponse, fc.boolean(), async (wild, hasIdToken) => {
        const { cookie, state } = await begin(port)
        twilio.behave = tokensAnd(respondWith(wild), hasIdToken)
        await assertAnswered(await ask(port, Buffer.from(`/auth/twilio/callback?code=a-code&state=${state}`), { cookie }), errors, ['/'])
      })
    )
  })

  it('answers with tokens, 401 or 503 for any response to a refresh, and uses tokens that have not expired', async () => {
    const { app, errors } = sessionApp(twilio, { client: { timeout: TIMEOUT } })
    const port = await listen(app)
    let sessions = 0
    await checkProperty(
      fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: arbitraryResponse }, { weight: 1, arbitrary: validTokens }), fc.boolean(), async (wild, isAlive) => {
        const own = { accessToken: `access-${++sessions}`, refreshToken: `refresh-${sessions}` }
        const tokens = isAlive ? tokensOf({ ...own, expiresAt: Date.now() + 30_000 }) : expired(own)
        const session = await fetch(`http://127.0.0.1:${port}/keep`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(tokens) })
        const [cookie] = session.headers.get('set-cookie')?.split(';') ?? []
        twilio.behave = respondWith({ ...wild, pieces: wild.pieces.map((piece) => piece.replaceAll(OWN_ACCESS_TOKEN, own.accessToken).replaceAll(OWN_REFRESH_TOKEN, own.refreshToken)) })
        for (const time of ['first', 'second']) {
          const answer = await ask(port, Buffer.from('/fresh'), { cookie })
          assert.deepEqual(await troubles.take(), [])
          const [error] = errors.splice(0)
          if (error) assert.ok(error instanceof TwilioUnavailableError, error.stack)
          assert.ok([200, 401, 503].includes(answer.status), String(answer.status))
          if (time === 'first' && answer.status === 503) assert.equal(isAlive, false)
        }
      })
    )
  })
})

/** Good tokens, and something else for whatever is asked after them. */
function tokensAnd(other: Behaviour, hasIdToken: boolean): Behaviour {
  const idToken = hasIdToken ? { id_token: GOOD_ID_TOKEN } : {}
  const tokens = json(201, { access_token: 'a-token', token_type: 'Bearer', ...idToken })
  return (request, response, socket) => (request.path.endsWith('/token') ? tokens : other)(request, response, socket)
}
