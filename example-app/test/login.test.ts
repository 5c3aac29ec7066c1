import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from './support.ts'

describe('the login', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.stop())

  it('greets people by name', async () => {
    const visitor = await app.logIn('Jonas Lindqvist')
    await visitor.get('/').expect(200, /Hello, Jonas Lindqvist/)
  })

  it('returns people to the page that they wanted', async () => {
    const visitor = app.newVisitor()
    await visitor.get('/numbers').set('Accept', 'text/html').expect(302).expect('Location', '/auth/twilio')
    const { headers } = await visitor.get('/auth/twilio').expect(302)
    const callback = new URL(await app.sandbox.login(String(headers.location)))
    await visitor.get(callback.pathname + callback.search).expect('Location', '/numbers')
  })

  it('says so, once, if access was denied', async () => {
    const visitor = app.newVisitor()
    const { headers } = await visitor.get('/auth/twilio').expect(302)
    const callback = new URL(await app.sandbox.login(String(headers.location), { deny: true }))
    const { headers: denied } = await visitor.get(callback.pathname + callback.search).expect(302)
    await visitor.get(String(denied.location)).expect(302).expect('Location', '/')
    await visitor.get('/').expect(200, /access was not approved/)
    const { text } = await visitor.get('/').expect(200)
    assert.doesNotMatch(text, /access was not approved/)
  })

  it('ends with a logout, and not by a POST from another site', async () => {
    const visitor = await app.logIn()
    await visitor.post('/logout').set('Sec-Fetch-Site', 'cross-site').expect(403)
    await visitor.get('/account').expect(200)
    await visitor.post('/logout').set('Sec-Fetch-Site', 'same-origin').expect(303).expect('Location', '/')
    await visitor.get('/').expect(200, /You are logged out/)
    await visitor.get('/account').set('Accept', 'text/html').expect(302).expect('Location', '/auth/twilio')
  })

  it('shows a reference on an error page', async () => {
    const { text, headers } = await app.newVisitor().get('/auth/twilio/callback?code=c&state=s').expect(403)
    assert.ok(text.includes(`<code>${String(headers['x-request-id'])}</code>`))
  })
})
