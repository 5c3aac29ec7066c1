import { SESSION_PATH, STORE_PATH } from '../app'
import { loggedIn, notForPeers, responseError, stateError, type Outcome, type Row, type Visit } from '../row'
import { logIn } from '../run-row'
import type { ReceivedResponse, Visitor } from '../visitor'

type Broken = 'get' | 'set' | 'destroy' | 'connection'

async function breakStore(visitor: Visitor, broken: Broken | 'nothing'): Promise<void> {
  await visitor.get(`${STORE_PATH}?broken=${broken}`, { method: 'POST' })
}

async function put(visitor: Visitor, value: unknown, key?: string): Promise<void> {
  await visitor.get(SESSION_PATH, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key, value }) })
}

async function startLogin({ visitor, provider }: Visit): Promise<string> {
  const { headers } = await visitor.get('/login')
  return provider.approve(headers.location ?? '')
}

/** Breaks the store for one request: the one that starts the login, or the callback. */
function withStore(broken: Broken, request: 'login' | 'callback'): Row['fault'] {
  return {
    async visit(visit): Promise<ReceivedResponse> {
      const { visitor } = visit
      const url = request === 'login' ? '/login' : await startLogin(visit)
      await breakStore(visitor, broken)
      try {
        return await visitor.get(url)
      } finally {
        await breakStore(visitor, 'nothing')
      }
    }
  }
}

/** Overwrites what a library keeps in the session while it waits for the callback. */
function withPending(value: unknown): Row['fault'] {
  return {
    async visit(visit) {
      const callback = await startLogin(visit)
      await put(visit.visitor, value)
      return visit.visitor.get(callback)
    }
  }
}

/** Logs in, and then overwrites the tokens in the session. */
function withTokens(value: unknown): Row['fault'] {
  return {
    async visit(visit) {
      await logIn(visit)
      await put(visit.visitor, value, 'twilioTokens')
      return visit.visitor.get('/account', { headers: { Accept: 'application/json' } })
    }
  }
}

const storeError: Outcome = { error: 'Error', status: 500 }
const noSession: Outcome = { error: 'Error', status: 500 }

const stores: readonly Row[] = [
  { name: 'is missing when the login starts', fault: { visit: ({ visitor }) => visitor.get('/login') }, settings: { session: 'none' }, outcome: noSession, why: 'The error must say which middleware to add.' },
  { name: 'is missing at the callback', fault: { visit: ({ visitor }) => visitor.get('/callback?code=a&state=b') }, settings: { session: 'none' }, outcome: noSession, why: 'The error must say which middleware to add.' },
  { name: 'has a disconnected store when the login starts', fault: withStore('connection', 'login'), outcome: noSession, why: 'express-session then leaves req.session undefined, which the error mentions.' },
  { name: 'has a disconnected store at the callback', fault: withStore('connection', 'callback'), outcome: noSession, why: 'express-session then leaves req.session undefined, which the error mentions.' },
  { name: 'has a store that cannot be read at the callback', fault: withStore('get', 'callback'), outcome: storeError, why: 'Without its session, the login cannot be checked.' },
  { name: 'has a store that cannot be written to when the login starts', fault: withStore('set', 'login'), outcome: { responseStatus: 503 }, why: 'A login that cannot be saved can never be finished, so it must not begin. express-session saves the session when it is too late for an error page.' },
  { name: 'has a store that cannot be written to at the callback', fault: withStore('set', 'callback'), outcome: storeError, why: 'A login that cannot be saved must fail.' },
  { name: 'cannot be regenerated', id: 'SEC-28', fault: withStore('destroy', 'callback'), outcome: storeError, why: 'A session that an attacker may know must not be used for a login.' },
  {
    name: 'was planted by an attacker, who uses it after the login',
    id: 'SEC-27',
    fault: {
      async visit(visit) {
        const thief = visit.stranger()
        await thief.get('/login')
        visit.visitor.takeCookiesOf(thief)
        await logIn(visit)
        return thief.get('/account', { headers: { Accept: 'application/json' } })
      }
    },
    outcome: { responseStatus: 401 },
    why: 'This is session fixation. The session is regenerated at login, so the session ID that the attacker knows becomes useless.'
  },
  {
    name: 'is stored in a cookie',
    fault: {},
    settings: { session: 'cookie', tokenSecret: 'a secret for the fault tests, long enough' },
    outcome: loggedIn(),
    why: 'cookie-session has neither regenerate nor save, which Passport 0.6 and later call.'
  },
  {
    name: 'is stored in a cookie that was modified',
    fault: {
      async visit(visit) {
        const callback = await startLogin(visit)
        visit.visitor.changeCookies((value) => `${value.slice(0, -4)}AAAA`)
        return visit.visitor.get(callback)
      }
    },
    settings: { session: 'cookie', tokenSecret: 'a secret for the fault tests, long enough' },
    outcome: stateError('unknown'),
    notApplicable: notForPeers('cannot log in with such a session at all, as the row above shows'),
    why: 'A cookie without a valid signature is ignored.'
  }
]

