import { setTimeout as pause } from 'node:timers/promises'
import { badRequest, failure, loggedIn, onlyOurs, stateError, type Fields, type Outcome, type Row, type Visit } from '../row'
import type { Asked, Seen } from '../visitor'

/** A login that has been begun, and approved: the callback that it would come back with. */
async function approved({ visitor, provider }: Pick<Visit, 'visitor' | 'provider'>): Promise<URL> {
  const { headers } = await visitor.get('/login')
  return new URL(provider.approve(headers.location ?? ''))
}

function stateOf(callback: URL): string {
  return callback.searchParams.get('state') ?? ''
}

/** Comes back with another callback than the right one. */
function comesBack(spoil: (callback: URL, visit: Visit) => string | URL | Promise<string | URL>, asked: Asked = {}): Row['fault'] {
  return { visit: async (visit) => visit.visitor.get(String(await spoil(await approved(visit), visit)), asked) }
}

/** Does something with the callback, and then comes back with it as it is. */
function comesBackAfter(first: (callback: URL, visit: Visit) => Promise<unknown>): Row['fault'] {
  return {
    visit: async (visit) => {
      const callback = await approved(visit)
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

function refusedWith(callback: URL, error: Readonly<Record<string, string>>, state = stateOf(callback)): URL {
  callback.search = new URLSearchParams({ ...error, ...(state === '' ? {} : { state }) }).toString()
  return callback
}

const states: readonly Row[] = [
  { name: 'has no state', fault: comesBack((callback) => without(callback, 'state')), outcome: stateError('missing'), why: 'Somebody else may have begun the login (RFC 6749 §10.12).' },
  { name: 'has a forged state', fault: comesBack((callback) => withValue(callback, 'state', 'forged')), outcome: stateError('unknown'), why: 'The same.' },
  { name: 'has a state with one letter changed', fault: comesBack((callback) => withValue(callback, 'state', stateOf(callback).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))), outcome: stateError('unknown'), why: 'The same.' },
  { name: "has another visitor's state", id: 'SEC-01', fault: comesBack(async (_callback, { stranger, provider }) => approved({ visitor: stranger(), provider })), outcome: stateError('unknown'), why: "Whoever follows such a link would be logged in as somebody else, and store their secrets there." },
  { name: 'comes to a browser that has no session', fault: { visit: async (visit) => visit.stranger().get((await approved(visit)).href) }, outcome: stateError('unknown'), why: 'The same.' },
  {
    name: 'has expired',
    id: 'SEC-06',
    fault: comesBack(async (callback) => {
      await pause(1200)
      return callback
    }),
    settings: { strategy: () => ({ pendingLoginTTL: 1000 }) },
    outcome: stateError('expired'),
    notApplicable: onlyOurs('lets logins wait as long as the session lives'),
    why: 'A login that somebody left on a shared screen does not wait for the next person.'
  },
  {
    name: 'has been used',
    fault: {
      visit: async (visit) => {
        const callback = await approved(visit)
        await visit.visitor.get(withValue(new URL(callback), 'code', 'refused-by-twilio').href)
        return visit.visitor.get(callback.href)
      }
    },
    outcome: stateError('used'),
    why: 'A state is good for once, whatever became of it: the second code may be planted.'
  },
  {
    name: 'is sent twice at once',
    fault: {
      visit: async (visit) => {
        const { href } = await approved(visit)
        const [first, second] = await Promise.all([visit.visitor.get(href), visit.visitor.get(href)])
        return first.headers.location === '/account' ? first : second
      }
    },
    outcome: loggedIn(),
    why: 'People click twice; one of the two logs in.'
  },
  { name: 'comes after a forged one', fault: comesBackAfter((_callback, { visitor }) => visitor.get('/callback?code=forged&state=forged')), outcome: loggedIn(), why: 'A page that sends forged callbacks must not be able to keep people out.' },
  { name: 'comes after one without a state', fault: comesBackAfter((_callback, { visitor }) => visitor.get('/callback?code=forged')), outcome: loggedIn(), why: 'The same.' },
  { name: "comes after an error that was not Twilio's", fault: comesBackAfter((_callback, { visitor }) => visitor.get('/callback?error=access_denied&state=forged')), outcome: loggedIn(), why: 'The same.' },
  { name: 'is of the first of two tabs', fault: comesBackAfter((_callback, { visitor }) => visitor.get('/login')), outcome: loggedIn(), why: 'People open two tabs, and finish either of them.' },
  {
    name: 'is of the first of two tabs that began at the same moment',
    fault: {
      visit: async ({ visitor, provider }) => {
        await visitor.get('/login')
        const begun = await Promise.all([1, 2, 3].map(() => visitor.get('/login')))
        return visitor.get(provider.approve(begun[0]?.headers.location ?? ''))
      }
    },
    outcome: loggedIn(),
    why: "A browser that restores its tabs does so; the last of them to save the session wipes the others' entries."
  }
]

const parameters: readonly Row[] = [
  { name: 'has its code twice', fault: comesBack((callback) => `${callback.href}&code=another`), outcome: badRequest, why: 'Which one counts depends on who reads it (HTTP parameter pollution).' },
  { name: 'has its state twice', fault: comesBack((callback) => `${callback.href}&state=another`), outcome: badRequest, why: 'The same.' },
  { name: 'has its state twice, the same', fault: comesBack((callback) => `${callback.href}&state=${stateOf(callback)}`), outcome: badRequest, why: 'RFC 6749 §3.1: no parameter more than once.' },
  { name: 'has its code in both spellings', fault: comesBack((callback) => `${callback.href}&Code=another`), outcome: badRequest, notApplicable: onlyOurs('knows one spelling'), why: 'The same.' },
  { name: 'has a code that is an object', fault: comesBack((callback) => callback.href.replace('code=', 'code[x]=')), outcome: badRequest, why: 'Query parsers make objects of such names, and a database may take those for a query.' },
  { name: 'has a code that is a list', fault: comesBack((callback) => callback.href.replace('code=', 'code[]=')), outcome: badRequest, why: 'The same.' },
  { name: 'has a state that is an object', fault: comesBack((callback) => callback.href.replace('state=', 'state[x]=')), outcome: badRequest, why: 'The same.' },
  { name: 'has a __proto__', fault: comesBack((callback) => `${callback.href}&__proto__[code]=x&constructor[prototype][code]=x`), outcome: loggedIn(), why: 'Names that nobody asked for are left alone.' },
  { name: 'has an empty code', fault: comesBack((callback) => withValue(callback, 'code', '')), outcome: badRequest, why: 'Nothing is no code; and it is no beginning of a login either.' },
  { name: 'has a code with NUL in it', fault: comesBack((callback) => callback.href.replace('code=', 'code=%00')), outcome: badRequest, why: 'RFC 6749 appendix A.11: visible characters alone.' },
  { name: 'has a state with NUL in it', fault: comesBack((callback) => `${callback.href}%00`), outcome: badRequest, why: 'The same.' },
  { name: 'has a code with a line end in it', fault: comesBack((callback) => callback.href.replace('code=', 'code=%0d%0a')), outcome: badRequest, why: 'The same.' },
  { name: 'has a code of invalid percent codes', fault: comesBack((callback) => `/callback?code=%zz%&state=${stateOf(callback)}`), outcome: { error: 'TwilioTokenError', status: 400 }, why: 'Nothing in an address may throw while it is read; Twilio says that it knows no such code.' },
  { name: 'has a code of bytes that are no UTF-8', fault: comesBack((callback) => `/callback?code=%ff%fe&state=${stateOf(callback)}`), outcome: badRequest, why: 'The same.' },
  { name: 'has a code of 12 KiB', fault: comesBack((callback) => withValue(callback, 'code', 'a'.repeat(12_288))), outcome: badRequest, why: 'No code is; it is not carried on to Twilio.' },
  { name: 'has a state of 12 KiB', fault: comesBack((callback) => withValue(callback, 'state', 'a'.repeat(12_288))), outcome: badRequest, why: 'The same.' },
  { name: 'has an error of 12 KiB', fault: comesBack((callback) => refusedWith(callback, { error: 'a'.repeat(12_288) })), outcome: badRequest, why: 'The same.' },
  { name: 'has an address of 20 KiB', fault: comesBack((callback) => `${callback.href}&x=${'a'.repeat(20_000)}`), outcome: { answer: 431 }, why: 'Node refuses it, and lives.' },
  { name: 'has 2,000 parameters', fault: comesBack((callback) => `/callback?${'a=1&'.repeat(2000)}${callback.search.slice(1)}`), outcome: loggedIn(), notApplicable: { 'passport-oauth2': "reads what the app's query parser leaves of it" }, why: 'Parsers stop at 1,000; the address itself has them all.' },
  { name: 'is capitalized, as v1 names everything else', fault: comesBack((callback) => callback.href.replace('code=', 'Code=').replace('state=', 'State=')), outcome: loggedIn(), notApplicable: onlyOurs("is for OAuth 2.0's own names"), why: 'The contract does not say.' },
  { name: 'has parameters that nobody knows', fault: comesBack((callback) => `${callback.href}&region=us1&AccountSid=AC1&`), outcome: loggedIn(), why: 'RFC 6749 §4.1.2: they are ignored.' }
]

/** `AuthorizationError` of passport-oauth2, whose status for anything but a refusal is the app's to answer with. */
const authorizationError = (code: string, fields: Fields = {}): Outcome => ({ error: 'AuthorizationError', status: code === 'temporarily_unavailable' ? 503 : 500, fields: { code, ...fields } })

const refusals: readonly Row[] = [
  { name: 'says that the person does not approve', fault: comesBack((callback) => refusedWith(callback, { error: 'access_denied', error_description: 'No, thanks' })), outcome: failure, why: 'No is an answer, and no error.' },
  { name: 'says so without a word', fault: comesBack((callback) => refusedWith(callback, { error: 'access_denied' })), outcome: failure, why: 'error_description is optional (RFC 6749 §4.1.2.1).' },
  { name: 'says so without a state', fault: comesBack((callback) => refusedWith(callback, { error: 'access_denied' }, '')), outcome: stateError('missing'), why: 'An error without a valid state is not believed: anybody can send it.' },
  { name: 'says so with a forged state', fault: comesBack((callback) => refusedWith(callback, { error: 'access_denied' }, 'forged')), outcome: stateError('unknown'), why: 'The same.' },
  { name: 'says that the scope is not known', fault: comesBack((callback) => refusedWith(callback, { error: 'invalid_scope', error_description: 'No such scope' })), outcome: authorizationError('invalid_scope'), why: 'What is wrong with the app is for its log, not for the person.' },
  { name: 'says that Twilio is busy', fault: comesBack((callback) => refusedWith(callback, { error: 'temporarily_unavailable' })), outcome: authorizationError('temporarily_unavailable'), why: 'The same.' },
  { name: 'says something with a script and line ends in it', fault: comesBack((callback) => refusedWith(callback, { error: 'x"><script>', error_description: 'a\r\nlevel=info\u2028', error_uri: 'javascript:alert(1)' })), outcome: authorizationError('x"><script>', { uri: undefined }), why: 'A log has one line for an error, and a page links to web pages only.' },
  { name: 'has both a code and an error', fault: comesBack((callback) => withValue(callback, 'error', 'access_denied')), outcome: badRequest, why: 'It cannot be both.' }
]

const formOf = (callback: URL): Asked => ({ method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: callback.search.slice(1) })

const methods: readonly Row[] = [
  { name: 'is posted as a form', fault: { visit: async (visit) => visit.visitor.get('/callback', formOf(await approved(visit))) }, outcome: loggedIn(), why: "OAuth 2.0's response_mode=form_post." },
  {
    name: 'is posted with another code in the body than in the address',
    fault: {
      visit: async (visit) => {
        const callback = await approved(visit)
        return visit.visitor.get(callback.href, formOf(withValue(new URL(callback), 'code', 'another')))
      }
    },
    outcome: badRequest,
    why: 'Which one counts depends on who reads it.'
  },
  { name: 'is posted as JSON', fault: { visit: async (visit) => visit.visitor.get('/callback', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(Object.fromEntries((await approved(visit)).searchParams)) }) }, outcome: { answer: 302 }, notApplicable: onlyOurs('this row is about what begins a login'), why: 'Where nobody has read the body it is a request to begin a login, and no more.' },
  { name: 'has a body although it is a GET', fault: { visit: async (visit) => visit.visitor.get((await approved(visit)).href, { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'code=another' }) }, outcome: loggedIn(), why: 'Nobody reads the body of a GET.' },
  { name: 'is looked at first, with HEAD', fault: comesBackAfter((callback, { visitor }) => visitor.get(callback.href, { method: 'HEAD' })), outcome: loggedIn(), why: 'Link checkers and chat programs do so; it must not spend the login.' },
  { name: 'is prefetched first', fault: comesBackAfter((callback, { visitor }) => visitor.get(callback.href, { headers: { 'Sec-Purpose': 'prefetch;prerender' } })), outcome: loggedIn(), why: 'Browsers do so, and may never show what they got.' },
  { name: 'is previewed first, by an old browser', fault: comesBackAfter((callback, { visitor }) => visitor.get(callback.href, { headers: { 'X-Purpose': 'preview' } })), outcome: loggedIn(), why: 'The same.' },
  { name: 'comes with a host header that is no host', fault: { visit: async (visit): Promise<Seen> => visit.visitor.get((await approved(visit)).href, { headers: { Host: 'a/b@evil.example' } }) }, outcome: loggedIn(), why: 'callbackURL is what was configured, whatever a request claims.' }
]

export const callback: readonly Row[] = [...states, ...parameters, ...refusals, ...methods]
