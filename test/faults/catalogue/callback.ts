import { setTimeout as pause } from 'node:timers/promises'
import { badRequest, failure, loggedIn, notForPeers, stateError, type Fields, type Outcome, type Row, type Visit } from '../row'
import type { RequestOptions, ReceivedResponse } from '../visitor'

/** Starts a login and approves it. Returns the URL of the callback, which is not requested yet. */
async function approvedCallback({ visitor, provider }: Pick<Visit, 'visitor' | 'provider'>): Promise<URL> {
  const { headers } = await visitor.get('/login')
  return new URL(provider.approve(headers.location ?? ''))
}

function stateOf(callback: URL): string {
  return callback.searchParams.get('state') ?? ''
}

/** Sends a modified callback. */
function callbackWith(modify: (callback: URL, visit: Visit) => string | URL | Promise<string | URL>, asked: RequestOptions = {}): Row['fault'] {
  return { visit: async (visit) => visit.visitor.get(String(await modify(await approvedCallback(visit), visit)), asked) }
}

/** Sends the callback unchanged, after `first`. */
function callbackAfter(first: (callback: URL, visit: Visit) => Promise<unknown>): Row['fault'] {
  return {
    visit: async (visit) => {
      const callback = await approvedCallback(visit)
      await first(callback, visit)
      return visit.visitor.get(callback.href)
    }
  }
}

function without(callback: URL, parameter: string): URL {
  callback.searchParams.delete(parameter)
  return callback
}

function withValue(callback: URL, parameter: string, value: string): URL {
  callback.searchParams.set(parameter, value)
  return callback
}

function errorCallback(callback: URL, error: Readonly<Record<string, string>>, state = stateOf(callback)): URL {
  callback.search = new URLSearchParams({ ...error, ...(state === '' ? {} : { state }) }).toString()
  return callback
}

const states: readonly Row[] = [
  { name: 'has no state', fault: callbackWith((callback) => without(callback, 'state')), outcome: stateError('missing'), why: 'Somebody else may have started the login (RFC 6749 §10.12).' },
  { name: 'has a forged state', fault: callbackWith((callback) => withValue(callback, 'state', 'forged')), outcome: stateError('unknown'), why: 'Somebody else may have started the login (RFC 6749 §10.12).' },
  { name: 'has a state with one character changed', fault: callbackWith((callback) => withValue(callback, 'state', stateOf(callback).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))), outcome: stateError('unknown'), why: 'Somebody else may have started the login (RFC 6749 §10.12).' },
  { name: "has another visitor's state", id: 'SEC-01', fault: callbackWith(async (_callback, { stranger, provider }) => approvedCallback({ visitor: stranger(), provider })), outcome: stateError('unknown'), why: "A victim who follows the link would be logged in to the attacker's account, and might store secrets there." },
  { name: 'arrives in a browser without a session', fault: { visit: async (visit) => visit.stranger().get((await approvedCallback(visit)).href) }, outcome: stateError('unknown'), why: "A victim who follows the link would be logged in to the attacker's account, and might store secrets there." },
  {
    name: 'arrives after the login has expired',
    id: 'SEC-06',
    fault: callbackWith(async (callback) => {
      await pause(1200)
      return callback
    }),
    settings: { strategy: () => ({ pendingLoginTTL: 1000 }) },
    outcome: stateError('expired'),
    notApplicable: notForPeers('keeps a pending login for as long as the session lasts'),
    why: 'A login that was left open on a shared computer must not be completed by the next person.'
  },
  {
    name: 'has a state that was already used',
    fault: {
      visit: async (visit) => {
        const callback = await approvedCallback(visit)
        await visit.visitor.get(withValue(new URL(callback), 'code', 'refused-by-twilio').href)
        return visit.visitor.get(callback.href)
      }
    },
    outcome: stateError('used'),
    why: 'A state works once, whatever its result was. The second code may have been injected.'
  },
  {
    name: 'is sent twice at the same time',
    fault: {
      visit: async (visit) => {
        const { href } = await approvedCallback(visit)
        const [first, second] = await Promise.all([visit.visitor.get(href), visit.visitor.get(href)])
        return first.headers.location === '/account' ? first : second
      }
    },
    outcome: loggedIn(),
    why: 'Users double-click, and one of the two requests must log them in.'
  },
  { name: 'arrives after a forged callback', fault: callbackAfter((_callback, { visitor }) => visitor.get('/callback?code=forged&state=forged')), outcome: loggedIn(), why: 'A page that sends forged callbacks must not be able to prevent a login.' },
  { name: 'arrives after a callback without a state', fault: callbackAfter((_callback, { visitor }) => visitor.get('/callback?code=forged')), outcome: loggedIn(), why: 'A page that sends forged callbacks must not be able to prevent a login.' },
  { name: 'arrives after a forged error', fault: callbackAfter((_callback, { visitor }) => visitor.get('/callback?error=access_denied&state=forged')), outcome: loggedIn(), why: 'A page that sends forged callbacks must not be able to prevent a login.' },
  { name: 'belongs to the first of two tabs', fault: callbackAfter((_callback, { visitor }) => visitor.get('/login')), outcome: loggedIn(), why: 'Users open two tabs, and finish the login in either of them.' },
  {
    name: 'belongs to the first of several tabs opened at the same time',
    fault: {
      visit: async ({ visitor, provider }) => {
        await visitor.get('/login')
        const begun = await Promise.all([1, 2, 3].map(() => visitor.get('/login')))
        return visitor.get(provider.approve(begun[0]?.headers.location ?? ''))
      }
    },
    outcome: loggedIn(),
    why: 'This happens when a browser restores its tabs. The last request to save the session overwrites the changes of the others.'
  }
]

