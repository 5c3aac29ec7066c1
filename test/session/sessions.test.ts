import assert from 'node:assert/strict'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import session from 'express-session'
import passport from 'passport'
import request from 'supertest'
import { requireLogin, returnTo, SessionTokens, TwilioStrategy, type Middleware, type TwilioTokens } from '../../lib'
import { CLIENT_ID, CLIENT_SECRET, unsigned } from '../support/jwt'
import { accessTokenAt, expired, legacySession, rotating, SESSION_KEY, sessionApp, startTwilio, visitorWith } from '../support/session-app'
import { inTurn, json } from '../support/twilio-server'

const PERSON = unsigned({ sub: 'trn:us1:iam:user:US1' })

/** One middleware after the other, with nothing of Express. */
function run(steps: readonly Middleware[], req: IncomingMessage, res: ServerResponse): void {
  const [step, ...rest] = steps
  step?.(req, res, (error?: unknown) => {
    if (error === undefined || error === null) {
      run(rest, req, res)
      return
    }
    const { name, message, status = 500 } = error as Error & { status?: number }
    res.statusCode = status
    res.end(JSON.stringify({ name, message }))
  })
}

const answer = (read: (req: IncomingMessage & { twilioTokens?: TwilioTokens }) => unknown): Middleware => (req, res) => void res.end(JSON.stringify(read(req) ?? null))

describe('SessionTokens', () => {
  const twilio = startTwilio()

  describe('in plain Connect, without Express', () => {
    let server: http.Server
    let routes: Readonly<Record<string, readonly Middleware[]>>
    beforeEach(async () => {
      const before = [session({ secret: 'of the tests', resave: false, saveUninitialized: false }) as unknown as Middleware]
      server = http.createServer((req, res) => run([...before, ...(routes[req.url?.split('?')[0] ?? ''] ?? [])], req, res))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    })
    afterEach(async () => {
      await new Promise((resolve) => server.close(resolve))
    })

    function connectApp(options: { baseURL?: string; authInfo?: boolean } = {}): string {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const strategy = new TwilioStrategy(
        { clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, baseURL: twilio.url, callbackURL: `${url}/auth/callback`, timeout: 1000, ...options },
        (_accessToken, _refreshToken, profile) => Promise.resolve({ id: profile?.id })
      )
      const authenticator = new passport.Passport()
      authenticator.use(strategy)
      authenticator.serializeUser((user, done) => done(null, user))
      authenticator.deserializeUser((user: Express.User, done) => done(null, user))
      const tokens = new SessionTokens(strategy)
      const readLogin = authenticator.session() as unknown as Middleware
      routes = {
        '/account': [readLogin, requireLogin({ loginPath: '/auth' }), tokens.fresh(), answer(({ twilioTokens }) => twilioTokens)],
        '/auth': [authenticator.authenticate('twilio')],
        '/auth/callback': [
          authenticator.authenticate('twilio', { authInfo: options.authInfo ?? true }),
          tokens.keep(),
          (req, res) => res.writeHead(302, { Location: returnTo(req, '/') }).end()
        ],
        '/stale': [answer((req) => Object.assign((req as unknown as { session: Record<string, object> }).session[SESSION_KEY] ?? {}, { expiresAt: Date.now() - 1000 }))],
        '/logout': [readLogin, tokens.drop(), answer(() => null)]
      }
      return url
    }

    async function logIn(visitor: ReturnType<typeof request.agent>): Promise<string> {
      const { headers } = await visitor.get('/auth').expect(302)
      const state = new URL(String(headers.location)).searchParams.get('State')
      const back = await visitor.get('/auth/callback').query({ code: 'the-code', state }).expect(302)
      return String(back.headers.location)
    }

    for (const authInfo of [true, false]) {
      it(`the requested page, the tokens, a refresh and a logout all work, with authInfo: ${authInfo}`, async () => {
        twilio.behave = inTurn(json(201, { access_token: PERSON, refresh_token: 'refresh-0', expires_in: 3600 }), rotating())
        const visitor = request.agent(connectApp({ authInfo }))
        const { headers } = await visitor.get('/account?tab=2').set('Accept', 'text/html').expect(302)
        assert.equal(headers.location, '/auth')
        assert.equal(await logIn(visitor), '/account?tab=2')
        assert.equal((JSON.parse((await visitor.get('/account').expect(200)).text) as TwilioTokens).accessToken, PERSON)
        await visitor.get('/stale').expect(200)
        assert.equal((JSON.parse((await visitor.get('/account').expect(200)).text) as TwilioTokens).accessToken, 'access-1')
        await visitor.get('/logout').expect(200)
        await visitor.get('/account').set('Accept', 'application/json').expect(401)
      })
    }

    it('a refresh that Twilio is too busy for gets 503 with Retry-After', async () => {
      twilio.behave = json(201, { access_token: PERSON, refresh_token: 'refresh-0', expires_in: 3600 })
      const visitor = request.agent(connectApp())
      await logIn(visitor)
      await visitor.get('/stale').expect(200)
      twilio.behave = json(503, {}, { 'Retry-After': '30' })
      const response = await visitor.get('/account').expect(503)
      assert.equal(response.headers['retry-after'], '30')
      assert.equal((JSON.parse(response.text) as Error).name, 'TwilioUnavailableError')
    })
  })

  it('with a session whose save() takes no callback and returns a promise, the login is saved, and a refresh is used', async () => {
    twilio.behave = rotating()
    const saved: unknown[] = []
    const session: Record<string, unknown> = {}
    Object.defineProperty(session, 'save', { value: () => Promise.resolve(saved.push({ ...session })) })
    const { app } = sessionApp(twilio, { sessions: (req, _res, next) => next(void Object.defineProperty(req, 'session', { value: session })) })
    await visitorWith(app, expired())
    assert.deepEqual(Object.keys(saved[0] ?? {}), ['passport', SESSION_KEY])
    assert.equal(await accessTokenAt(request(app).get('/fresh')), 'access-1')
    assert.equal((session[SESSION_KEY] as TwilioTokens).accessToken, 'access-1')
  })

  it('with a session whose save() returns a promise that rejects, keep() passes the error on', async () => {
    const session = Object.defineProperty({}, 'save', { value: () => Promise.reject(new Error('the disk is full')) })
    const { app, errors } = sessionApp(twilio, { sessions: (req, _res, next) => next(void Object.defineProperty(req, 'session', { value: session })) })
    await request(app).post('/keep').send(expired()).expect(500)
    assert.equal(errors[0]?.message, 'the disk is full')
  })

  it('with an object in sessionStore that is no session store, the session of the request is refreshed itself', async () => {
    twilio.behave = rotating()
    const { tokens, warnings } = sessionApp(twilio)
    const req: { session: Record<string, unknown>; sessionID: string; sessionStore: object; twilioTokens?: TwilioTokens } = { session: legacySession(expired()), sessionID: 'one', sessionStore: { get: () => undefined } }
    assert.equal(await new Promise((resolve) => tokens.fresh()(req as never, {} as never, resolve)), undefined)
    assert.equal(req.twilioTokens?.accessToken, 'access-1')
    assert.equal((req.session[SESSION_KEY] as TwilioTokens).refreshToken, 'refresh-1')
    assert.deepEqual(warnings, [])
  })
})
