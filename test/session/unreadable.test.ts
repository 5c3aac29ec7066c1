import assert from 'node:assert/strict'
import { once } from 'node:events'
import { expired, SESSION_KEY, sessionApp, startTwilio, storedSession, tokensOf, visitorWith, visitorWithSession } from '../support/session-app'

const SECRET = 'one secret of 32 characters or more'

describe('tokens in the session that cannot be read', () => {
  const twilio = startTwilio()

  /** Sealed with another secret, tampered with, or of another shape. */
  async function unreadable(): Promise<unknown[]> {
    const other = sessionApp(twilio, { tokens: { secret: 'another secret of 32 characters or more' } })
    await visitorWith(other.app, tokensOf())
    const own = sessionApp(twilio, { tokens: { secret: SECRET } })
    await visitorWith(own.app, tokensOf())
    const sealed = String(storedSession(own)[SESSION_KEY])
    const changed = `${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`
    const tokens = { accessToken: 'hunter2', tokenType: 'Bearer' }
    const wrongShapes = [{ ...tokens, login: 7 }, { ...tokens, login: 'an-id', generation: -1, receivedAt: 0 }, { ...tokens, login: 'an-id', generation: 0 }, { ...tokens, expiresAt: 'soon' }]
    return [storedSession(other)[SESSION_KEY], changed, 'hunter2', '', '....', 7, [], {}, { accessToken: 'hunter2' }, { accessToken: 'hunter2', tokenType: 7 }, ...wrongShapes]
  }

  it('are read as absent, left where they are, and reported once, without their content', async () => {
    const site = sessionApp(twilio, { tokens: { secret: SECRET } })
    for (const garbage of await unreadable()) {
      const visitor = await visitorWithSession(site.app, { [SESSION_KEY]: garbage, other: 'stays' })
      assert.equal((await visitor.get('/of').expect(200)).body, null, JSON.stringify(garbage))
      await visitor.get('/fresh').expect(401)
      const { [SESSION_KEY]: left, other } = (await visitor.get('/session')).body as Record<string, unknown>
      assert.deepEqual([left, other], [garbage, 'stays'])
    }
    assert.equal(twilio.requests.length, 0)
    assert.equal(site.warnings.length, 1)
    assert.match(site.warnings[0] ?? '', /could not be read.*log in again.*secret: \[new, old\]/)
    assert.doesNotMatch(site.warnings.join(), /hunter2/)
  })

  it('do not crash keep(), drop() or expire(), and a login replaces them', async () => {
    const site = sessionApp(twilio, { tokens: { secret: SECRET } })
    for (const garbage of await unreadable()) {
      const visitor = await visitorWithSession(site.app, { [SESSION_KEY]: garbage })
      await visitor.post('/expire').expect(200)
      await visitor.post('/keep').send(tokensOf()).expect(200)
      await visitor.get('/fresh').expect(200)
      const leaving = await visitorWithSession(site.app, { [SESSION_KEY]: garbage, other: 'stays' })
      await leaving.post('/drop').expect(200)
      assert.equal(SESSION_KEY in ((await leaving.get('/session')).body as object), false)
    }
  })

  it('include encrypted ones, where there is no secret any more', async () => {
    const sealed = sessionApp(twilio, { tokens: { secret: SECRET } })
    await visitorWith(sealed.app, tokensOf())
    const site = sessionApp(twilio)
    const visitor = await visitorWithSession(site.app, storedSession(sealed))
    assert.equal((await visitor.get('/of')).body, null)
    assert.equal(site.warnings.length, 1)
  })

  it('that appear in the stored session before a refresh, sealed with a newer secret: the refresh token is not spent, and they stay', async () => {
    const site = sessionApp(twilio, {
      tokens: { secret: SECRET },
      routes: (app) =>
        app.use('/fresh', (req, _res, next) => {
          const session = storedSession(site)
          session[SESSION_KEY] = 'sealed with a newer secret'
          site.store.set(req.sessionID, session as never, () => next())
        })
    })
    const visitor = await visitorWith(site.app, expired())
    await visitor.get('/fresh').expect(401)
    assert.equal(twilio.requests.length, 0)
    assert.equal(storedSession(site)[SESSION_KEY], 'sealed with a newer secret')
  })

  it('are reported as a warning of the process where there is no warn option', async () => {
    const { app } = sessionApp(twilio, { tokens: { warn: undefined } })
    const visitor = await visitorWithSession(app, { [SESSION_KEY]: 'garbage' })
    const warned = once(process, 'warning') as Promise<[Error]>
    await visitor.get('/of')
    const [{ name, message }] = await warned
    assert.deepEqual([name, message.includes('could not be read')], ['PassportTwilioWarning', true])
  })
})