const parameters: readonly Row[] = [
  { name: 'has two different codes', fault: callbackWith((callback) => `${callback.href}&code=another`), outcome: badRequest, why: 'Which one counts depends on the parser (HTTP parameter pollution).' },
  { name: 'has two different states', fault: callbackWith((callback) => `${callback.href}&state=another`), outcome: badRequest, why: 'Which one counts depends on the parser (HTTP parameter pollution).' },
  { name: 'has the same state twice', fault: callbackWith((callback) => `${callback.href}&state=${stateOf(callback)}`), outcome: badRequest, why: 'RFC 6749 §3.1 forbids repeated parameters.' },
  { name: 'has both code and Code', fault: callbackWith((callback) => `${callback.href}&Code=another`), outcome: badRequest, notApplicable: notForPeers('knows only one spelling'), why: 'RFC 6749 §3.1 forbids repeated parameters.' },
  { name: 'has a code that is an object', fault: callbackWith((callback) => callback.href.replace('code=', 'code[x]=')), outcome: badRequest, why: 'Query parsers turn such names into objects, which a database may interpret as a query.' },
  { name: 'has a code that is an array', fault: callbackWith((callback) => callback.href.replace('code=', 'code[]=')), outcome: badRequest, why: 'Query parsers turn such names into objects, which a database may interpret as a query.' },
  { name: 'has a state that is an object', fault: callbackWith((callback) => callback.href.replace('state=', 'state[x]=')), outcome: badRequest, why: 'Query parsers turn such names into objects, which a database may interpret as a query.' },
  { name: 'has __proto__ parameters', fault: callbackWith((callback) => `${callback.href}&__proto__[code]=x&constructor[prototype][code]=x`), outcome: loggedIn(), why: 'Unknown parameters are ignored.' },
  { name: 'has an empty code', fault: callbackWith((callback) => withValue(callback, 'code', '')), outcome: badRequest, why: 'An empty code is not a code, and the request must not start a new login either.' },
  { name: 'has a NUL character in the code', fault: callbackWith((callback) => callback.href.replace('code=', 'code=%00')), outcome: badRequest, why: 'RFC 6749 appendix A.11 only allows visible characters.' },
  { name: 'has a NUL character in the state', fault: callbackWith((callback) => `${callback.href}%00`), outcome: badRequest, why: 'RFC 6749 appendix A.11 only allows visible characters.' },
  { name: 'has a line break in the code', fault: callbackWith((callback) => callback.href.replace('code=', 'code=%0d%0a')), outcome: badRequest, why: 'RFC 6749 appendix A.11 only allows visible characters.' },
  { name: 'has invalid percent-encoding in the code', fault: callbackWith((callback) => `/callback?code=%zz%&state=${stateOf(callback)}`), outcome: { error: 'TwilioTokenError', status: 400 }, why: 'Parsing a URL must not throw. Twilio then rejects the code as unknown.' },
  { name: 'has invalid UTF-8 in the code', fault: callbackWith((callback) => `/callback?code=%ff%fe&state=${stateOf(callback)}`), outcome: badRequest, why: 'RFC 6749 appendix A.11 only allows visible characters.' },
  { name: 'has a code of 12 KiB', fault: callbackWith((callback) => withValue(callback, 'code', 'a'.repeat(12_288))), outcome: badRequest, why: 'No real code is this long, so it is not sent to Twilio.' },
  { name: 'has a state of 12 KiB', fault: callbackWith((callback) => withValue(callback, 'state', 'a'.repeat(12_288))), outcome: badRequest, why: 'No real state is this long.' },
  { name: 'has an error of 12 KiB', fault: callbackWith((callback) => errorCallback(callback, { error: 'a'.repeat(12_288) })), outcome: badRequest, why: 'No real error is this long.' },
  { name: 'has a URL of 20 KiB', fault: callbackWith((callback) => `${callback.href}&x=${'a'.repeat(20_000)}`), outcome: { responseStatus: 431 }, why: 'Node rejects it, and keeps running.' },
  { name: 'has 2,000 parameters', fault: callbackWith((callback) => `/callback?${'a=1&'.repeat(2000)}${callback.search.slice(1)}`), outcome: loggedIn(), notApplicable: { 'passport-oauth2': "sees only what the app's query parser keeps" }, why: 'Query parsers stop after 1,000 parameters, but the URL contains all of them.' },
  { name: "has capitalized parameter names, as in the rest of Twilio's API v1", fault: callbackWith((callback) => callback.href.replace('code=', 'Code=').replace('state=', 'State=')), outcome: loggedIn(), notApplicable: notForPeers('uses the OAuth 2.0 names only'), why: 'The API contract does not define the names.' },
  { name: 'has unknown parameters', fault: callbackWith((callback) => `${callback.href}&region=us1&AccountSid=AC1&`), outcome: loggedIn(), why: 'RFC 6749 §4.1.2 says that unknown parameters are ignored.' }
]

