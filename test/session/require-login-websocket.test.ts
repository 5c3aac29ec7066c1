import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import express from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { requireLogin } from '../../lib'

type Middleware = (req: IncomingMessage, res: object, next: (error?: unknown) => void) => void

const PATHS = ['/socket', '/auth/twilio', '/auth/twilio/', '/auth/twilio/socket', '/auth/twilio?a=b']

describe('requireLogin for WebSockets', () => {
  const sessions = session({ secret: 'of the tests', resave: false, saveUninitialized: false })
  const passport = new Passport()
  passport.deserializeUser((id, done) => done(null, { id: String(id) }))
  const guard = requireLogin({ loginPath: '/auth/twilio' })

  it('refuses a WebSocket without a login on the login path too, since servers of WebSockets may ignore the path (SEC-39)', async () => {
    const run = (middleware: Middleware, req: IncomingMessage) => promisify(middleware)(req, {})
    const server = http.createServer().on('upgrade', (req: IncomingMessage, socket: Duplex) => {
      // As docs/websockets.md runs middleware: without a response object.
      run(sessions as unknown as Middleware, req)
        .then(() => run(passport.session() as Middleware, req))
        .then(() => run(guard as Middleware, req))
        .then(() => '101 Switching Protocols', (error: unknown) => `${error instanceof Error && 'status' in error ? String(error.status) : 500} Refused`)
        .then((status) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`), () => socket.destroy())
    })
    assert.deepEqual(await statusesOf(server), PATHS.map(() => 401))
  })

  it('answers 401 and stores no page to return to, if a WebSocket has a response object', async () => {
    const pages: unknown[] = []
    const app = express().use(sessions, passport.session() as Middleware, (req, res, next) => {
      res.on('finish', () => pages.push('returnTo' in req.session))
      next()
    }, guard, (_req, res) => void res.send('reached'))
    // Without an `upgrade` listener, Node handles an upgrade like any other request.
    assert.deepEqual(await statusesOf(http.createServer(app as RequestListener)), PATHS.map(() => 401))
    assert.deepEqual(pages, PATHS.map(() => false))
  })
})

/** The status of an upgrade request to each path. */
async function statusesOf(server: http.Server): Promise<number[]> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const statuses: number[] = []
  try {
    for (const path of PATHS) statuses.push(await upgradeStatus((server.address() as AddressInfo).port, path))
  } finally {
    server.close()
  }
  return statuses
}

function upgradeStatus(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = http.request({ port, path, headers: { Connection: 'Upgrade', Upgrade: 'WebSocket' } })
    asking.on('error', reject)
    asking.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(Number(response.statusCode))
    })
    asking.on('response', (response) => {
      response.resume()
      resolve(Number(response.statusCode))
    })
    asking.end()
  })
}
