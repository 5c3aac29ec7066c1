import assert from 'node:assert/strict'
import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { Socket, type AddressInfo } from 'node:net'
import express, { type Express, type RequestHandler } from 'express'
import session from 'express-session'
import request from 'supertest'
import { requireLogin } from '../../lib'
import { askToLogIn } from '../../lib/session/require-login'
import { ask } from '../properties/raw-request'

const loggedIn: RequestHandler = (req, _res, next) => {
  Object.assign(req, { isAuthenticated: () => true })
  next()
}

/** An app in which nobody is logged in, unless `before` logs somebody in. */
function guarded(...before: RequestHandler[]): Express {
  const app = express()
  app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }), ...before)
  app.get('/session', (req, res) => void res.json(req.session))
  app.use('/mounted', requireLogin({ loginPath: '/login' }))
  app.use(requireLogin({ loginPath: '/login' }))
  app.use((req, res) => void res.send(`seen ${req.originalUrl}`))
  app.use(((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as express.ErrorRequestHandler)
  return app
}

type Headers = Readonly<Record<string, string>>

function headersOf({ headers }: request.Response): Headers {
  return headers
}

async function statusFor(headers: Headers): Promise<number> {
  const { status } = await request(guarded()).get('/page').set(headers)
  return status
}

/** The status of the response, and the page that the session contains afterwards. */
async function pageAfter(method: 'get' | 'head' | 'post' | 'put' | 'delete', path: string, headers: Headers = {}): Promise<{ status: number; page: unknown }> {
  const visitor = request.agent(guarded())
  const { status } = await visitor[method](path).set({ Accept: 'text/html', ...headers })
  const { returnTo } = (await visitor.get('/session')).body as { returnTo?: unknown }
  return { status, page: returnTo }
}

/** The status of an app that serves the files of this package behind a guard. */
async function staticStatus(loginPath: string, path: string): Promise<number> {
  const app = express().use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }), requireLogin({ loginPath }), express.static('.'))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return (await ask((server.address() as AddressInfo).port, Buffer.from(path, 'latin1'))).status
  } finally {
    server.close()
  }
}