/** passport-oauth2's `AuthorizationError`, with the status for errors other than `access_denied`. */
const authorizationError = (code: string, fields: Fields = {}): Outcome => ({ error: 'AuthorizationError', status: code === 'temporarily_unavailable' ? 503 : 500, fields: { code, ...fields } })

const refusals: readonly Row[] = [
  { name: 'says that the user denied access', fault: callbackWith((callback) => errorCallback(callback, { error: 'access_denied', error_description: 'No, thanks' })), outcome: failure, why: 'A denial is not an error.' },
  { name: 'says that the user denied access, without a description', fault: callbackWith((callback) => errorCallback(callback, { error: 'access_denied' })), outcome: failure, why: 'error_description is optional (RFC 6749 §4.1.2.1).' },
  { name: 'says that the user denied access, without a state', fault: callbackWith((callback) => errorCallback(callback, { error: 'access_denied' }, '')), outcome: stateError('missing'), why: 'Anybody can send an error without a valid state, so it cannot be trusted.' },
  { name: 'says that the user denied access, with a forged state', fault: callbackWith((callback) => errorCallback(callback, { error: 'access_denied' }, 'forged')), outcome: stateError('unknown'), why: 'Anybody can send an error without a valid state, so it cannot be trusted.' },
  { name: 'says that the scope is invalid', fault: callbackWith((callback) => errorCallback(callback, { error: 'invalid_scope', error_description: 'No such scope' })), outcome: authorizationError('invalid_scope'), why: "A mistake in the app belongs in its log, not on the user's screen." },
  { name: 'says that Twilio is temporarily unavailable', fault: callbackWith((callback) => errorCallback(callback, { error: 'temporarily_unavailable' })), outcome: authorizationError('temporarily_unavailable'), why: 'A failure at Twilio must be reported as one.' },
  { name: 'has an error with a script and line breaks in it', fault: callbackWith((callback) => errorCallback(callback, { error: 'x"><script>', error_description: 'a\r\nlevel=info\u2028', error_uri: 'javascript:alert(1)' })), outcome: authorizationError('x"><script>', { uri: undefined }), why: 'An error must stay on one line of the log, and links in it must be http(s) URLs.' },
  { name: 'has both a code and an error', fault: callbackWith((callback) => withValue(callback, 'error', 'access_denied')), outcome: badRequest, why: 'A callback is either a success or an error.' }
]

