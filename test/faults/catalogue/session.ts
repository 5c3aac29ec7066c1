import { SESSION_PATH, STORE_PATH } from '../app'
import { loggedIn, onlyOurs, responseError, stateError, type Outcome, type Row, type Visit } from '../row'
import { logIn } from '../run-row'
import type { Seen, Visitor } from '../visitor'

type Broken = 'get' | 'set' | 'destroy' | 'connection'

async function breakStore(visitor: Visitor, broken: Broken | 'nothing'): Promise<void> {
  await visitor.get(`${STORE_PATH}?broken=${broken}`, { method: 'POST' })
}

async function put(visitor: Visitor, value: unknown, key?: string): Promise<void> {
  await visitor.get(SESSION_PATH, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key, value }) })
}

async function begun({ visitor, provider }: Visit): Promise<string> {
  const { headers } = await visitor.get('/login')
  return provider.approve(headers.location ?? '')
}

/** Breaks the store when the login begins, or when it comes back, and mends it after the answer. */
function withStore(broken: Broken, when: 'begins' | 'comes back'): Row['fault'] {
  return {
    async visit(visit): Promise<Seen> {
      const { visitor } = visit
      const callback = when === 'begins' ? '/login' : await begun(visit)
      await breakStore(visitor, broken)
      try {
        return await visitor.get(callback)
      } finally {
        await breakStore(visitor, 'nothing')
      }
    }
  }
}

/** Puts something else where a library keeps what waits for a callback. */
function withPending(value: unknown): Row['fault'] {
  return {
    async visit(visit) {
      const callback = await begun(visit)
      await put(visit.visitor, value)
      return visit.visitor.get(callback)
    }
  }
}

/** Logs in, and puts something else where the tokens are. */
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
  { name: 'is missing, when the login begins', fault: { visit: ({ visitor }) => visitor.get('/login') }, settings: { session: 'none' }, outcome: noSession, why: 'One error that says what to add.' },
  { name: 'is missing, when the login comes back', fault: { visit: ({ visitor }) => visitor.get('/callback?code=a&state=b') }, settings: { session: 'none' }, outcome: noSession, why: 'The same.' },
  { name: 'has a store that is disconnected, when the login begins', fault: withStore('connection', 'begins'), outcome: noSession, why: 'express-session leaves req.session out then; the error tells of that too.' },
  { name: 'has a store that is disconnected, when the login comes back', fault: withStore('connection', 'comes back'), outcome: noSession, why: 'The same.' },
  { name: 'has a store that cannot be read', fault: withStore('get', 'comes back'), outcome: storeError, why: 'Nobody is logged in on a session that is not there.' },
  { name: 'has a store that cannot be written to, when the login begins', fault: withStore('set', 'begins'), outcome: { answer: 302 }, why: 'express-session tells the app, after the answer.' },
  { name: 'has a store that cannot be written to, when the login comes back', fault: withStore('set', 'comes back'), outcome: storeError, why: 'A login that cannot be kept is none.' },
  { name: 'cannot be renewed', id: 'SEC-28', fault: withStore('destroy', 'comes back'), outcome: storeError, why: 'Nobody is logged in on a session that somebody may have planted.' },
  {
    name: 'was planted by somebody else, who comes to use it',
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
    outcome: { answer: 401 },
    why: 'Session fixation: the session is renewed at login, so that the one that somebody else knows is worth nothing.'
  },
  {
    name: 'lives in a cookie',
    fault: {},
    settings: { session: 'cookie', tokenSecret: 'of the faults' },
    outcome: loggedIn(),
    why: 'cookie-session has neither regenerate nor save, which Passport 0.6 and later call.'
  },
  {
    name: 'lives in a cookie, which was changed',
    fault: {
      async visit(visit) {
        const callback = await begun(visit)
        visit.visitor.changeCookies((value) => `${value.slice(0, -4)}AAAA`)
        return visit.visitor.get(callback)
      }
    },
    settings: { session: 'cookie', tokenSecret: 'of the faults' },
    outcome: stateError('unknown'),
    notApplicable: onlyOurs('cannot log in with such a session at all, which the row above counts'),
    why: "A cookie that is not the app's own holds nothing."
  }
]

