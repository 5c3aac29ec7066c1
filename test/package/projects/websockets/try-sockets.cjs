// Starts a sandbox and an app, and logs in to the app's sockets: node try-sockets.cjs ws.js
'use strict'
const assert = require('node:assert/strict')
const { once } = require('node:events')
const { resolve } = require('node:path')
const { pathToFileURL } = require('node:url')
const socketIO = require('socket.io-client')
const { WebSocket } = require('ws')
const { listening, prepareApp, run } = require('./app.cjs')
const { Browser } = require('./log-in.cjs')

/** Connects a client. Resolves to a function that asks the app about the tokens, and rejects once the connection is closed. */
const CLIENTS = {
  'ws.js': async (url, headers) => {
    const socket = new WebSocket(url.replace('http', 'ws'), { headers })
    await once(socket, 'open')
    return async () => {
      const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed')))
      socket.send('account')
      const [data] = await Promise.race([once(socket, 'message'), closed])
      closed.catch(() => undefined)
      return JSON.parse(data.toString())
    }
  },
  'socket.io.js': async (url, headers) => {
    const socket = socketIO.io(url, { extraHeaders: headers, reconnection: false, autoConnect: false, transports: ['websocket'] })
    await new Promise((done, failed) => socket.once('connect', done).once('connect_error', failed).connect())
    return () => socket.emitWithAck('account')
  }
}

async function main(file) {
  const { appURL, sandbox, environment } = await prepareApp()
  Object.assign(process.env, environment)
  await import(pathToFileURL(resolve(file)))
  await listening(environment.PORT)
  const connect = ({ cookie }, origin = new URL(appURL).origin) => CLIENTS[file](appURL, { cookie, origin })

  const browser = new Browser(appURL)
  await assert.rejects(connect(browser), /401|Log in with Twilio first/, 'nobody should connect without a login')
  await browser.logIn(sandbox)
  await assert.rejects(connect(browser, 'https://other.example'), /403|websocket error/, 'a page of another site should not connect')
  const ask = await connect(browser)
  const first = await ask()

  await browser.request('/expire', { method: 'POST' })
  const second = await ask()
  assert.ok(second.tokenExpiresAt > first.tokenExpiresAt, 'the socket should refresh an expired token')
  assert.equal((await browser.read('/account')).expiresAt, second.tokenExpiresAt, 'a request should get the token that the socket has refreshed')

  await browser.request('/expire', { method: 'POST' })
  const { expiresAt } = await browser.read('/account')
  assert.ok(expiresAt > second.tokenExpiresAt, 'a request should refresh an expired token')
  assert.equal((await ask()).tokenExpiresAt, expiresAt, 'the socket should get the token that a request has refreshed')
  assert.equal(sandbox.counts.refreshes, 2)

  await browser.request('/logout', { method: 'POST' })
  await assert.rejects(ask(), /closed|disconnected/, 'the logout should end the connection')
  await assert.rejects(connect(browser), /401|Log in with Twilio first/)
}

run(() => main(process.argv[2]))