const formOf = (callback: URL): RequestOptions => ({ method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: callback.search.slice(1) })

const methods: readonly Row[] = [
  { name: 'is posted as a form', fault: { visit: async (visit) => visit.visitor.get('/callback', formOf(await approvedCallback(visit))) }, outcome: loggedIn(), why: "This is OAuth 2.0's response_mode=form_post." },
  {
    name: 'is posted with another code in the body than in the URL',
    fault: {
      visit: async (visit) => {
        const callback = await approvedCallback(visit)
        return visit.visitor.get(callback.href, formOf(withValue(new URL(callback), 'code', 'another')))
      }
    },
    outcome: badRequest,
    why: 'Which one counts depends on the parser.'
  },
  { name: 'is posted as JSON', fault: { visit: async (visit) => visit.visitor.get('/callback', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(Object.fromEntries((await approvedCallback(visit)).searchParams)) }) }, outcome: { responseStatus: 302 }, notApplicable: notForPeers('this row is about requests that start a login'), why: 'Without a body parser, the request only starts a new login.' },
  { name: 'is a GET request with a body', fault: { visit: async (visit) => visit.visitor.get((await approvedCallback(visit)).href, { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'code=another' }) }, outcome: loggedIn(), why: 'The body of a GET request is ignored.' },
  { name: 'is requested with HEAD first', fault: callbackAfter((callback, { visitor }) => visitor.get(callback.href, { method: 'HEAD' })), outcome: loggedIn(), why: 'Link checkers and chat apps do this. It must not use up the login.' },
  { name: 'is prefetched first', fault: callbackAfter((callback, { visitor }) => visitor.get(callback.href, { headers: { 'Sec-Purpose': 'prefetch;prerender' } })), outcome: loggedIn(), why: 'Browsers do this, and may never show the response.' },
  { name: 'is previewed by an old browser first', fault: callbackAfter((callback, { visitor }) => visitor.get(callback.href, { headers: { 'X-Purpose': 'preview' } })), outcome: loggedIn(), why: 'Browsers do this, and may never show the response.' },
  { name: 'has an invalid Host header', fault: { visit: async (visit): Promise<ReceivedResponse> => visit.visitor.get((await approvedCallback(visit)).href, { headers: { Host: 'a/b@evil.example' } }) }, outcome: loggedIn(), why: 'The redirect URI is the configured callbackURL, whatever the Host header says.' }
]

export const callback: readonly Row[] = [...states, ...parameters, ...refusals, ...methods]