/** What a login leaves in the session while it waits, and what must become of it when that is something else. */
const pendingValues: Readonly<Record<string, unknown>> = {
  null: null,
  'a string': 'x',
  'a number': 5,
  'an array': [null, 5, 'x'],
  'of another version': { state: { handle: 'x' }, logins: 'x', used: {}, forgotten: 'x' },
  'lists of anything': { logins: [null, 5, 'x', [], {}, { nonce: 5 }, { nonce: 'x'.repeat(44), returnTo: 5 }], used: [null, 5, {}], forgotten: -1 }
}

const noTokensInSession = onlyOurs('leaves tokens to the app')

/** What the session holds as tokens, and what must become of it. */
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
      notApplicable: onlyOurs('keeps the login itself there'),
      why: 'A deploy that changed their form keeps nobody out: a state is known by its signature, made for this session.'
    })
  ),
  { name: 'has 10,000 pending logins', fault: withPending({ logins: Array.from({ length: 10_000 }, () => ({ nonce: 'x'.repeat(44), returnTo: '/x' })), used: [] }), outcome: loggedIn(), notApplicable: onlyOurs('keeps one'), why: 'They are bounded, whoever wrote them.' },
  { name: 'has pending logins of 2 MB', fault: withPending('x'.repeat(2_000_000)), outcome: loggedIn(), notApplicable: onlyOurs('keeps one'), why: 'The same.' },
  {
    name: 'names a page on another host to come back to',
    fault: {
      async visit(visit) {
        await visit.visitor.get('/login')
        await put(visit.visitor, 'https://evil.example/', 'returnTo')
        return logIn(visit)
      }
    },
    outcome: { answer: 302, location: '/account' },
    notApplicable: onlyOurs('leaves the way back to the app'),
    why: "A login must not end on somebody else's page (RFC 9700 §4.11.1)."
  },
  ...['//evil.example', '/\\evil.example', '/\t/evil.example', 'javascript:alert(1)'].map(
    (page): Row => ({
      name: `names ${JSON.stringify(page)} to come back to`,
      fault: {
        async visit(visit) {
          await visit.visitor.get('/login')
          await put(visit.visitor, page, 'returnTo')
          return logIn(visit)
        }
      },
      outcome: { answer: 302, location: '/account' },
      notApplicable: onlyOurs('leaves the way back to the app'),
      why: 'Browsers take it for another host, or for a script.'
    })
  ),
  ...['in the clear', 'sealed'].flatMap((form) =>
    Object.entries(tokenValues).map(
      ([what, value]): Row => ({
        name: `has tokens that are ${what}, where they are kept ${form}`,
        fault: withTokens(value),
        settings: form === 'sealed' ? { tokenSecret: 'of the faults' } : {},
        outcome: { answer: 401 },
        notApplicable: noTokensInSession,
        why: 'They are dropped, and the person logs in again.'
      })
    )
  ),
  {
    name: 'has tokens of 2 MB',
    fault: withTokens({ accessToken: 'x'.repeat(2_000_000), tokenType: 'Bearer' }),
    outcome: { answer: 200 },
    notApplicable: noTokensInSession,
    why: "Odd, but an app's own: they are carried, and nothing breaks."
  },
  {
    name: 'gets a login whose tokens are too long',
    fault: { token: ({ status, answer }) => (_request, response) => void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ ...answer, refresh_token: 'x'.repeat(300_000) })) },
    outcome: responseError,
    notApplicable: onlyOurs('has no limit of its own'),
    why: 'A session is no place for them.'
  }
]

export const session: readonly Row[] = [...stores, ...contents]
