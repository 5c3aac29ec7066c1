import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { PERMISSIONS } from 'passport-twilio/sandbox'
import { startTestApp, type TestApp, type Visitor } from './support.ts'

describe('the account', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.stop())

  function choose(visitor: Visitor, person: string) {
    const accountSid = app.sandbox.people.find(({ name }) => name === person)?.accountSid
    return visitor.post('/accounts').type('form').send({ accountSid }).expect(303)
  }

  it('is chosen after the login, leads to the page that was wanted, and is remembered', async () => {
    const visitor = await app.logIn()
    await visitor.get('/messages').expect(303).expect('Location', '/accounts')
    await visitor.get('/accounts').expect(200, /Okafor Couriers[\s\S]*Fjord Clinic[\s\S]*Zhào Books/)
    await choose(visitor, 'Jonas Lindqvist').expect('Location', '/messages')
    await visitor.get('/messages').expect(200, /You are now working in Fjord Clinic/)
    await visitor.get('/account').expect(200, /Fjord Clinic/)
  })

  it('can be switched, and then shows the messages of the other account', async () => {
    const visitor = await app.logInToAccount()
    await visitor.post('/messages').type('form').send({ from: '+12025550110', to: '+12025550177', body: 'Only of the couriers.' }).expect(303)
    await visitor.get('/messages').expect(200, /Only of the couriers/)
    await choose(visitor, 'Mei-Lin Zhào').expect('Location', '/numbers')
    const { text } = await visitor.get('/messages').expect(200)
    assert.doesNotMatch(text, /Only of the couriers/)
  })

  it('must be one that the login reaches', async () => {
    const visitor = await app.logIn()
    await visitor.post('/accounts').type('form').send({ accountSid: `AC${'0'.repeat(32)}` }).expect(303).expect('Location', '/accounts')
    await visitor.get('/accounts').expect(200, /You cannot work in this account any more/)
    await visitor.get('/numbers').expect(303).expect('Location', '/accounts')
  })

  for (const [permission, path] of [
    ['twilio/iam/accounts/list', '/accounts'],
    ['twilio/messaging/messages/list', '/messages'],
    ['twilio/numbers/incoming-phone-numbers/list', '/numbers']
  ] as const) {
    it(`pages name the permission ${permission} if it is missing, and lead to no refresh, no retry and no logout`, async () => {
      const visitor = await app.logInToAccount()
      const { refreshes } = app.sandbox.counts
      app.sandbox.setPermissions(PERMISSIONS.filter((name) => name !== permission))
      const { text } = await visitor.get(path).expect(502)
      assert.ok(text.includes(permission))
      assert.ok(!text.includes('Try again'))
      await visitor.get('/account').expect(200)
      app.sandbox.setPermissions(PERMISSIONS)
      await visitor.get(path).expect(200)
      assert.equal(app.sandbox.counts.refreshes, refreshes)
    })
  }
})
