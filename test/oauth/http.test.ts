import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, LookupFunction, Socket } from 'node:net'
import { mock } from 'node:test'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { TwilioNetworkError, TwilioResponseError, TwilioTimeoutError } from '../../lib'
import { callHttp, endpointOf, type CallLimits, type HttpResponse, type HttpRequest } from '../../lib/oauth/http'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate'
import { until } from '../support/gate'
import { closedPort, json, raw, text, TwilioServer, type Behaviour } from '../support/twilio-server'

const LIMITS: CallLimits = { timeout: 2000, maxResponseBytes: 1000, agent: undefined }

describe('a call to Twilio', () => {
  let twilio: TwilioServer
  before(async () => {
    twilio = await TwilioServer.start()
  })
  after(() => twilio.stop())

  function call(behave: Behaviour, { request, limits }: { request?: Partial<HttpRequest>; limits?: Partial<CallLimits> } = {}): Promise<HttpResponse> {
    twilio.behave = behave
    return callHttp({ method: 'GET', endpoint: endpointOf(`${twilio.url}/x?y=1`), headers: {}, ...request }, { ...LIMITS, ...limits })
  }

  it('resolves to the status, the headers and the body', async () => {
    const response = await call(json(201, { é: 1 }, { 'X-Twilio': 'yes' }), { request: { method: 'POST', body: 'é=1', headers: { 'Content-Type': 'text/plain' } } })
    assert.deepEqual([response.status, response.headers['x-twilio'], response.body], [201, 'yes', '{"é":1}'])
    const [heard] = twilio.requests.slice(-1)
    assert.deepEqual([heard?.method, heard?.path, heard?.query.get('y'), heard?.body, heard?.headers['content-length']], ['POST', '/x', '1', 'é=1', '4'])
  })

  it('reuses the connection of the previous call', async () => {
    await call(json(200, {}))
    const connections = twilio.connections
    await call(json(200, {}))
    await call(json(200, {}))
    assert.equal(twilio.connections, connections)
  })

  it('is refused if the response switches to another protocol', async () => {
    const switching = raw('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    await assert.rejects(call(switching), (error) => error instanceof TwilioResponseError && /^The response from \S+ switches to another protocol \(101\)/.test(error.message))
  })

  describe('times out', () => {
    const limits = { timeout: 80 }
    const behaviours: Readonly<Record<string, Behaviour>> = {
      'without a response': () => undefined,
      'if the response stops after its headers': raw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'),
      'if the response stops in the middle of its body': raw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'),
      'if the response comes byte by byte': (_request, _response, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n')
        const timer = setInterval(() => socket.write('a'), 10)
        socket.once('close', () => clearInterval(timer))
      },
      'if there is no end to the interim responses': (_request, _response, socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 10)
        socket.once('close', () => clearInterval(timer))
      }
    }
    for (const [when, behave] of Object.entries(behaviours)) {
      it(when, async () => {
        await assert.rejects(call(behave, { limits }), (error) => error instanceof TwilioTimeoutError && error.message.includes('within 80 ms'))
      })
    }

    it('if the agent has no free connection', async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      const first = assert.rejects(call(() => undefined, { limits: { agent, timeout: 150 } }), TwilioTimeoutError)
      await assert.rejects(call(() => undefined, { limits: { agent, timeout: 50 } }), TwilioTimeoutError)
      await first
      agent.destroy()
    })
  })

  it('resolves to a response that arrived in time, while the process was busy until after the timeout', async () => {
    const answerAndBlock: Behaviour = (_request, response) => {
      response.end('{}', () => {
        const end = Date.now() + 100
        while (Date.now() < end);
      })
    }
    assert.equal((await call(answerAndBlock, { limits: { timeout: 80 } })).body, '{}')
  })

  describe('never sends a request whose deadline has passed while the process was busy or stopped', () => {
    const TIMEOUT = 100
    const block = () => {
      const end = Date.now() + TIMEOUT + 50
      while (Date.now() < end);
    }

    /** An agent for whose connections the process is busy when this event comes. */
    function busyAgent(agent: http.Agent, event: 'connect' | 'secureConnect'): { readonly agent: http.Agent; readonly blocked: () => number } {
      let blocked = 0
      const createConnection = agent.createConnection.bind(agent)
      agent.createConnection = (...parameters: Parameters<typeof createConnection>) =>
        createConnection(...parameters)?.once(event, () => {
          blocked++
          block()
        })
      return { agent, blocked: () => blocked }
    }

    async function assertNotSent(send: () => Promise<unknown>): Promise<void> {
      const sent = twilio.requests.length
      await assert.rejects(send(), TwilioTimeoutError)
      await call(json(200, {}), { limits: { agent: new http.Agent() } })
      assert.equal(twilio.requests.length, sent + 1)
    }

    it('over a new connection', async () => {
      const { agent, blocked } = busyAgent(new http.Agent(), 'connect')
      await assertNotSent(() => call(json(200, {}), { limits: { timeout: TIMEOUT, agent } }))
      assert.equal(blocked(), 1)
    })

    it('over a connection that was kept alive', async () => {
      const agent = new http.Agent({ keepAlive: true })
      await call(json(200, {}), { limits: { agent } })
      await assertNotSent(() => {
        const response = call(json(200, {}), { limits: { timeout: TIMEOUT, agent } })
        block()
        return response
      })
      agent.destroy()
    })

    for (const event of ['connect', 'secureConnect'] as const) {
      it(`over a new TLS connection, at its event '${event}'`, async () => {
        let received = 0
        const server = https.createServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (_request, response) => {
          received++
          response.end('{}')
        })
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        const endpoint = endpointOf(`https://localhost:${(server.address() as AddressInfo).port}/`)
        const { agent, blocked } = busyAgent(new https.Agent({ ca: CERTIFICATE }), event)
        await assert.rejects(callHttp({ method: 'POST', body: 'refresh', endpoint, headers: {} }, { ...LIMITS, timeout: TIMEOUT, agent }), TwilioTimeoutError)
        assert.equal(blocked(), 1)
        await callHttp({ method: 'POST', body: 'refresh', endpoint, headers: {} }, { ...LIMITS, agent: new https.Agent({ ca: CERTIFICATE }) })
        assert.equal(received, 1)
        server.closeAllConnections()
        server.close()
      })
    }

    it('and leaves no listeners on connections that are kept alive', async () => {
      const agent = new http.Agent({ keepAlive: true })
      const counts: number[] = []
      for (let calls = 0; calls < 3; calls++) {
        await call(json(200, {}), { limits: { agent } })
        await until(() => Object.keys(agent.freeSockets).length === 1)
        const [socket] = Object.values(agent.freeSockets).flat()
        counts.push(socket?.listenerCount('connect') ?? -1, socket?.listenerCount('secureConnect') ?? -1)
      }
      assert.deepEqual(counts, [0, 0, 0, 0, 0, 0])
      agent.destroy()
    })
  })

  it('rejects with the host, the port and the reason if the host cannot be reached', async () => {
    const port = await closedPort()
    for (const [url, message] of [
      [`http://127.0.0.1:${port}`, `^127\\.0\\.0\\.1:${port} could not be reached, or the connection broke \\(ECONNREFUSED\\)`],
      ['http://no-such-host.invalid', '^no-such-host\\.invalid:80 .*(ENOTFOUND|EAI_AGAIN)'],
      ['https://no-such-host.invalid', '^no-such-host\\.invalid:443 .*(ENOTFOUND|EAI_AGAIN)']
    ] as const) {
      const refused = call(json(200, {}), { request: { endpoint: endpointOf(url) } })
      await assert.rejects(refused, (error) => error instanceof TwilioNetworkError && new RegExp(message).test(error.message) && error.cause instanceof Error)
    }
  })

  it('rejects with the address of the proxy, too, if it is the proxy that cannot be reached', async () => {
    const port = await closedPort()
    const addresses = [{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }]
    const lookup: LookupFunction = (_host, _options, done) => done(null, addresses)
    for (const [agent, reason] of [
      [new HttpsProxyAgent(`http://user:password@127.0.0.1:${port}`), `ECONNREFUSED at 127\\.0\\.0\\.1:${port}`],
      [new HttpsProxyAgent(`http://user:password@proxy.example:${port}`, { lookup }), `ECONNREFUSED at 127\\.0\\.0\\.1:${port}`],
      [new HttpsProxyAgent('http://user:password@no-such-proxy.invalid:443'), '(ENOTFOUND|EAI_AGAIN) at no-such-proxy\\.invalid']
    ] as const) {
      const refused = call(json(200, {}), { request: { endpoint: endpointOf('https://oauth.twilio.com') }, limits: { agent } })
      await assert.rejects(refused, { name: 'TwilioNetworkError', message: new RegExp(`^oauth\\.twilio\\.com:443 could not be reached, or the connection broke \\(${reason}\\)\\. Try again\\.$`) })
    }
  })

  describe('with an agent that fails', () => {
    function callWith(error: unknown): Promise<HttpResponse> {
      class FailingAgent extends http.Agent {
        override createConnection(_options: http.ClientRequestArgs, done: (error: unknown) => void): undefined {
          setImmediate(done, error)
        }
      }
      return call(json(200, {}), { limits: { agent: new FailingAgent() } })
    }

    it("shows nothing of the agent's options, such as the proxy's password", async () => {
      const password = 'the-password-of-the-proxy'
      const proxy = { proxy: { userId: 'me', password } }
      for (const error of [
        Object.assign(new Error('Socks5 Authentication failed'), { options: proxy }),
        Object.assign(new Error('connect', { cause: proxy }), { code: 'ECONNREFUSED', errors: [Object.assign(new Error('first'), { options: proxy })] }),
        Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: `http://me:${password}@` }),
        proxy
      ]) {
        await assert.rejects(callWith(error), (thrown) => thrown instanceof TwilioNetworkError && !inspect(thrown, { depth: 10, showHidden: true }).includes(password))
      }
    })

    it('keeps what Node says of the connection', async () => {
      const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED', errno: -111, syscall: 'connect', address: '127.0.0.1', port: 1 })
      await assert.rejects(callWith(refused), ({ cause }: Error) => {
        assert.deepEqual({ ...(cause as object) }, { code: 'ECONNREFUSED', errno: -111, syscall: 'connect', address: '127.0.0.1', port: 1 })
        assert.equal((cause as Error).stack, refused.stack)
        return true
      })
    })

    it('quotes it on one line', async () => {
      await assert.rejects(callWith(new Error(`no\r\n\u001b[31mforged line ${'x'.repeat(1000)}`)), ({ message }: Error) => message.includes('(no [31mforged line xxx') && message.length < 450)
    })

    it('rejects with a TwilioNetworkError, whatever it fails with', async () => {
      for (const error of ['a string', 7, Object.freeze(new Error('frozen')), Object.assign(new Error('x'), { code: 'X', errors: [null] }), Object.assign(new Error('x'), { code: 'X', errors: [] })]) {
        await assert.rejects(callWith(error), TwilioNetworkError)
      }
    })
  })

  it('rejects with the remedy if a proxy requires authentication, and does not blame Twilio', async () => {
    const proxy = http.createServer().on('connect', (_request, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'))
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const agent = new HttpsProxyAgent(`http://user:password@127.0.0.1:${(proxy.address() as AddressInfo).port}`)
    const refused = call(json(200, {}), { request: { endpoint: endpointOf('https://oauth.twilio.com') }, limits: { agent } })
    await assert.rejects(refused, { name: 'TwilioResponseError', message: 'A proxy between this machine and oauth.twilio.com:443 requires authentication (407). Check the user name and password in the URL that its agent is given.' })
    proxy.close()
  })

  it('rejects if the connection is closed or reset before a response', async () => {
    await assert.rejects(call((_request, _response, socket) => socket.resetAndDestroy()), TwilioNetworkError)
    await assert.rejects(call((_request, _response, socket) => socket.end()), TwilioNetworkError)
  })

  it('rejects a response that is cut short', async () => {
    const truncated = ['Content-Length: 5\r\n\r\nab', 'Transfer-Encoding: chunked\r\n\r\n5\r\nab', 'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n']
    for (const half of truncated) {
      await assert.rejects(call(raw(`HTTP/1.1 200 OK\r\n${half}`, { end: true })), (error) => error instanceof TwilioResponseError && error.message.startsWith(`The response from ${new URL(twilio.url).host} was cut short`))
    }
  })

  it('rejects a response that is cut short by a reset in the same way', async () => {
    const resets = [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end(() => socket.resetAndDestroy())]
    for (const reset of resets) {
      const cutShort = call((_request, _response, socket) => {
        // A reset discards what the client hasn't read yet.
        subscribe('http.client.response.finish', function received(_message, name) {
          unsubscribe(name, received)
          reset(socket)
        })
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab')
      })
      await assert.rejects(cutShort, (error) => error instanceof TwilioResponseError && error.message.includes('was cut short'))
    }
  })

  it('accepts a response of maxResponseBytes, and none that is a byte longer', async () => {
    assert.equal((await call(text(200, 'a'.repeat(1000)))).body.length, 1000)
    const tooLong = (error: unknown) => error instanceof TwilioResponseError && error.message.includes('longer than 1000 bytes (maxResponseBytes)')
    await assert.rejects(call(text(200, 'a'.repeat(1001), { 'Content-Length': '1001' })), tooLong)
    assert.equal((await call(text(200, 'a'.repeat(1000), { 'Content-Length': '1000' }))).body.length, 1000)
    await assert.rejects(call(raw('HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n')), tooLong, 'rejected by its Content-Length alone')
    await assert.rejects(call(raw(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n${'a'.repeat(1001)}\r\n0\r\n\r\n`)), tooLong)
  })

  it('stops reading a response without an end', async () => {
    const endless: Behaviour = (_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write('a'.repeat(100)));
        response.once('drain', write)
      }
      write()
    }
    await assert.rejects(call(endless), TwilioResponseError)
  })

  it('decodes UTF-8 characters that are split between packets', async () => {
    const [first, second] = [Buffer.from([0xc3]), Buffer.from([0xa9])]
    const split: Behaviour = (_request, _response, socket) => {
      socket.setNoDelay()
      socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n'), first]))
      setTimeout(() => socket.write(second), 20)
    }
    assert.equal((await call(split)).body, 'é')
  })

  it('rejects a response that is not UTF-8', async () => {
    await assert.rejects(call(text(200, Buffer.from([0x7b, 0xff, 0x7d]))), (error) => error instanceof TwilioResponseError && error.message.includes('not valid UTF-8'))
  })

  it('reads a response that begins with a byte order mark', async () => {
    assert.equal((await call(text(200, '\ufeff{"a":1}'))).body, '{"a":1}')
  })

  it('asks for an uncompressed response, whatever custom headers say, and rejects a compressed one', async () => {
    for (const headers of [{}, { 'Accept-Encoding': 'gzip' }, { 'accept-encoding': 'gzip' }]) {
      await call(json(200, {}), { request: { headers } })
      assert.equal(twilio.requests.at(-1)?.headers['accept-encoding'], 'identity')
    }
    const compressed = /The response from 127\.0\.0\.1:\d+ is compressed \(gzip\), although the request asked for no compression \(Accept-Encoding: identity\)/
    await assert.rejects(call(text(200, gzipSync('{}'), { 'Content-Encoding': 'gzip' })), compressed)
    await assert.rejects(call(text(200, '{}', { 'Content-Encoding': 'a-token-of-the-request' })), /is compressed \(in an unknown way\)/)
    assert.equal((await call(text(200, '{}', { 'Content-Encoding': 'identity' }))).body, '{}')
  })

  it('follows no redirects', async () => {
    for (const status of [301, 302, 307]) {
      const heard = twilio.requests.length
      assert.equal((await call(text(status, '', { Location: `${twilio.url}/elsewhere` }))).status, status)
      assert.equal(twilio.requests.length, heard + 1)
    }
  })

  it('rejects with the reason of its signal when it is aborted', async () => {
    const controller = new AbortController()
    const reason = new Error('aborted by the test')
    const ended = assert.rejects(call(() => controller.abort(reason), { request: { signal: controller.signal } }), reason)
    await ended
    await assert.rejects(call(json(200, {}), { request: { signal: controller.signal } }), reason)
  })

  it('can be aborted in the middle of a response', async () => {
    const controller = new AbortController()
    const reason = new Error('aborted by the test')
    const half: Behaviour = (_request, _response, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', () => controller.abort(reason))
    }
    await assert.rejects(call(half, { request: { signal: controller.signal } }), reason)
  })

  it('leaves no timer, no signal listener and no open connection behind, however it ends', async () => {
    const ends: Behaviour[] = [json(200, {}), () => undefined, (_request, _response, socket) => socket.destroy(), text(200, 'a'.repeat(2000)), text(200, Buffer.from([0xff])), raw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', { end: true })]
    for (const [index, behave] of ends.entries()) {
      const { signal } = new AbortController()
      const agent = new http.Agent({ keepAlive: true })
      const started = mock.method(globalThis, 'setTimeout')
      const cleared = mock.method(globalThis, 'clearTimeout')
      try {
        await Promise.allSettled([call(behave, { request: { signal }, limits: { agent, timeout: 77 } })])
        const deadlines = started.mock.calls.filter(({ arguments: [, ms] }) => ms === 77).map(({ result }) => result)
        assert.equal(deadlines.length, 1)
        assert.ok(cleared.mock.calls.some(({ arguments: [timer] }) => timer === deadlines[0]), `the timer of call ${index}`)
      } finally {
        mock.restoreAll()
      }
      assert.equal(getEventListeners(signal, 'abort').length, 0, `the listener of call ${index}`)
      await until(() => Object.keys(agent.sockets).length === 0)
      agent.destroy()
    }
  })

  describe('over https', () => {
    let server: https.Server
    before(async () => {
      server = https.createServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (_request, response) => response.end('{"secure":true}'))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    })
    after(() => {
      server.closeAllConnections()
      server.close()
    })
    const request = () => ({ endpoint: endpointOf(`https://localhost:${(server.address() as AddressInfo).port}/`) })

    it('accepts a certificate of a private CA that its agent trusts', async () => {
      const agent = new https.Agent({ ca: CERTIFICATE })
      assert.equal((await call(json(200, {}), { request: request(), limits: { agent } })).body, '{"secure":true}')
    })

    it('rejects a certificate that it cannot verify', async () => {
      await assert.rejects(call(json(200, {}), { request: request() }), (error) => error instanceof TwilioNetworkError && error.message.includes('DEPTH_ZERO_SELF_SIGNED_CERT'))
    })
  })

  it('never shows the bytes of a malformed response in its error', async () => {
    const secret = 'a-token-that-nobody-may-see'
    const error = await call(raw(`HTTP/1.1 200 OK\r\nX: ${secret}\r\nbroken header ${secret}\r\n\r\n`)).then(
      () => assert.fail('it was accepted'),
      (reason: unknown) => reason
    )
    assert.ok(error instanceof TwilioNetworkError)
    const shown = inspect(error, { depth: 10, showHidden: true, maxArrayLength: Infinity })
    assert.ok(!shown.includes(secret) && !shown.includes(Buffer.from(secret).toString('hex').match(/../g)?.join(' ') ?? ''))
  })

  it('can connect to an IPv6 address', async () => {
    const server = http.createServer((_request, response) => response.end('six'))
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve))
    const { port } = server.address() as { port: number }
    assert.equal((await call(json(200, {}), { request: { endpoint: endpointOf(`http://[::1]:${port}/`) } })).body, 'six')
    server.closeAllConnections()
    server.close()
  })
})
