import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import { requireLogin, returnTo } from '../../lib'
import { PendingLogins } from '../../lib/login/pending-logins'
import { CLIENT_ID } from '../support/jwt'
import { checkProperty } from './check-property'

const ORIGINS = ['https://app.example', 'http://localhost:3000', 'http://[::1]:8080', 'https://xn--bcher-kva.example', 'https://a.b.example:8443']

/** Parts of URLs, and characters that browsers treat specially. */
const part = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('/', '//', '\\', '/\\', '\\/', '\t', '\n', '\r', ' ', '\u0000', '@', ':', '.', '..', '?', '#', ';', '%2f', '%5c', '%09', '%2e', 'evil.example', 'user:pass@', 'https:', 'http://', 'javascript:', 'data:', '[::1]', ':80', '。', '／', '＼', '\u2028', '\u00ad', 'account')
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) }
)
const address = fc.oneof(
  { weight: 4, arbitrary: fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')) },
  { weight: 4, arbitrary: fc.array(part, { maxLength: 8 }).map((parts) => `/${parts.join('')}`) },
  { weight: 1, arbitrary: fc.webUrl({ withQueryParameters: true, withFragments: true }) }
)

interface GuardedRequest extends IncomingMessage {
  session?: Record<string, unknown>
}

function requestWith(session: Record<string, unknown>): GuardedRequest {
  return Object.assign(new IncomingMessage(new Socket()), { session })
}

/** Resolves a `Location` header as a browser does. */
function assertStays(location: string): void {
  for (const origin of ORIGINS) assert.equal(new URL(location, `${origin}/auth/twilio/callback?code=a`).origin, origin, JSON.stringify(location))
}

describe('returnTo, for any path,', function () {
  this.timeout(0)

  it('never leads to another origin, whatever the session contains (SEC-10)', async () => {
    await checkProperty(
      fc.property(fc.oneof({ weight: 9, arbitrary: address }, { weight: 1, arbitrary: fc.jsonValue() }), (wanted) => {
        assertStays(returnTo(requestWith({ returnTo: wanted }), '/'))
      }),
      50
    )
  })

  it('never leads to another origin, whatever the session contains for a pending login', async () => {
    const logins = new PendingLogins({ clientID: CLIENT_ID, sessionKey: 'logins', max: 8, ttl: 60_000, secret: 'of the tests', pkce: false })
    await checkProperty(
      fc.property(address, (wanted) => {
        const session: Record<string, unknown> = {}
        const metadata = { authorizationURL: '', tokenURL: '', clientID: '', callbackURL: '' }
        const { state } = logins.begin({ session }, { returnTo: '/page' }, metadata)
        const held = JSON.stringify(session)
        const written: unknown = JSON.parse(held.replace('"/page"', () => JSON.stringify(wanted)))
        assertStays(logins.finish({ session: written }, state, metadata).returnTo ?? '/')
      }),
      50
    )
  })

  it('never leads to another origin, whatever URL and referrer requireLogin gets', async () => {
    const guard = requireLogin({ loginPath: '/auth/twilio' })
    const headers = fc.record({ host: fc.oneof(fc.constant('app.example'), address), referer: fc.oneof(address, address.map((path) => `http://app.example${path}`)) }, { requiredKeys: [] })
    await checkProperty(
      fc.property(address, fc.constantFrom('GET', 'POST'), headers, (url, method, given) => {
        const req = requestWith({})
        Object.assign(req, { method, url })
        Object.assign(req.headers, given, { accept: 'text/html' })
        guard(req, new ServerResponse(req), () => assert.fail('nobody is logged in'))
        assertStays(returnTo(req, '/'))
      }),
      50
    )
  })

  it('returns the requested page if its URL is valid', async () => {
    const plain = fc.tuple(fc.webPath(), fc.webQueryParameters()).map(([path, query]) => `/a${path}?${query}`).filter((path) => path.length <= 2048)
    await checkProperty(
      fc.property(plain, (page) => {
        assert.equal(returnTo(requestWith({ returnTo: page }), '/'), page)
      }),
      5
    )
  })
})
