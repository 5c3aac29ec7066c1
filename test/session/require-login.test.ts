import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type Express, type RequestHandler } from 'express'
import session from 'express-session'
import request from 'supertest'
import { requireLogin } from '../../lib'
import { ask } from '../properties/raw-request'

const loggedIn: RequestHandler = (req, _res, next) => {
  Object.assign(req, { isAuthenticated: () => true })
  next()
}

/** An app where nobody is logged in, unless `before` does it. */
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

/** The page that somebody would come back to. */
async function pageAfter(method: 'get' | 'head' | 'post' | 'put' | 'delete', path: string, headers: Headers = {}): Promise<{ status: number; page: unknown }> {
  const visitor = request.agent(guarded())
  const { status } = await visitor[method](path).set({ Accept: 'text/html', ...headers })
  const { returnTo } = (await visitor.get('/session')).body as { returnTo?: unknown }
  return { status, page: returnTo }
}

/** How an app answers that guards its files; this package's serve. */
async function staticStatus(loginPath: string, path: string): Promise<number> {
  const app = express().use(requireLogin({ loginPath }), express.static('.'))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return (await ask((server.address() as AddressInfo).port, Buffer.from(path, 'latin1'))).status
  } finally {
    server.close()
  }
}

describe('requireLogin', () => {
  it('says so when it is not told where people log in', () => {
    for (const options of [undefined, null, {}, { loginPath: '' }, { loginPath: 7 }, '/login', []]) {
      assert.throws(() => requireLogin(options as never), { name: 'TypeError', message: /^loginPath is missing: it must be the path of your login route/ })
    }
  })

  describe('lets people through', () => {
    it('whom Passport knows', async () => {
      await request(guarded(loggedIn)).get('/page').expect(200, 'seen /page')
    })

    it('who are on the request as a user, where there is no isAuthenticated', async () => {
      const byUser: RequestHandler = (req, _res, next) => {
        req.user = { id: 'US1' }
        next()
      }
      await request(guarded(byUser)).get('/page').expect(200)
    })

    it('but nobody else', async () => {
      const answers: [string, RequestHandler][] = [
        ['isAuthenticated says no', (req, _res, next) => next(void Object.assign(req, { isAuthenticated: () => false, user: { id: 'US1' } }))],
        [
          'isAuthenticated says no to a login that was read',
          (req, _res, next) => {
            Object.assign(req, { isAuthenticated: () => false })
            Object.assign(req.session, { passport: { user: 'US1' } })
            next()
          }
        ],
        ['no user', (req, _res, next) => next(void Object.assign(req, { user: null }))],
        ['an empty passport', (req, _res, next) => next(void Object.assign(req.session, { passport: {} }))]
      ]
      for (const [why, before] of answers) assert.equal((await request(guarded(before)).get('/page')).status, 302, why)
    })

    it('to the login itself and back from it, when it stands before the whole app', async () => {
      for (const path of ['/login', '/login?again=1', '/login/callback?code=a&state=b', '/login/callback/', '/login/v1.2/call_back~-']) await request(guarded()).get(path).expect(200)
      for (const path of ['/', '/Login', '/login2', '/?/login', '/a/login', '/?x=/login/']) assert.equal((await request(guarded()).get(path)).status, 302, path)
    })

    it('but not by an address that begins at the login and leads out of it again (SEC-11)', async () => {
      const page = '/test/session/require-login.test.ts'
      const waysOut = ['/..', '/x/../..', '/./..', '/%2e%2e', '/.%2E', '/%2e/..', '//..', '/..//', '/x//../../..'].map((way) => `/login${way}${page}`)
      const encoded = [`/login/..%2f..${page}`, `/login/..%2ftest%2fsession%2frequire-login.test.ts`, `/login\\..${page}`, `/login/..\\${page}`, `/login/x%00/../..${page}`, '/login/..', '/login/.', '/login/../']
      const strange = ['/login//', '/login//callback', '/login/%63allback', '/login/callback;v=1', '/login/callback#/..', '//login', '/x/../login']
      for (const path of [...waysOut, ...encoded, ...strange]) assert.equal(await staticStatus('/login', path), 302, path)
    })

    it('but to nothing else than the page itself where people log in at /', async () => {
      assert.notEqual(await staticStatus('/', '/'), 302)
      assert.notEqual(await staticStatus('/', '/?code=a'), 302)
      for (const path of ['/package.json', '//package.json', '//', '/./package.json', '/test/../package.json', '/callback']) assert.equal(await staticStatus('/', path), 302, path)
    })
  })

  it('says so when a login is in the session that Passport has not read', async () => {
    const unread: RequestHandler = (req, _res, next) => {
      Object.assign(req.session, { passport: { user: 'US1' } })
      next()
    }
    const { status, text } = await request(guarded(unread)).get('/page')
    assert.equal(status, 500)
    assert.match(text, /^requireLogin\(\) found a login in the session that Passport has not read\. Put passport\.session\(\)/)
  })

  describe('sends to the login', () => {
    const browsers: Readonly<Record<string, Headers>> = {
      'a browser that wants a page': { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
      'a browser that wants a page, and says so': { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
      'a browser of another spelling': { Accept: 'Text/HTML; Level=1' },
      'somebody who takes any text': { Accept: 'text/*' },
      'somebody who takes anything': { Accept: '*/*' },
      'somebody who takes anything, in a frame': { Accept: '*/*', 'Sec-Fetch-Dest': 'iframe' },
      'somebody who takes HTML at last': { Accept: 'application/json, text/html;q=0.1' },
      'a script that is not called one': { Accept: 'text/html', 'X-Requested-With': 'com.example.browser' }
    }
    for (const [who, headers] of Object.entries(browsers)) it(who, async () => assert.equal(await statusFor(headers), 302))

    it('somebody who says nothing', async () => {
      const { status, headers } = await request(guarded()).get('/page').unset('Accept')
      assert.deepEqual([status, headers.location], [302, '/login'])
    })
  })

  describe('answers 401', () => {
    const scripts: Readonly<Record<string, Headers>> = {
      'an API client': { Accept: 'application/json' },
      'an API client of a kind of JSON': { Accept: 'application/hal+json' },
      'an API client that would take anything too': { Accept: 'application/json, text/plain, */*' },
      'a script of the old kind': { Accept: 'text/html', 'X-Requested-With': 'XMLHttpRequest' },
      'a script of the old kind, in small letters': { Accept: '*/*', 'X-Requested-With': 'xmlhttprequest' },
      'a fetch of a page': { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' },
      'an image of a page': { Accept: 'image/avif,image/webp,*/*;q=0.8', 'Sec-Fetch-Dest': 'image' },
      'a stylesheet': { Accept: 'text/css,*/*;q=0.1', 'Sec-Fetch-Dest': 'style' },
      'somebody who refuses HTML': { Accept: 'text/html;q=0, application/xml' },
      'somebody who refuses HTML in thousandths': { Accept: 'text/html; q=0.000, application/xml' },
      'somebody who takes nothing that is here': { Accept: 'application/xml' }
    }
    for (const [who, headers] of Object.entries(scripts)) it(who, async () => assert.equal(await statusFor(headers), 401))

    it('in words and with a challenge, and keeps no page', async () => {
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

  it('answers a browser nothing that a cache may keep (SEC-31)', async () => {
    const response = await request(guarded()).get('/page').set('Accept', 'text/html').expect(302)
    const headers = headersOf(response)
    assert.deepEqual([headers.location, headers['cache-control'], headers['content-length'], response.text], ['/login', 'no-store', '0', ''])
  })

  describe('remembers the page', () => {
    it('that was asked for, whatever the app is mounted under', async () => {
      assert.deepEqual(await pageAfter('get', '/page?a=b&c=%20d'), { status: 302, page: '/page?a=b&c=%20d' })
      assert.deepEqual(await pageAfter('head', '/page'), { status: 302, page: '/page' })
      assert.deepEqual(await pageAfter('get', '/mounted/page?a=b'), { status: 302, page: '/mounted/page?a=b' })
    })

    it('that a form was sent from, since a form cannot be sent again', async () => {
      const visitor = request.agent(guarded())
      for (const method of ['post', 'put', 'delete'] as const) {
        const response = await visitor[method]('/page').set({ Accept: 'text/html', Host: 'app.example', Referer: 'http://app.example/form?step=2#end' })
        assert.deepEqual([response.status, response.headers.location], [303, '/login'])
        const { body } = (await visitor.get('/session')) as { body: { returnTo?: unknown } }
        assert.equal(body.returnTo, '/form?step=2')
      }
    })

    it('but none that came from elsewhere, or that a browser would take for elsewhere', async () => {
      const Host = 'app.example'
      for (const Referer of ['http://evil.example/form', 'https://app.example/form', 'http://app.example:8080/form', 'nonsense', 'about:blank', 'http://app.example//evil.example']) {
        assert.deepEqual(await pageAfter('post', '/page', { Host, Referer }), { status: 303, page: undefined }, Referer)
      }
      assert.deepEqual(await pageAfter('post', '/page', { Host }), { status: 303, page: undefined })
      assert.deepEqual(await pageAfter('get', '//evil.example/page'), { status: 302, page: undefined })
    })

    it('of before, when it knows no better', async () => {
      const visitor = request.agent(guarded())
      for (const step of [() => visitor.get('/page'), () => visitor.post('/page').set('Referer', 'http://evil.example/')]) {
        await step().set('Accept', 'text/html')
        const { body } = (await visitor.get('/session')) as { body: { returnTo?: unknown } }
        assert.equal(body.returnTo, '/page')
      }
    })
  })
})
