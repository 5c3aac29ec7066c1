import assert from 'node:assert/strict'
import express from 'express'
import request from 'supertest'
import { SessionTokens, TwilioOAuthClient } from '../../lib'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { CLIENT_ID } from '../support/jwt'
import { accessTokenAt, expired, legacySession, sessionApp, SESSION_KEY, spentAt, startTwilio, storedSession, tokensOf, visitorWith, visitorWithSession } from '../support/session-app'
import { json } from '../support/twilio-server'

const OTHER_CLIENT_ID = `OQ${'b'.repeat(32)}`

describe('two Twilio apps in one session', () => {
  const twilio = startTwilio()

  /** An app that keeps the tokens of two clients; the second one's routes are below /other. */
  function twoClients(options: { secret?: string } = {}) {
    const client = new TwilioOAuthClient({ clientID: OTHER_CLIENT_ID, clientSecret: 'its own secret', baseURL: twilio.url })
    // The same store of records as the first one has.
    const refreshes = new MemoryRefreshes()
    const other = new SessionTokens(client, { refreshes, leeway: 60_000, ...options })
    const site = sessionApp(twilio, {
      tokens: { refreshes, ...options },
      routes: (app) => {
        app.post('/other/keep', express.json(), (req, _res, next) => next(void Object.assign(req, { authInfo: { tokens: req.body as unknown } })), other.keep(), (_req, res) => res.json(null))
        app.get('/other/fresh', other.fresh(), (req, res) => res.json(req.twilioTokens))
        app.get('/other/of', async (req, res) => res.json((await other.of(req)) ?? null))
        app.post('/other/drop', other.drop(), (_req, res) => res.json(null))
        app.post('/other/expire', async (req, res) => {
          await other.expire(req)
          res.json(null)
        })
      }
    })
    return { ...site, other }
  }

  for (const secret of [undefined, 'a secret of 32 characters or more, for both']) {
    it(`keep their tokens apart in the session, in the records and at Twilio, ${secret ? 'encrypted' : 'in the clear'}`, async () => {
      const site = twoClients(secret === undefined ? {} : { secret })
      // Alike but for the access token: even then, nothing is mixed up.
      const visitor = await visitorWith(site.app, expired())
      await visitor.post('/other/keep').send(expired({ accessToken: 'other-0' })).expect(200)
      assert.deepEqual(Object.keys(storedSession(site)).sort(), ['cookie', 'passport', SESSION_KEY, `twilioTokens:${OTHER_CLIENT_ID}`].sort())
      assert.deepEqual([await accessTokenAt(visitor.get('/of')), await accessTokenAt(visitor.get('/other/of'))], ['access-0', 'other-0'])

      assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-1')
      twilio.behave = json(201, { access_token: 'other-1', refresh_token: 'refresh-other-1', expires_in: 3600 })
      assert.equal(await accessTokenAt(visitor.get('/other/fresh')), 'other-1')
      assert.deepEqual(
        twilio.requests.map(({ form }) => form.get('ClientId')),
        [CLIENT_ID, OTHER_CLIENT_ID]
      )
      assert.deepEqual([await accessTokenAt(visitor.get('/fresh')), await accessTokenAt(visitor.get('/other/fresh'))], ['access-1', 'other-1'])
      assert.equal(twilio.requests.length, 2)
    })
  }

  it('are refreshed at the same time without losing either', async () => {
    const site = twoClients()
    const visitor = await visitorWith(site.app, expired())
    await visitor.post('/other/keep').send(expired({ accessToken: 'other-0', refreshToken: 'refresh-other' })).expect(200)
    twilio.behave = ({ form }, response, socket) => {
      const name = form.get('RefreshToken') === 'refresh-0' ? 'access-1' : 'other-1'
      json(201, { access_token: name, refresh_token: `refresh of ${name}`.replaceAll(' ', '-'), expires_in: 3600 })({ form } as never, response, socket)
    }
    const both = await Promise.all([accessTokenAt(visitor.get('/fresh')), accessTokenAt(visitor.get('/other/fresh'))])
    assert.deepEqual(both, ['access-1', 'other-1'])
    // The session itself may have either one's old tokens, as the store saves last; the records have the newest of both.
    assert.deepEqual([await accessTokenAt(visitor.get('/fresh')), await accessTokenAt(visitor.get('/other/fresh'))], both)
    assert.equal(twilio.requests.length, 2)
  })

  it('expire and drop only their own tokens', async () => {
    const site = twoClients()
    const visitor = await visitorWith(site.app)
    await visitor.post('/other/keep').send(tokensOf({ accessToken: 'other-0' })).expect(200)
    await visitor.post('/other/expire').expect(200)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
    await visitor.post('/other/drop').expect(200)
    assert.equal(await accessTokenAt(visitor.get('/fresh')), 'access-0')
    await visitor.get('/other/fresh').expect(401)
    assert.equal(twilio.requests.length, 0)
  })

  it('and tokens from before clients had keys of their own: a login of the other client replaces them', async () => {
    const site = twoClients()
    const visitor = await visitorWithSession(site.app, legacySession(tokensOf()))
    await visitor.post('/other/keep').send(tokensOf({ accessToken: 'other-0' })).expect(200)
    assert.equal('twilioTokens' in storedSession(site), false)
    assert.equal(await accessTokenAt(visitor.get('/other/fresh')), 'other-0')
  })
})

describe('two SessionTokens for one client', () => {
  const twilio = startTwilio()

  it('without options share their logins and refreshes within a process', async () => {
    // Each with the default store of records.
    const site = sessionApp(twilio, {
      tokens: { refreshes: undefined },
      routes: (app, tokens) => {
        const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: 'secret', baseURL: twilio.url })
        const second = new SessionTokens(client, { leeway: 60_000 })
        assert.notEqual(second, tokens)
        app.get('/second', second.fresh(), (req, res) => res.json(req.twilioTokens))
      }
    })
    const visitor = await visitorWith(site.app, expired())
    const pages = await Promise.all(['/fresh', '/second', '/second', '/fresh'].map((page) => accessTokenAt(visitor.get(page))))
    assert.deepEqual(new Set(pages), new Set(['access-1']))
    assert.deepEqual(spentAt(twilio), ['refresh-0'])
  })

  it('keep() of the second leaves the login that the first has kept for this request as it is', async () => {
    const site = sessionApp(twilio, {
      routes: (app, tokens) => {
        const second = new SessionTokens(new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: 'secret', baseURL: twilio.url }))
        const login = (req: express.Request, _res: unknown, next: (error?: unknown) => void) => next(void Object.assign(req, { authInfo: { tokens: tokensOf() } }))
        app.post('/both', login, tokens.keep(), (req, res, next) => {
          const { login: first } = (req.session as unknown as Record<string, { login: string }>)[SESSION_KEY] ?? {}
          second.keep()(req, res, (error?: unknown) => {
            const { login: after } = (req.session as unknown as Record<string, { login: string }>)[SESSION_KEY] ?? {}
            if (error) next(error)
            else res.json({ first, after })
          })
        })
      }
    })
    const { body } = (await request(site.app).post('/both').expect(200)) as { body: { first: string; after: string } }
    assert.ok(body.first)
    assert.equal(body.after, body.first)
  })
})
