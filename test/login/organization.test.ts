import assert from 'node:assert/strict'
import type { TwilioProfile } from '../../lib'
import type { ApiVersion } from '../../lib/oauth/dialect'
import { jsonOf, loginApp, Visitor, withSandbox, type AccountPage } from '../support/login-app'

const VERSIONS: readonly ApiVersion[] = ['v1', 'v2']

describe("a login with an organization's OAuth app", () => {
  for (const apiVersion of VERSIONS) {
    it(`returns a profile that says that it identifies the organization, and is the same for everyone in it, on ${apiVersion}`, () =>
      withSandbox({}, async (sandbox) => {
        const profiles: (TwilioProfile | undefined)[] = []
        const { app, strategy } = loginApp(sandbox, { strategy: { apiVersion, lookUpAccount: true, apiBaseURL: sandbox.apiURL } })
        const load = strategy.userProfile.bind(strategy)
        strategy.userProfile = (accessToken, done) => {
          void load(accessToken, (error, profile) => {
            profiles.push(profile)
            done(error, profile)
          })
        }
        for (const as of ['Amara Okafor', 'Jonas Lindqvist']) await new Visitor(app, sandbox).logIn({ as })
        const { organizationSid: id } = sandbox
        assert.deepEqual(
          profiles.map((profile) => [profile?.id, profile?.identifies, profile?.organizationSid, profile?.displayName, profile?.accountSid]),
          Array(2).fill([id, 'organization', id, id, undefined]),
          'none of its three accounts is taken for the one of the person'
        )
      }))
  }

  it('returns a profile that identifies the person if there is an ID token', () =>
    withSandbox({}, async (sandbox) => {
      const { app } = loginApp(sandbox, { strategy: { scope: 'openid offline_access' } })
      const visitor = new Visitor(app, sandbox)
      await visitor.logIn({ as: 'Jonas Lindqvist' })
      const { user } = jsonOf<AccountPage>(await visitor.get('/account').expect(200))
      assert.equal(user.id, sandbox.people[1]?.userSid)
    }))

  it('does not come back to the app if a member tries to approve it', () =>
    withSandbox({}, async (sandbox) => {
      const { app, errors } = loginApp(sandbox)
      await assert.rejects(new Visitor(app, sandbox).logIn({ as: 'Tomás Rivera' }), /Only an owner or administrator/)
      assert.deepEqual(errors, [])
    }))

  it("fails with the reason if Twilio refuses the wrong type of app, with resolveAuthorizeURL", () =>
    withSandbox({ apps: [{ owner: 'account' }] }, async (sandbox) => {
      const { app, errors } = loginApp(sandbox, { strategy: { resolveAuthorizeURL: true } })
      assert.equal((await new Visitor(app, sandbox).get('/auth/twilio')).status, 502)
      assert.match(errors[0]?.message ?? '', /unauthorized_client: This OAuth app cannot log people in\. Logins need an organization's app/)
    }))
})
