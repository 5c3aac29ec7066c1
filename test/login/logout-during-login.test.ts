import assert from 'node:assert/strict'
import type { RequestHandler } from 'express'
import session, { type SessionData } from 'express-session'
import request from 'supertest'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { gate, until } from '../support/gate'
import { loginApp, sessionsIn, Visitor, type LoginApp, type LoginAppOptions } from '../support/login-app'

/** How the second login of a session goes on once the person has logged out. */
const ENDS = {
  succeeds: () => Promise.resolve(false),
  fails: () => Promise.reject(new Error('The database is down.'))
}

type Kind = keyof typeof KINDS

/** Passport's options at the callback. `passport.authorize()` sets `assignProperty`. */
const KINDS = {
  'a login': {},
  'the link to an account': { assignProperty: 'account' }
}

const passwordLogin: RequestHandler = (req, res, next) => {
  if (req.path !== '/password') {
    next()
    return
  }
  Object.assign(req.session, { passport: { user: { id: 'of the app' } } })
  res.sendStatus(204)
}

describe('a logout while a person who is logged in logs in again in another tab', () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await startSandbox({ accountLogins: true })
  })
  after(() => sandbox.stop())

  interface Held extends LoginApp {
    /** The session cookie of the first login. */
    readonly cookie: string
    readonly visitor: Visitor
    /** Lets the second login's callback go on, and resolves to its status. */
    readonly goOn: () => Promise<number>
  }

  /** A person is logged in, and the callback of their second login, or of the link to an account, waits for the app. */
  async function held(kind: Kind, end: () => Promise<boolean>): Promise<Held> {
    const holding = gate()
    let isHeld = false
    let isSecond = false
    const skipUserProfile = async () => {
      if (!isSecond) return false
      isHeld = true
      await holding.opened
      return end()
    }
    const store = new session.MemoryStore()
    const sessions = [session({ secret: 'of the tests', resave: false, saveUninitialized: false, store }), passwordLogin]
    const site = loginApp(sandbox, { sessions, strategy: { skipUserProfile }, callback: KINDS[kind] })
    const visitor = new Visitor(site.app, sandbox)
    const cookie = cookieIn(kind === 'a login' ? await visitor.logIn() : await visitor.agent.post('/password').expect(204))
    isSecond = true
    const path = await visitor.approve(await visitor.begin())
    const finishing = request(site.app).get(path).set('Cookie', cookie).then(({ status }) => status)
    await until(() => isHeld)
    const goOn = () => {
      holding.open()
      return finishing
    }
    return { ...site, store, cookie, visitor, goOn }
  }

  for (const [outcome, end] of Object.entries(ENDS)) {
    for (const kind of ['a login', 'the link to an account'] as const) {
      it(`is final if ${kind} then ${outcome}: the old cookie logs nobody in, and no tokens are left (SEC-40)`, async () => {
        const { app, store, cookie, visitor, errors, goOn } = await held(kind, end)
        await visitor.agent.post('/logout').expect(204)
        assert.equal(await goOn(), outcome === 'fails' ? 500 : 403)
        assert.deepEqual(errors.map(({ name }) => name), [outcome === 'fails' ? 'Error' : 'LoginStateError'])
        if (outcome === 'succeeds') assert.match(errors[0]?.message ?? '', /the session has changed since.* Start the login again\.$/)
        await account(app, cookie).expect(302)
        await visitor.get('/account').expect(302)
        assert.doesNotMatch(sessionsIn(store).join(), /accessToken|"user"/)
      })
    }
  }

  it('keeps what is left in the session, if it ends the login only', async () => {
    const { app, store, cookie, goOn } = await held('the link to an account', ENDS.succeeds)
    const [id = ''] = Object.keys((store as unknown as { sessions: object }).sessions)
    await new Promise((resolve) => store.set(id, { cookie: { originalMaxAge: null }, cart: 'full' } as unknown as SessionData, resolve))
    assert.equal(await goOn(), 403)
    await account(app, cookie).expect(302)
    assert.match(sessionsIn(store).join(), /"cart":"full"/)
  })

  it('that cannot be looked for, because the session store fails, fails the login with the error of the store, and logs nobody out', async () => {
    const { app, store, cookie, errors, goOn } = await held('the link to an account', ENDS.succeeds)
    const restore = breakReads(store)
    assert.equal(await goOn(), 500)
    assert.deepEqual(errors.map(({ message }) => message), ['The store is down.'])
    restore()
    await request(app).get('/session').set('Cookie', cookie).expect(/of the app/)
  })

  it('that cannot be looked for does not hide why the login failed', async () => {
    const { store, errors, goOn } = await held('the link to an account', ENDS.fails)
    breakReads(store)
    assert.equal(await goOn(), 500)
    assert.deepEqual(errors.map(({ message }) => message), ['The database is down.'])
  })

  describe('is final while the second login begins, so the session it saves has no user,', () => {
    const failure = new Error('It is down.')
    const verify = () => undefined

    /** What the second login waits for, and the status of its response. */
    const beginnings: Readonly<Record<string, { readonly status: number; readonly setUp: (wait: () => Promise<void>) => LoginAppOptions; readonly slowDown?: (site: LoginApp, wait: () => Promise<void>) => void }>> = {
      'if Twilio is slow (resolveAuthorizeURL)': {
        status: 302,
        setUp: () => ({ strategy: { resolveAuthorizeURL: true } }),
        slowDown({ strategy: { client } }, wait) {
          const resolve = client.resolveAuthorization.bind(client)
          client.resolveAuthorization = async (parameters) => {
            await wait()
            return resolve(parameters)
          }
        }
      },
      'if Twilio is slow and then fails (resolveAuthorizeURL)': {
        status: 500,
        setUp: () => ({ strategy: { resolveAuthorizeURL: true } }),
        slowDown({ strategy: { client } }, wait) {
          client.resolveAuthorization = async () => {
            await wait()
            throw failure
          }
        }
      },
      'if the session store is slow and then fails': {
        status: 503,
        setUp: () => ({}),
        slowDown({ store }, wait) {
          const set = store.set.bind(store)
          store.set = (_id, _data, done) => {
            store.set = set
            void wait().then(() => done?.(failure))
          }
        }
      },
      "if the app's state store is slow": {
        status: 403,
        setUp: (wait) => ({ strategy: { store: { store: (_req: unknown) => wait().then(() => 'a state'), verify } } })
      },
      "if the app's state store is slow and then fails": {
        status: 500,
        setUp: (wait) => ({ strategy: { store: { store: (_req: unknown) => wait().then(() => Promise.reject(failure)), verify } } })
      }
    }
    /** So that the session changes when the login begins. */
    const requestPage: RequestHandler = (req, _res, next) => {
      if (req.path === '/auth/twilio') Object.assign(req.session, { returnTo: '/cart' })
      next()
    }

    for (const [what, { status, setUp, slowDown }] of Object.entries(beginnings)) {
      it(what, async () => {
        const holding = gate()
        let isHeld = false
        const wait = () => {
          isHeld = true
          return holding.opened
        }
        const store = new session.MemoryStore()
        const sessions = [session({ secret: 'of the tests', resave: false, saveUninitialized: false, store }), passwordLogin, requestPage]
        const site = { ...loginApp(sandbox, { ...setUp(wait), sessions }), store }
        const visitor = new Visitor(site.app, sandbox)
        const cookie = cookieIn(await visitor.agent.post('/password').expect(204))
        slowDown?.(site, wait)
        const beginning = request(site.app).get('/auth/twilio').set('Cookie', cookie).then((response) => response.status)
        await until(() => isHeld)
        await visitor.agent.post('/logout').expect(204)
        holding.open()
        assert.equal(await beginning, status)
        assert.doesNotMatch(sessionsIn(store).join(), /"user"/)
      })
    }
  })

  describe('that does not happen', () => {
    it('leaves the login as it is', async () => {
      const { app, cookie, errors, goOn } = await held('a login', ENDS.succeeds)
      assert.equal(await goOn(), 302)
      assert.deepEqual(errors, [])
      await account(app, cookie).expect(302)
    })

    it('leaves the link to an account as it is', async () => {
      const { app, cookie, errors, goOn } = await held('the link to an account', ENDS.succeeds)
      assert.equal(await goOn(), 302)
      assert.deepEqual(errors, [])
      await account(app, cookie).expect(200)
    })

    it('costs a login no look at the session store if nobody is logged in yet', async () => {
      let isCounting = false
      let reads = 0
      const count: RequestHandler = (req, _res, next) => {
        isCounting = req.path.endsWith('/callback')
        next()
      }
      const { app, store } = loginApp(sandbox, { before: [count] })
      const get = store.get.bind(store)
      store.get = (id, done) => {
        if (isCounting) reads++
        get(id, done)
      }
      await new Visitor(app, sandbox).logIn()
      assert.equal(reads, 1, 'the session middleware')
    })
  })
})

/** @returns a function that repairs the store */
function breakReads(store: session.MemoryStore): () => void {
  const get = store.get.bind(store)
  store.get = (_id, done) => done(new Error('The store is down.'))
  return () => {
    store.get = get
  }
}

function account(app: LoginApp['app'], cookie: string): request.Test {
  return request(app).get('/account').set({ Accept: 'text/html', Cookie: cookie })
}

function cookieIn({ headers }: request.Response): string {
  const cookies = (headers as Readonly<Record<string, unknown>>)['set-cookie']
  return String(Array.isArray(cookies) ? cookies[0] : cookies).replace(/;.*/, '')
}
