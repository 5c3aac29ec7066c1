import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { renewableCookieSession, TwilioStrategy } from '../../lib'
import { saveBegunLogin } from '../../lib/login/save-begun-login'
import { systemClock, type Clock } from '../../lib/util/clock'
import { CLIENT_ID, CLIENT_SECRET, unsigned } from '../support/jwt'
import { CALLBACK_URL, loginApp, Visitor, type LoginApp, type LoginAppOptions } from '../support/login-app'
import { json, TwilioServer } from '../support/twilio-server'

const TOKENS = { access_token: unsigned({ sub: 'trn:us1:iam:user:US1' }), refresh_token: 'a-refresh-token', token_type: 'bearer', expires_in: 3600 }

type Done = (error?: unknown) => void

/** As node-redis has it. */
class TimeoutError extends Error {}

/** A session store whose saves a test decides about. */
class Store extends session.MemoryStore {
  readonly calls: string[] = []
  /** Takes the place of a save, if it is set. */
  instead: ((save: () => void, done: Done) => void) | undefined

  override get(id: string, done: (error: unknown, session?: session.SessionData | null) => void): void {
    this.calls.push('get')
    super.get(id, done)
  }

  override set(id: string, data: session.SessionData, done: Done = () => undefined): void {
    this.calls.push('set')
    const save = () => super.set(id, data, done)
    if (this.instead) this.instead(save, done)
    else save()
  }
}

