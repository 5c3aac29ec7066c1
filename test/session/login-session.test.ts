import assert from 'node:assert/strict'
import cookieSession from 'cookie-session'
import type { Request, RequestHandler } from 'express'
import { SessionTokens } from '../../lib'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { saveOnlyChanges } from '../../lib/session/save-only-changes'
import { jsonOf, loginApp, Visitor, type AccountPage, type LoginApp } from '../support/login-app'

describe('the session of a login', () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await startSandbox()
  })
  after(() => sandbox.stop())

  /** What the store is given from now on. */
  function recordSaves({ store }: LoginApp): { session: Record<string, unknown> }[] {
    const saves: { session: Record<string, unknown> }[] = []
    const set = store.set.bind(store)
    store.set = (id, session, done) => {
      saves.push({ session: JSON.parse(JSON.stringify(session)) as Record<string, unknown> })
      set(id, session, done)
    }
    return saves
  }

  for (const secret of [undefined, 'of the tests']) {
    const how = secret === undefined ? 'as they are' : 'encrypted'

    it(`is never saved with a login and without its tokens (${how}), so that no page finds one without the other`, async () => {
      const app = loginApp(sandbox, { tokens: { secret } })
      const visitor = new Visitor(app.app, sandbox)
      const callback = await visitor.approve(await visitor.begin())
      const saves = recordSaves(app)
      await visitor.get(callback).expect(302)
      assert.ok(saves.length > 0)
      for (const { session } of saves) {
        assert.deepEqual(Object.keys(session).sort(), ['cookie', 'passport', 'twilioTokens'])
        assert.equal(typeof session.twilioTokens, secret === undefined ? 'object' : 'string')
      }
      await visitor.get('/account').expect(200)
    })

    it(`has the tokens of the new login (${how}), also where keepSessionInfo keeps what was in the old one`, async () => {
      const { app } = loginApp(sandbox, { tokens: { secret }, callback: { keepSessionInfo: true } })
      const visitor = new Visitor(app, sandbox)
      await visitor.logIn()
      const first = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      await visitor.logIn({ as: 'jonas@fjordclinic.example' })
      const second = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      assert.notEqual(second.user.id, first.user.id)
      assert.notEqual(second.refreshToken, first.refreshToken)
    })
  }

  it('has tokens at the next page also where keep() had to put them there by itself', async () => {
    const app = loginApp(sandbox)
    // Another keep() of the same strategy, with a secret, has the last word on how tokens are kept.
    new SessionTokens(app.strategy, { secret: 'another' }).keep()
    const saves = recordSaves(app)
    const visitor = new Visitor(app.app, sandbox)
    await visitor.logIn()
    assert.equal(typeof saves.at(-1)?.session.twilioTokens, 'object')
    await visitor.get('/account').expect(200)
  })

  it('is saved once, and again where something has changed since, in it or in its cookie', async () => {
    for (const [change, times] of [
      [() => undefined, 1],
      [(req: Request) => Object.assign(req.session, { visits: 1 }), 2],
      [(req: Request) => (req.session.cookie.maxAge = 60_000), 2]
    ] as const) {
      const app = loginApp(sandbox, {
        afterLogin: (req, _res, next) => {
          change(req)
          next()
        }
      })
      const visitor = new Visitor(app.app, sandbox)
      const callback = await visitor.approve(await visitor.begin())
      const saves = recordSaves(app)
      await visitor.get(callback).expect(302)
      assert.equal(saves.length, times)
      await visitor.get('/account').expect(200)
    }
  })

  it('that could not be saved the first time is tried again at the end of the request', () => {
    const saves: unknown[] = []
    const troubles: unknown[] = [new Error('The store is full.'), undefined]
    const session: { save?: (done: (error?: unknown) => void) => void; id: number } = { id: 1 }
    Object.defineProperty(session, 'save', {
      value(this: unknown, done: (error?: unknown) => void) {
        saves.push(this)
        done(troubles.shift())
      },
      configurable: true
    })
    saveOnlyChanges(session)
    const errors: unknown[] = []
    for (let save = 0; save < 3; save++) session.save?.((error) => errors.push(error))
    assert.deepEqual(errors.map((error) => error instanceof Error), [true, false, false])
    assert.deepEqual(saves, [session, session])
  })

  it('that holds what JSON cannot tell is left to its store', () => {
    let saves = 0
    const session: Record<string, unknown> = { big: 1n }
    Object.defineProperty(session, 'save', {
      value(done: () => void) {
        saves++
        done()
      },
      configurable: true
    })
    saveOnlyChanges(session)
    for (let save = 0; save < 2; save++) (session.save as (done: () => void) => void)(() => undefined)
    assert.equal(saves, 2)
  })

  it('that cannot be saved is an error that the app hears of', async () => {
    const app = loginApp(sandbox)
    const visitor = new Visitor(app.app, sandbox)
    const callback = await visitor.approve(await visitor.begin())
    const set = app.store.set.bind(app.store)
    let saves = 0
    app.store.set = (id, session, done) => (saves++ === 0 ? done?.(new Error('The store is full.')) : set(id, session, done))
    await visitor.get(callback).expect(500)
    assert.deepEqual(app.errors.map(({ message }) => message), ['The store is full.'])
  })

  describe("that lives in a cookie (cookie-session), which Passport's renewal knows nothing of", () => {
    const sessions = () => cookieSession({ name: 'session', keys: ['of the tests'] })

    it('is logged in, with tokens that are refreshed', async () => {
      const { app } = loginApp(sandbox, { sessions: sessions(), tokens: { secret: 'of the tests' } })
      const visitor = new Visitor(app, sandbox)
      await visitor.logIn()
      assert.match(jsonOf<AccountPage>(await visitor.get('/account').expect(200)).refreshToken, /^refresh-/)
    })

    it('is logged out by tokens.drop() and req.logout(): the browser is given another cookie', async () => {
      const { app } = loginApp(sandbox, { sessions: sessions() })
      const visitor = new Visitor(app, sandbox)
      await visitor.logIn()
      const { headers } = await visitor.agent.post('/logout').expect(204)
      assert.match(String(headers['set-cookie']), /^session=/)
      await visitor.get('/account').expect(302)
    })

    it("keeps nothing of the session before the login, but what the app's keepSessionInfo asks for", async () => {
      const rememberLanguage: RequestHandler = (req, _res, next) => {
        Object.assign(req.session, { language: 'is' })
        next()
      }
      for (const keepSessionInfo of [false, true]) {
        const { app } = loginApp(sandbox, { sessions: sessions(), callback: { keepSessionInfo } })
        app.post('/language', rememberLanguage, (_req, res) => res.sendStatus(204))
        app.get('/session', (req, res) => res.json(req.session))
        const visitor = new Visitor(app, sandbox)
        await visitor.agent.post('/language').expect(204)
        await visitor.logIn()
        const session = jsonOf<Record<string, unknown>>(await visitor.get('/session').expect(200))
        assert.equal(session.language, keepSessionInfo ? 'is' : undefined)
        assert.ok(session.twilioTokens)
        assert.equal('regenerate' in session, false)
      }
    })
  })
})
