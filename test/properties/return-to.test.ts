import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import { requireLogin, returnTo } from '../../lib'
import { PendingLogins } from '../../lib/login/pending-logins'
import { sessionLoginStore } from '../../lib/login/state-store'
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

/** Resolves the path as a browser does with a `Location` header. */
function assertSameOrigin(location: string): void {
  for (const origin of ORIGINS) assert.equal(new URL(location, `${origin}/auth/twilio/callback?code=a`).origin, origin, JSON.stringify(location))
}

describe('the page to return to after the login', function () {
  this.timeout(0)

  it('never leaves the origin, whatever value is in the session (SEC-10)', async () => {
    await checkProperty(
      fc.property(fc.oneof({ weight: 9, arbitrary: address }, { weight: 1, arbitrary: fc.jsonValue() }), (wanted) => {
        assertSameOrigin(returnTo(requestWith({ returnTo: wanted }), '/'))
      }),
      50
    )
  })

  it('never leaves the origin, whatever value a pending login has in the session', async () => {
    const logins = sessionLoginStore(new PendingLogins({ sessionKey: 'logins', max: 8, ttl: 60_000, secret: 'a secret for the tests' }), false)
    await checkProperty(
      fc.asyncProperty(address, async (wanted) => {
        const session: Record<string, unknown> = {}
        const metadata = { authorizationURL: '', tokenURL: '', clientID: '', callbackURL: '' }
        const { state } = await logins.begin({ session }, { returnTo: '/page' }, metadata)
        const held = JSON.stringify(session)
        const written: unknown = JSON.parse(held.replace('"/page"', () => JSON.stringify(wanted)))
        assertSameOrigin((await logins.finish({ session: written }, state, metadata)).returnTo ?? '/')
      }),
      50
    )
  })

  it('never leaves the origin, whatever URL and Referer a guarded request has', async () => {
    const guard = requireLogin({ loginPath: '/auth/twilio' })
    const headers = fc.record({ host: fc.oneof(fc.constant('app.example'), address), referer: fc.oneof(address, address.map((path) => `http://app.example${path}`)) }, { requiredKeys: [] })
    await checkProperty(
      fc.property(address, fc.constantFrom('GET', 'POST'), headers, (url, method, given) => {
        const req = requestWith({})
        Object.assign(req, { method, url })
        Object.assign(req.headers, given, { accept: 'text/html' })
        guard(req, new ServerResponse(req), () => assert.fail('nobody is logged in'))
        assertSameOrigin(returnTo(req, '/'))
      }),
      50
    )
  })

  it('is the requested page, if its path is an ordinary one', async () => {
    const plain = fc.tuple(fc.webPath(), fc.webQueryParameters()).map(([path, query]) => `/a${path}?${query}`).filter((path) => path.length <= 2048)
    await checkProperty(
      fc.property(plain, (page) => {
        assert.equal(returnTo(requestWith({ returnTo: page }), '/'), page)
      }),
      5
    )
  })
})