describe('The beginning of a login', () => {
  let twilio: TwilioServer
  beforeEach(async () => {
    twilio = await TwilioServer.start(json(201, TOKENS))
  })
  afterEach(() => twilio.stop())

  const nobody = { login: () => Promise.reject(new Error('nobody logs in here')) }

  function setUp(options: LoginAppOptions = {}): LoginApp & { visitor: Visitor; saves: Store } {
    const saves = new Store()
    const app = loginApp({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, url: twilio.url }, { ...options, session: { store: saves, ...options.session } })
    return { ...app, visitor: new Visitor(app.app, nobody), saves }
  }

  function callbackOf(begun: string): string {
    const { searchParams } = new URL(begun)
    return `/auth/twilio/callback?code=c&state=${searchParams.get('State') ?? ''}`
  }

  describe('whose session cannot be saved', () => {
    const failure = new Error('the disk is full')
    const failures: Record<string, readonly [instead: Store['instead'], reason: string]> = {
      'the store fails': [(_save, done) => done(failure), 'the disk is full'],
      'the store throws': [() => { throw failure }, 'the disk is full'],
      'the store calls back twice': [(_save, done) => { done(failure); done(failure) }, 'the disk is full'],
      'the store fails with a code and no message': [(_save, done) => done(Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })), 'ECONNREFUSED'],
      'the store fails with a class and no message': [(_save, done) => done(new TimeoutError()), 'TimeoutError'],
      'the store fails with a message that contains an identifier': [(_save, done) => done(new Error('the node 4f7c21aa is down')), 'the node 4f7c21aa is down'],
      'the store fails with a text that contains an identifier': [(_save, done) => done('no node 4f7c21aa'), 'no node 4f7c21aa'],
      'the store fails with a text': [(_save, done) => done('out of\norder'), 'out of order']
    }
    for (const [what, [instead, reason]] of Object.entries(failures)) {
      it(`because ${what} is an error with status 503 that names the reason, not a redirect; the next one works`, async () => {
        const { visitor, saves, errors } = setUp()
        saves.instead = instead
        const { headers } = await visitor.get('/auth/twilio').expect(503)
        assert.equal(headers.location, undefined)
        assert.deepEqual(saves.calls, ['set'], 'express-session does not try again')
        const [error, ...others] = errors as (Error & { code?: string; status?: number })[]
        assert.deepEqual(others, [])
        assert.deepEqual([error?.code, error?.status, error?.message], ['ERR_TWILIO_SESSION_STORE', 503, `The login was not started, because the session could not be saved. Check the session store: ${reason}`])
        assert.ok(error?.cause)
        saves.instead = undefined
        await visitor.get(callbackOf(await visitor.begin())).expect(302).expect('Location', '/')
      })
    }

    it('keeps the requested page for the next login', async () => {
      const { visitor, saves } = setUp()
      await visitor.get('/account?tab=2').expect(302)
      saves.instead = (_save, done) => done(failure)
      await visitor.get('/auth/twilio').expect(503)
      saves.instead = undefined
      await visitor.get(callbackOf(await visitor.begin())).expect('Location', '/account?tab=2')
    })

    it('keeps the session of a person who is logged in', async () => {
      const { visitor, saves } = setUp()
      await visitor.get(callbackOf(await visitor.begin()))
      saves.instead = (_save, done) => done(failure)
      await visitor.get('/auth/twilio').expect(503)
      await visitor.get('/account').expect(200)
    })

    it('is an error if Twilio has already been asked for its login page', async () => {
      const { visitor, saves } = setUp({ strategy: { resolveAuthorizeURL: true } })
      twilio.behave = ({ query }, response) => void response.writeHead(302, { Location: `${twilio.url}/log-in?${query.toString()}` }).end()
      saves.instead = (_save, done) => done(failure)
      await visitor.get('/auth/twilio').expect(503)
    })
  })

  it('waits for a slow store before the redirect, also for tabs that begin logins at the same time', async () => {
    const { visitor, saves } = setUp()
    await visitor.get('/account').expect(302)
    const waiting: (() => void)[] = []
    const allWait = new Promise<void>((resolve) => {
      saves.instead = (save) => {
        if (waiting.push(save) === 3) resolve()
      }
    })
    let redirects = 0
    const tabs = [1, 2, 3].map(() => visitor.begin().finally(() => redirects++))
    await allWait
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(redirects, 0)
    saves.instead = undefined
    for (const save of waiting) save()
    const begun = await Promise.all(tabs)
    await visitor.get(callbackOf(String(begun[0]))).expect(302).expect('Location', /^\/(?:account)?$/)
  })

  for (const options of [{}, { resave: true }, { saveUninitialized: true }, { rolling: true }]) {
    it(`saves the session once, with ${JSON.stringify(options)}`, async () => {
      const { visitor, saves } = setUp({ session: { resave: false, saveUninitialized: false, ...options } })
      await visitor.begin()
      assert.deepEqual(saves.calls, ['set'])
      saves.calls.length = 0
      await visitor.begin()
      assert.deepEqual(saves.calls, ['get', 'set'])
    })
  }

  it('saves nothing for a state store of the application', async () => {
    const { visitor, saves } = setUp({ strategy: { store: { store: (_req: unknown, done: (error: unknown, state: string) => void) => done(null, 'a-state'), verify: () => undefined } } })
    await visitor.begin()
    assert.deepEqual(saves.calls, [])
  })

  describe('in another kind of session', () => {
    const sessions: Record<string, RequestHandler | RequestHandler[]> = {
      'cookie-session': [cookieSession({ name: 'session', keys: ['of the tests'] }), renewableCookieSession()],
      'one without save()': cookieSession({ name: 'session', keys: ['of the tests'] })
    }
    for (const [what, middleware] of Object.entries(sessions)) {
      it(`works with ${what}`, async () => {
        const { visitor } = setUp({ sessions: middleware })
        const { headers } = await visitor.get('/auth/twilio').expect(302)
        assert.match(String(headers['set-cookie']), /^session=/)
      })
    }

    // Like iron-session, whose session is a plain object with an async save() that writes the cookie.
    it('saves one whose save() returns a promise, before the response begins', async () => {
      const saved: unknown[] = []
      const { visitor } = setUp({
        sessions: (req, res, next) => {
          const save = () => {
            assert.ok(!res.headersSent)
            return Promise.resolve(void saved.push(Object.keys(req.session)))
          }
          Object.assign(req, { session: Object.defineProperty({}, 'save', { value: save }) })
          next()
        }
      })
      await visitor.begin()
      assert.equal(saved.length, 1)
    })

    it('is an error if the promise of its save() rejects', async () => {
      const { visitor, errors } = setUp({
        sessions: (req, _res, next) => {
          Object.assign(req, { session: { save: () => Promise.reject(new Error('The cookie is too big.')) } })
          next()
        }
      })
      await visitor.get('/auth/twilio').expect(503)
      assert.match(errors[0]?.message ?? '', /could not be saved\. .*: The cookie is too big\.$/)
    })
  })

  it('is an error after 10 seconds if the store never responds', async () => {
    let waited = 0
    const clock: Clock = { ...systemClock, sleep: (ms) => Promise.resolve(void (waited += ms)) }
    await assert.rejects(saveBegunLogin({ session: { save: () => undefined } }, clock), {
      code: 'ERR_TWILIO_SESSION_STORE',
      message: 'The login was not started, because the session could not be saved. Check the session store: The session store did not respond within 10000 ms.'
    })
    assert.equal(Math.round(waited), 10_000)
  })

  it('without a session is an error, also if req.session is null', async () => {
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL }, (_accessToken, _refreshToken, _profile, done) => done(null, false))
    for (const url of ['/auth/twilio', '/auth/twilio/callback?code=c&state=s']) {
      const req = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url, session: null })
      const error = await new Promise((resolve) => {
        const actions = { success: resolve, fail: resolve, redirect: resolve, error: resolve }
        Object.assign(Object.create(strategy) as TwilioStrategy, actions).authenticate(req as never)
      })
      assert.match(String(error), /There is no req\.session/)
    }
  })
})
