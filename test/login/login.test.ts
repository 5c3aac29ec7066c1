import assert from 'node:assert/strict'
import request from 'supertest'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { jsonOf, loginApp, sessionsIn, Visitor, withSandbox, type AccountPage } from '../support/login-app'

describe('a login with the sandbox', () => {
  for (const apiVersion of ['v1', 'v2'] as const) {
    describe(`on Twilio's OAuth ${apiVersion}`, () => {
      let sandbox: Sandbox
      before(async () => {
        sandbox = await startSandbox({ accountLogins: true })
      })
      after(() => sandbox.stop())

      it('keeps the tokens in the session that Passport has renewed', async () => {
        const { app, store } = loginApp(sandbox, { strategy: { apiVersion } })
        const visitor = new Visitor(app, sandbox)
        const callback = await visitor.logIn({ as: 'jonas@fjordclinic.example' })
        assert.equal(callback.status, 302)
        const page = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
        assert.equal(page.user.id, sandbox.people[1]?.userSid)
        assert.match(page.refreshToken, /^refresh-/)
        assert.equal(sessionsIn(store).length, 1, 'the session of before the login is gone')
      })

      it('leads to the page that was requested before', async () => {
        const { app } = loginApp(sandbox, { strategy: { apiVersion } })
        const visitor = new Visitor(app, sandbox)
        const guard = await visitor.get('/account?tab=2').expect(302)
        assert.equal(guard.headers.location, '/auth/twilio')
        const callback = await visitor.logIn()
        assert.equal(callback.headers.location, '/account?tab=2')
        const again = await visitor.logIn()
        assert.equal(again.headers.location, '/', 'but only once')
      })

      it('works with resolveAuthorizeURL', async () => {
        const { app } = loginApp(sandbox, { strategy: { apiVersion, resolveAuthorizeURL: true } })
        const visitor = new Visitor(app, sandbox)
        const begun = await visitor.begin()
        assert.ok(begun.startsWith(`${sandbox.url}/authorize?response_type=code`), begun)
        await visitor.get(await visitor.approve(begun)).expect(302)
        await visitor.get('/account').expect(200)
      })

      it('works with resolveAuthorizeURL if Twilio sends no Location header', async () => {
        await withSandbox({ locationHeader: false }, async (silent) => {
          const { app } = loginApp(silent, { strategy: { apiVersion, resolveAuthorizeURL: true } })
          const visitor = new Visitor(app, silent)
          const begun = await visitor.begin()
          assert.ok(begun.startsWith(`${silent.url}/authorize?response_type=code`), begun)
          await visitor.get(await visitor.approve(begun)).expect(302)
          await visitor.get('/account').expect(200)
        })
      })

      it('works with an ID token whose signature is checked', async () => {
        const { app } = loginApp(sandbox, {
          strategy: { apiVersion, scope: ['openid', 'offline_access'], idToken: { issuer: sandbox.url, jwksURL: sandbox.jwksURL, required: true } }
        })
        const visitor = new Visitor(app, sandbox)
        await visitor.logIn()
        const page = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
        assert.equal(typeof page.idToken, 'string')
      })

      it('completes the profile from the account with lookUpAccount', async () => {
        const { app } = loginApp(sandbox, { strategy: { apiVersion, lookUpAccount: true, apiBaseURL: sandbox.apiURL } })
        const visitor = new Visitor(app, sandbox)
        await visitor.logIn()
        await visitor.get('/account').expect(200)
        assert.ok(sandbox.requests.some(({ path, status }) => path === '/2010-04-01/Accounts.json' && status === 200))
      })

      it('is a Passport failure and logs nobody in if the person denies it', async () => {
        const { app } = loginApp(sandbox, { strategy: { apiVersion } })
        const visitor = new Visitor(app, sandbox)
        const callback = await visitor.tryToLogIn({ deny: true })
        assert.equal(callback.headers.location, '/denied')
        await visitor.get('/account').expect(302)
      })

      it('leaves no tokens in the session store after a logout (SEC-29)', async () => {
        const { app, store } = loginApp(sandbox, { strategy: { apiVersion } })
        const visitor = new Visitor(app, sandbox)
        await visitor.logIn()
        await visitor.agent.post('/logout').expect(204)
        await visitor.get('/account').expect(302)
        assert.doesNotMatch(sessionsIn(store).join(), /accessToken/)
      })
    })
  }

  describe('in many tabs', () => {
    let sandbox: Sandbox
    before(async () => {
      sandbox = await startSandbox({ accountLogins: true })
    })
    after(() => sandbox.stop())

    it('can be finished in any of the tabs', async () => {
      for (const finishing of [0, 1, 2]) {
        const { app } = loginApp(sandbox)
        const visitor = new Visitor(app, sandbox)
        const begun = [await visitor.begin(), await visitor.begin(), await visitor.begin()]
        await visitor.get(await visitor.approve(begun[finishing] ?? '')).expect(302)
        await visitor.get('/account').expect(200)
      }
    })

    it("can be finished in any of six tabs that began at the same time and overwrote each other's session", async () => {
      const { app, errors } = loginApp(sandbox)
      for (let finishing = 0; finishing < 6; finishing++) {
        const visitor = new Visitor(app, sandbox)
        await visitor.begin()
        const begun = await Promise.all(Array.from({ length: 6 }, () => visitor.begin()))
        const callback = await visitor.get(await visitor.approve(begun[finishing] ?? ''))
        assert.equal(callback.status, 302, `tab ${finishing}: ${errors.at(-1)?.message ?? ''}`)
        await visitor.get('/account').expect(200)
      }
    })

    it('can be finished in one tab after it was denied in another', async () => {
      const { app } = loginApp(sandbox)
      const visitor = new Visitor(app, sandbox)
      const [one, other] = [await visitor.begin(), await visitor.begin()]
      await visitor.get(await visitor.approve(one, { deny: true }))
      await visitor.get(await visitor.approve(other)).expect(302)
      await visitor.get('/account').expect(200)
    })

    it("refuses the callback of another visitor, and can still be finished", async () => {
      const { app } = loginApp(sandbox)
      const [victim, attacker] = [new Visitor(app, sandbox), new Visitor(app, sandbox)]
      const begun = await victim.begin()
      const planted = await attacker.approve(await attacker.begin())
      const refused = await victim.get(planted).expect(403)
      assert.equal(jsonOf<{ name: string }>(refused).name, 'LoginStateError')
      await request(app).get(planted).expect(403)
      await victim.get(await victim.approve(begun)).expect(302)
      await victim.get('/account').expect(200)
    })

    it('succeeds once, and sends the code once, if the callback arrives twice at the same time (SEC-05)', async () => {
      const { app } = loginApp(sandbox)
      const visitor = new Visitor(app, sandbox)
      const callback = await visitor.approve(await visitor.begin())
      const reuses = sandbox.counts.reuses
      const answers = await Promise.all([visitor.get(callback), visitor.get(callback)])
      assert.deepEqual(answers.map(({ status }) => status).sort(), [302, 403])
      assert.equal(sandbox.counts.reuses, reuses)
    })
  })
})
