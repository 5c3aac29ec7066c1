import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import session from 'express-session'
import type request from 'supertest'
import type { TwilioTokens } from '../../lib'
import { connectionTo, cookieOf, expired, freshFor, sessionApp, startTwilio, storedTokens, tokensOf, visitorWith } from '../support/session-app'
import { json } from '../support/twilio-server'

type Upgrade = IncomingMessage & { session?: unknown; twilioTokens?: TwilioTokens }

describe('a WebSocket', () => {
  const twilio = startTwilio()

  describe('whose upgrade request passes the session middleware', () => {
    /** Sends an upgrade request with the cookies of a visitor, and returns what the server makes of it. */
    async function upgrade(site: ReturnType<typeof sessionApp>, visitor: ReturnType<typeof request.agent>, use: (req: Upgrade) => Promise<unknown>): Promise<unknown> {
      const readSession = session({ secret: 'of the tests', resave: false, saveUninitialized: false, store: site.store })
      const server = http.createServer()
      const used = new Promise((resolve) => {
        server.on('upgrade', (req: Upgrade, socket: Duplex) => {
          // As ws and socket.io do it: an upgrade has no response.
          readSession(req as never, {} as never, () => {
            resolve(use(req))
            socket.end()
          })
        })
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const cookie = await cookieOf(visitor)
      const asking = http.request({ port: (server.address() as AddressInfo).port, headers: { Connection: 'Upgrade', Upgrade: 'websocket', Cookie: cookie } })
      asking.on('error', () => undefined).end()
      try {
        return await used
      } finally {
        asking.destroy()
        server.close()
      }
    }

    it('reads its tokens with tokens.of()', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app)
      const found = (await upgrade(site, visitor, (req) => site.tokens.of(req))) as TwilioTokens
      assert.equal(found.accessToken, 'access-0')
    })

    it('gets live tokens from tokens.fresh(), and the session has them', async () => {
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expired())
      const accessToken = await upgrade(site, visitor, (req) => new Promise((resolve) => site.tokens.fresh()(req, {} as never, (error) => resolve(error ?? req.twilioTokens?.accessToken))))
      assert.equal(accessToken, 'access-1')
      assert.equal(storedTokens(site)?.accessToken, 'access-1')
    })
  })

  it('whose person is not logged in gets an error with status 401 instead of a response', async () => {
    const site = sessionApp(twilio)
    await visitorWith(site.app)
    const connection = { ...connectionTo(site), session: {} }
    await assert.rejects(freshFor(site, connection), { status: 401, message: 'Log in with Twilio first.' })
  })

  it('whose refresh fails gets a TwilioUnavailableError with status 503', async () => {
    twilio.behave = json(503, {}, { 'Retry-After': '120' })
    const site = sessionApp(twilio)
    await visitorWith(site.app, expired())
    await assert.rejects(freshFor(site, connectionTo(site)), { name: 'TwilioUnavailableError', status: 503, retryAfter: 120 })
  })

  it('gets the tokens of later refreshes too, and learns of a logout', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, expired())
    const connection = connectionTo(site)
    assert.equal((await freshFor(site, connection))?.accessToken, 'access-1')
    await visitor.post('/expire').expect(200)
    await visitor.get('/fresh').expect(200)
    assert.equal((await freshFor(site, connection))?.accessToken, 'access-2')
    await visitor.post('/destroy').expect(200)
    await assert.rejects(freshFor(site, connection), { status: 401 })
    assert.equal(twilio.requests.length, 2)
  })

  it('does not use the tokens of another login that has taken its session over', async () => {
    const site = sessionApp(twilio)
    const visitor = await visitorWith(site.app, expired())
    const connection = connectionTo(site)
    await visitor.post('/keep').send(tokensOf({ accessToken: 'of another login' })).expect(200)
    await assert.rejects(freshFor(site, connection), { status: 401 })
  })
})
