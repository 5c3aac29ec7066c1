import assert from 'node:assert/strict'
import { sessionsIn } from '../support/login-app'
import { accessTokenAt, expired, expiring, legacySession, rotating, SESSION_KEY, sessionApp, startTwilio, storedSession, tokensOf, visitorWith, visitorWithSession } from '../support/session-app'

const OLD = 'an old secret of 32 characters or more'
const NEW = 'a new secret of 32 characters or more'

describe('tokens in the session with a secret', () => {
  const twilio = startTwilio()

  it('are encrypted, so that no token is in the session store', async () => {
    const site = sessionApp(twilio, { tokens: { secret: NEW } })
    const visitor = await visitorWith(site.app, { idToken: 'id-0' })
    assert.match(String(storedSession(site)[SESSION_KEY]), /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/)
    assert.doesNotMatch(sessionsIn(site.store).join(), /access-0|refresh-0|id-0/)
    const { accessToken, refreshToken, idToken } = (await visitor.get('/of')).body as Record<string, unknown>
    assert.deepEqual([accessToken, refreshToken, idToken], ['access-0', 'refresh-0', 'id-0'])
  })

  it('stay encrypted when they are refreshed', async () => {
    for (const tokens of [expired(), expiring()]) {
      twilio.requests.length = 0
      twilio.behave = rotating()
      const site = sessionApp(twilio, { tokens: { secret: NEW } })
      const visitor = await visitorWith(site.app, tokens)
      await visitor.get('/fresh').expect(200)
      await site.tokens.close()
      assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-/)
      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      assert.equal(twilio.requests.length, 1)
    }
  })

  it('are read with an older secret and left as they are until their next refresh, which encrypts them with the newest', async () => {
    const before = sessionApp(twilio, { tokens: { secret: OLD } })
    await visitorWith(before.app, tokensOf())
    const session = storedSession(before)

    const rotated = sessionApp(twilio, { tokens: { secret: [NEW, OLD] } })
    const visitor = await visitorWithSession(rotated.app, session)
    for (const path of ['/of', '/fresh']) assert.equal(await accessTokenAt(visitor.get(path)), 'access-0')
    assert.equal(storedSession(rotated)[SESSION_KEY], session[SESSION_KEY], 'reading writes nothing')
    await visitor.post('/expire').expect(200)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')

    const later = sessionApp(twilio, { tokens: { secret: NEW } })
    const returning = await visitorWithSession(later.app, storedSession(rotated))
    assert.equal(await accessTokenAt(returning.get('/of')), 'access-1')
    assert.deepEqual([...rotated.warnings, ...later.warnings], [])
  })

  it('from before there was a secret are read, and encrypted at their next refresh', async () => {
    const site = sessionApp(twilio, { tokens: { secret: NEW } })
    const visitor = await visitorWithSession(site.app, legacySession(expired()))
    assert.equal(await accessTokenAt(visitor.get('/of')), 'access-0')
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
    assert.doesNotMatch(sessionsIn(site.store).join(), /access-|refresh-/)
    assert.equal(await accessTokenAt(visitor.get('/of')), 'access-1')
  })
})