describe('requireLogin', () => {
  it('throws a TypeError without a valid loginPath', () => {
    for (const options of [undefined, null, {}, { loginPath: '' }, { loginPath: 7 }, '/login', []]) {
      assert.throws(() => requireLogin(options as never), { name: 'TypeError', message: /^loginPath is missing: it must be the path of your login route/ })
    }
  })

  it('throws a TypeError for a loginPath that no request would match', () => {
    for (const loginPath of ['login', '/login?from=guard', '/log in', '/login/../x', '//login', 'https://app.example/login', '/%6cogin']) {
      assert.throws(() => requireLogin({ loginPath }), { name: 'TypeError', message: /^loginPath must be the path of your login route.* begins with a slash/ }, loginPath)
    }
  })

  it('guards nothing but the login below a loginPath that ends with a slash', async () => {
    for (const path of ['/test', '/test/', '/test/session/require-login.test.ts']) assert.notEqual(await staticStatus('/test/', path), 302, path)
    assert.equal(await staticStatus('/test/', '/package.json'), 302)
  })

  it('passes an error to next if there is no session, which would redirect people in circles', async () => {
    const app = express().use(requireLogin({ loginPath: '/login' }))
    app.use(((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as express.ErrorRequestHandler)
    for (const path of ['/page', '/login']) assert.match((await request(app).get(path).expect(500)).text, /^requireLogin\(\) found no session\. Put the session middleware/)
  })

  describe('lets through', () => {
    it('people who are logged in with Passport', async () => {
      await request(guarded(loggedIn)).get('/page').expect(200, 'seen /page')
    })

    it('requests with a user, if there is no isAuthenticated function', async () => {
      const byUser: RequestHandler = (req, _res, next) => {
        req.user = { id: 'US1' }
        next()
      }
      await request(guarded(byUser)).get('/page').expect(200)
      const byUserToo: RequestHandler = (req, _res, next) => {
        Object.assign(req, { isAuthenticated: true, user: { id: 'US1' } })
        next()
      }
      await request(guarded(byUserToo)).get('/page').expect(200)
    })

    it('nobody else', async () => {
      const answers: [string, RequestHandler][] = [
        ['isAuthenticated returns false', (req, _res, next) => next(void Object.assign(req, { isAuthenticated: () => false, user: { id: 'US1' } }))],
        [
          'isAuthenticated returns false for a login that was read',
          (req, _res, next) => {
            Object.assign(req, { isAuthenticated: () => false })
            Object.assign(req.session, { passport: { user: 'US1' } })
            next()
          }
        ],
        ['isAuthenticated returns a promise', (req, _res, next) => next(void Object.assign(req, { isAuthenticated: () => Promise.resolve(false) }))],
        ['no user', (req, _res, next) => next(void Object.assign(req, { user: null }))],
        ['an empty passport', (req, _res, next) => next(void Object.assign(req.session, { passport: {} }))]
      ]
      for (const [why, before] of answers) assert.equal((await request(guarded(before)).get('/page')).status, 302, why)
    })

    it('the login path and its callback, if it guards the whole app', async () => {
      for (const path of ['/login', '/login?again=1', '/login/callback?code=a&state=b', '/login/callback/', '/login/v1.2/call_back~-']) await request(guarded()).get(path).expect(200)
      for (const path of ['/', '/Login', '/login2', '/?/login', '/a/login', '/?x=/login/']) assert.equal((await request(guarded()).get(path)).status, 302, path)
    })

    it('no path that begins with the login path and leads out of it (SEC-11)', async () => {
      const page = '/test/session/require-login.test.ts'
      const waysOut = ['/..', '/x/../..', '/./..', '/%2e%2e', '/.%2E', '/%2e/..', '//..', '/..//', '/x//../../..'].map((way) => `/login${way}${page}`)
      const encoded = [`/login/..%2f..${page}`, `/login/..%2ftest%2fsession%2frequire-login.test.ts`, `/login\\..${page}`, `/login/..\\${page}`, `/login/x%00/../..${page}`, '/login/..', '/login/.', '/login/../']
      const strange = ['/login//', '/login//callback', '/login/%63allback', '/login/callback;v=1', '/login/callback#/..', '//login', '/x/../login']
      for (const path of [...waysOut, ...encoded, ...strange]) assert.equal(await staticStatus('/login', path), 302, path)
    })

    it('nothing but / itself, if loginPath is /', async () => {
      assert.notEqual(await staticStatus('/', '/'), 302)
      assert.notEqual(await staticStatus('/', '/?code=a'), 302)
      for (const path of ['/package.json', '//package.json', '//', '/./package.json', '/test/../package.json', '/callback']) assert.equal(await staticStatus('/', path), 302, path)
    })
  })

  it('passes an error to next if the session contains a login that Passport has not read', async () => {
    const unread: RequestHandler = (req, _res, next) => {
      Object.assign(req.session, { passport: { user: 'US1' } })
      next()
    }
    const { status, text } = await request(guarded(unread)).get('/page')
    assert.equal(status, 500)
    assert.match(text, /^requireLogin\(\) found a login in the session that Passport has not read\. Put passport\.session\(\)/)
  })

  it('asks a person to log in who is unknown to Passport and has no session, as in an app whose Passport uses none', async () => {
    const passportWithoutSession: RequestHandler = (req, _res, next) => {
      Object.assign(req, { isAuthenticated: () => false })
      next()
    }
    const app = express().use(passportWithoutSession, requireLogin({ loginPath: '/login' }))
    const { status, headers } = await request(app).get('/page').set('Accept', 'text/html')
    assert.deepEqual([status, headers.location], [302, '/login'])
  })

  describe('redirects to the login', () => {
    const browsers: Readonly<Record<string, Headers>> = {
      'a browser that requests a page': { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
      'a browser that requests a page, with Sec-Fetch headers': { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
      'a browser that spells text/html in another way': { Accept: 'Text/HTML; Level=1' },
      'a client that accepts any text': { Accept: 'text/*' },
      'a client that accepts anything': { Accept: '*/*' },
      'a browser that accepts anything, in a frame': { Accept: '*/*', 'Sec-Fetch-Dest': 'iframe' },
      'a client that accepts HTML with a low priority': { Accept: 'application/json, text/html;q=0.1' },
      'a request with an X-Requested-With header other than XMLHttpRequest': { Accept: 'text/html', 'X-Requested-With': 'com.example.browser' }
    }
    for (const [who, headers] of Object.entries(browsers)) it(who, async () => assert.equal(await statusFor(headers), 302))

    it('a request without an Accept header', async () => {
      const { status, headers } = await request(guarded()).get('/page').unset('Accept')
      assert.deepEqual([status, headers.location], [302, '/login'])
    })
  })

  describe('answers 401 to', () => {
    const scripts: Readonly<Record<string, Headers>> = {
      'an API client': { Accept: 'application/json' },
      'an API client that accepts a JSON-based media type': { Accept: 'application/hal+json' },
      'an API client that accepts JSON first and anything else': { Accept: 'application/json, text/plain, */*' },
      'a client that excludes HTML and accepts nothing': { Accept: 'text/html;q=0' },
      'a WebSocket that is offered after another protocol': { Accept: 'text/html', Upgrade: 'h2c, WebSocket' },
      'an XMLHttpRequest': { Accept: 'text/html', 'X-Requested-With': 'XMLHttpRequest' },
      'an XMLHttpRequest whose header is in lower case': { Accept: '*/*', 'X-Requested-With': 'xmlhttprequest' },
      'a fetch() call in a page': { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' },
      'an image in a page of a browser without Sec-Fetch headers': { Accept: 'image/webp,image/png,image/svg+xml,*/*;q=0.8' },
      'a style sheet of a browser without Sec-Fetch headers': { Accept: 'text/css,*/*;q=0.1' },
      'an image in a page': { Accept: 'image/avif,image/webp,*/*;q=0.8', 'Sec-Fetch-Dest': 'image' },
      'a stylesheet': { Accept: 'text/css,*/*;q=0.1', 'Sec-Fetch-Dest': 'style' },
      'a client that excludes HTML with q=0': { Accept: 'text/html;q=0, application/xml' },
      'a client that excludes HTML with q=0.000': { Accept: 'text/html; q=0.000, application/xml' },
      'a client that accepts neither HTML nor JSON': { Accept: 'application/xml' }
    }
    for (const [who, headers] of Object.entries(scripts)) it(who, async () => assert.equal(await statusFor(headers), 401))

    it('a CORS preflight', async () => {
      const { status } = await request(guarded()).options('/page').set({ Accept: '*/*', Origin: 'https://other.example', 'Access-Control-Request-Method': 'POST' })
      assert.equal(status, 401)
    })

    it('a request without a whole response object, through an error with the status', () => {
      for (const res of [{}, { setHeader: () => undefined }, { end: () => undefined }]) {
        const errors: unknown[] = []
        askToLogIn(Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/page' }), res as object, (error) => errors.push(error))
        const [{ message, status, code } = {} as Record<string, unknown>] = errors as Record<string, unknown>[]
        assert.deepEqual([message, status, code], ['Log in with Twilio first.', 401, 'ERR_TWILIO_LOGIN_REQUIRED'])
      }
    })

    it('an API client with a message and a challenge, and stores no page', async () => {
      const visitor = request.agent(guarded())
      const response = await visitor.get('/page').set('Accept', 'application/json').expect(401)
      const headers = headersOf(response)
      assert.equal(headers['www-authenticate'], 'Bearer realm="Twilio"')
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['content-type'], 'application/json; charset=utf-8')
      assert.deepEqual(response.body, { error: 'login_required', message: 'Log in with Twilio first.', loginPath: '/login' })
      assert.equal(headers['set-cookie'], undefined)
    })
  })

  it('redirects a browser with a response that no cache may store (SEC-31)', async () => {
    const response = await request(guarded()).get('/page').set('Accept', 'text/html').expect(302)
    const headers = headersOf(response)
    assert.deepEqual([headers.location, headers['cache-control'], headers['content-length'], response.text], ['/login', 'no-store', '0', ''])
  })

  describe('stores, as the page to return to,', () => {
    it('the requested page, including the path that the guard is mounted on', async () => {
      assert.deepEqual(await pageAfter('get', '/page?a=b&c=%20d'), { status: 302, page: '/page?a=b&c=%20d' })
      assert.deepEqual(await pageAfter('head', '/page'), { status: 302, page: '/page' })
      assert.deepEqual(await pageAfter('get', '/mounted/page?a=b'), { status: 302, page: '/mounted/page?a=b' })
    })

    it('the page that a form was sent from, since the form cannot be sent again', async () => {
      const visitor = request.agent(guarded())
      for (const method of ['post', 'put', 'delete'] as const) {
        const response = await visitor[method]('/page').set({ Accept: 'text/html', Host: 'app.example', Referer: 'http://app.example/form?step=2#end' })
        assert.deepEqual([response.status, response.headers.location], [303, '/login'])
        const { body } = (await visitor.get('/session')) as { body: { returnTo?: unknown } }
        assert.equal(body.returnTo, '/form?step=2')
      }
    })

    it('no page of another origin, or that a browser could resolve to another origin', async () => {
      const Host = 'app.example'
      for (const Referer of ['http://evil.example/form', 'https://app.example/form', 'http://app.example:8080/form', 'nonsense', 'about:blank', 'http://app.example//evil.example']) {
        assert.deepEqual(await pageAfter('post', '/page', { Host, Referer }), { status: 303, page: undefined }, Referer)
      }
      assert.deepEqual(await pageAfter('post', '/page', { Host }), { status: 303, page: undefined })
      assert.deepEqual(await pageAfter('get', '//evil.example/page'), { status: 302, page: undefined })
      const forwarded = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' }
      assert.deepEqual(await pageAfter('post', '/page', { Host, ...forwarded, Referer: 'http://evil.example/form' }), { status: 303, page: undefined }, 'no proxy is trusted')
    })

    it('nothing in place of an earlier page, if it knows no better one', async () => {
      const visitor = request.agent(guarded())
      for (const step of [() => visitor.get('/page'), () => visitor.post('/page').set('Referer', 'http://evil.example/')]) {
        await step().set('Accept', 'text/html')
        const { body } = (await visitor.get('/session')) as { body: { returnTo?: unknown } }
        assert.equal(body.returnTo, '/page')
      }
    })
  })
})