/** Values to put in the session in place of the pending logins. */
const pendingValues: Readonly<Record<string, unknown>> = {
  null: null,
  'a string': 'x',
  'a number': 5,
  'an array': [null, 5, 'x'],
  'of another version': { state: { handle: 'x' }, logins: 'x', used: {}, forgotten: 'x' },
  'lists of arbitrary values': { logins: [null, 5, 'x', [], {}, { nonce: 5 }, { nonce: 'x'.repeat(44), returnTo: 5 }], used: [null, 5, {}], forgotten: -1 }
}

const noTokensInSession = notForPeers('leaves tokens to the app')

/** Values to put in the session in place of the tokens. */
const tokenValues: Readonly<Record<string, unknown>> = {
  null: null,
  'a string': 'x',
  'a number': 5,
  'an array': [],
  'of another version': { version: 2, token: { access: 'x' } },
  'of wrong types': { accessToken: 5, tokenType: {}, refreshToken: [], expiresAt: 'x' },
  'cut short': 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy'
}

const contents: readonly Row[] = [
  ...Object.entries(pendingValues).map(
    ([what, value]): Row => ({
      name: `has pending logins that are ${what}`,
      fault: withPending(value),
      outcome: loggedIn(),
      notApplicable: notForPeers('keeps the pending login itself there'),
      why: 'A new version of the app must not break pending logins. A state is recognized by its signature, which is bound to the session.'
    })
  ),
  { name: 'has 10,000 pending logins', fault: withPending({ logins: Array.from({ length: 10_000 }, () => ({ nonce: 'x'.repeat(44), returnTo: '/x' })), used: [] }), outcome: loggedIn(), notApplicable: notForPeers('keeps a single pending login'), why: 'The number of pending logins is limited, whatever the session contains.' },
  { name: 'has pending logins of 2 MB', fault: withPending('x'.repeat(2_000_000)), outcome: loggedIn(), notApplicable: notForPeers('keeps a single pending login'), why: 'The number of pending logins is limited, whatever the session contains.' },
  {
    name: 'has a returnTo on another host',
    fault: {
      async visit(visit) {
        await visit.visitor.get('/login')
        await put(visit.visitor, 'https://evil.example/', 'returnTo')
        return logIn(visit)
      }
    },
    outcome: { responseStatus: 302, location: '/account' },
    notApplicable: notForPeers('leaves the redirect after the login to the app'),
    why: 'A login must not redirect to another site (RFC 9700 §4.11.1).'
  },
  ...['//evil.example', '/\\evil.example', '/\t/evil.example', 'javascript:alert(1)'].map(
    (page): Row => ({
      name: `has ${JSON.stringify(page)} as its returnTo`,
      fault: {
        async visit(visit) {
          await visit.visitor.get('/login')
          await put(visit.visitor, page, 'returnTo')
          return logIn(visit)
        }
      },
      outcome: { responseStatus: 302, location: '/account' },
      notApplicable: notForPeers('leaves the redirect after the login to the app'),
      why: 'Browsers interpret it as another host or as a script.'
    })
  ),
  ...['off', 'on'].flatMap((encryption) =>
    Object.entries(tokenValues).map(
      ([what, value]): Row => ({
        name: `has tokens that are ${what}, with encryption ${encryption}`,
        fault: withTokens(value),
        settings: encryption === 'on' ? { tokenSecret: 'a secret for the fault tests, long enough' } : {},
        outcome: { responseStatus: 401 },
        notApplicable: noTokensInSession,
        why: 'Invalid tokens are removed, and the user logs in again.'
      })
    )
  ),
  {
    name: 'has tokens of 2 MB',
    fault: withTokens({ accessToken: 'x'.repeat(2_000_000), tokenType: 'Bearer' }),
    outcome: { responseStatus: 200 },
    notApplicable: noTokensInSession,
    why: 'It is unusual but valid, so it must work.'
  },
  {
    name: 'would have to store tokens that are too long',
    fault: { token: ({ status, fields }) => (_request, response) => void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ ...fields, refresh_token: 'x'.repeat(300_000) })) },
    outcome: responseError,
    notApplicable: notForPeers('has no limit of its own'),
    why: 'They are too long to store in a session.'
  }
]

export const session: readonly Row[] = [...stores, ...contents]
