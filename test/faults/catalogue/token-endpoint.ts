import { promisify } from 'node:util'
import { gzip, gzipSync } from 'node:zlib'
import { unsigned } from '../../support/jwt'
import type { Behaviour } from '../../support/twilio-server'
import { again, answers, body, but, bytes, chunk, flood, goodJSON, head, page, silent, whole, wire } from '../answers'
import { EXPIRED, SELF_SIGNED, UNTRUSTED_KEY, WRONG_HOST } from '../certificates'
import type { GoodAnswer } from '../provider'
import { loggedIn, networkError, onlyOurs, responseError, timeoutError, tokenError, type Outcome, type Row } from '../row'

const CAP = 262_144
const BOMB = 200_000_000
/** ms, for rows that end with the deadline. */
const SHORT = { timeout: 800 }
const cap = onlyOurs('has no limit of its own to be a byte under or over')
const leavesTheRest = { "openid-client's strategy": 'has its answer whole, and leaves the rest alone' }
const OPAQUE = 'an-opaque-access-token'

let packed: Promise<Buffer> | undefined

/** Packed once, and beside everything else: it takes a second. */
async function compressedBomb(good: GoodAnswer): Promise<Behaviour> {
  const bomb = await (packed ??= promisify(gzip)(Buffer.alloc(BOMB)))
  return body(() => bomb, { 'Content-Encoding': 'gzip' })(good)
}

const network: readonly Row[] = [
  { name: 'nobody listens', fault: {}, settings: { tokenServer: 'nobody listens' }, outcome: networkError, why: 'An outage is told as one, at once.' },
  { name: 'its host has no address', fault: {}, settings: { tokenServer: 'no such host' }, outcome: networkError, why: 'A name that does not resolve is an outage, or a typing mistake.' },
  { name: 'is silent', fault: { token: () => silent }, settings: SHORT, outcome: timeoutError, why: 'The person must not wait forever.' },
  { name: 'is silent after the headers', fault: { token: bytes((good) => head(good, 'Content-Length: 50')) }, settings: SHORT, outcome: timeoutError, why: 'A deadline for the first byte alone is none.' },
  { name: 'is silent in the middle of the body', fault: { token: bytes((good) => whole(good).slice(0, -20)) }, settings: SHORT, outcome: timeoutError, why: 'A deadline for the headers alone is none.' },
  {
    name: 'sends a byte at a time',
    id: 'SEC-33',
    fault: { token: wire((socket, good) => { socket.write(head(good, 'Content-Length: 5000')); again(socket, ' ', 30) }) },
    settings: SHORT,
    outcome: timeoutError,
    why: 'An idle timeout never fires while bytes trickle in.'
  },
  {
    name: 'sends a header at a time',
    fault: { token: wire((socket) => { socket.write('HTTP/1.1 200 OK\r\n'); again(socket, 'X-More: 1\r\n', 30) }) },
    settings: SHORT,
    outcome: timeoutError,
    why: 'The same, before the body.'
  },
  { name: 'sends interim answers without end', fault: { token: wire((socket) => again(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n', 30)) }, settings: SHORT, outcome: timeoutError, why: 'An interim answer is no answer.' },
  { name: 'sends an interim answer first', fault: { token: bytes((good) => `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${whole(good)}`) }, outcome: loggedIn(), why: 'RFC 8297 lets it.' },
  { name: 'is cut short, with a length', fault: { token: bytes((good) => whole(good).slice(0, -20), { end: true }) }, outcome: responseError, why: 'Half an answer is none.' },
  { name: 'is cut short, in chunks', fault: { token: bytes((good) => head(good, 'Transfer-Encoding: chunked') + chunk(goodJSON(good)), { end: true }) }, outcome: responseError, why: 'The last chunk is missing, although the JSON is whole.' },
  { name: 'is cut short, with neither', fault: { token: bytes((good) => head(good, 'Connection: close') + goodJSON(good).slice(0, -20), { end: true }) }, outcome: responseError, why: 'Half of a JSON document is none.' },
  { name: 'ends with the connection', fault: { token: bytes((good) => head(good, 'Connection: close') + goodJSON(good), { end: true }) }, outcome: loggedIn(), why: 'HTTP/1.0 servers and old proxies end so.' },
  { name: 'closes after the headers', fault: { token: bytes((good) => head(good, 'Content-Length: 50'), { end: true }) }, outcome: responseError, why: 'An empty body is not what was announced.' },
  { name: 'closes without an answer', fault: { token: wire((socket) => socket.end()) }, outcome: networkError, why: 'A proxy that restarts does so.' },
  { name: 'resets the connection', fault: { token: wire((socket) => socket.resetAndDestroy()) }, outcome: networkError, why: 'A balancer does so.' },
  {
    name: 'resets the connection in the middle of the body',
    // A reset throws away what has not been read yet.
    fault: { token: wire((socket, good) => void socket.write(whole(good).slice(0, -20), () => setTimeout(() => socket.resetAndDestroy(), 100))) },
    outcome: networkError,
    why: 'A broken body must not leave anybody waiting.'
  },
  { name: 'has a certificate for another host', id: 'SEC-16', fault: {}, settings: { tokenServer: { cert: WRONG_HOST, key: UNTRUSTED_KEY } }, outcome: networkError, why: 'The client secret must not go to whoever answers.' },
  { name: 'has an expired certificate', fault: {}, settings: { tokenServer: { cert: EXPIRED, key: UNTRUSTED_KEY } }, outcome: networkError, why: 'The same.' },
  { name: 'has a certificate that it signed itself', fault: {}, settings: { tokenServer: { cert: SELF_SIGNED, key: UNTRUSTED_KEY } }, outcome: networkError, why: 'The same.' }
]

const sizes: readonly Row[] = [
  {
    name: 'does not end',
    id: 'SEC-34',
    fault: { token: wire((socket, good) => { socket.write(head(good, 'Transfer-Encoding: chunked')); flood(socket, chunk(' '.repeat(65_536))) }) },
    settings: { timeout: 3000 },
    outcome: responseError,
    why: 'Memory is not endless; a deadline alone takes gigabytes.'
  },
  { name: 'is as long as allowed', fault: { token: body((good) => goodJSON(good).padEnd(CAP)) }, outcome: loggedIn(), why: 'A limit means what it says.' },
  { name: 'is a byte longer than allowed, and says so', fault: { token: body((good) => goodJSON(good).padEnd(CAP + 1)) }, outcome: responseError, notApplicable: cap, why: 'The same.' },
  {
    name: 'is a byte longer than allowed, and does not say so',
    fault: { token: bytes((good) => `${head(good, 'Transfer-Encoding: chunked')}${chunk(goodJSON(good).padEnd(CAP + 1))}0\r\n\r\n`) },
    outcome: responseError,
    notApplicable: cap,
    why: 'The same.'
  },
  { name: 'is compressed without being asked', fault: { token: body((good) => gzipSync(goodJSON(good)), { 'Content-Encoding': 'gzip' }) }, outcome: responseError, notApplicable: { "openid-client's strategy": 'asks for compression' }, why: 'Nobody asked for it, so nobody unpacks it.' },
  { name: 'is a compressed bomb', fault: { token: compressedBomb }, outcome: responseError, why: 'A few hundred KB must not become 200 MB of memory.' },
  { name: 'has headers without end', fault: { token: wire((socket) => { socket.write('HTTP/1.1 200 OK\r\n'); flood(socket, `X-More: ${'a'.repeat(8000)}\r\n`) }) }, outcome: networkError, why: 'The limit of the body is none for headers.' }
]

const http: readonly Row[] = [
  { name: 'sends more than it announced', fault: { token: bytes((good) => `${whole(good)}trailing`, { end: true }) }, outcome: networkError, notApplicable: leavesTheRest, why: 'Bytes that belong to no answer: whoever sends them cannot be followed.' },
  { name: 'sends garbage after the last chunk', fault: { token: bytes((good) => `${head(good, 'Transfer-Encoding: chunked')}${chunk(goodJSON(good))}0\r\n\r\ngarbage`) }, outcome: networkError, notApplicable: leavesTheRest, why: 'The same.' },
  {
    name: "sends a second answer, for somebody else's login",
    fault: { token: bytes((good) => whole(good) + whole({ ...good, answer: { ...good.answer, id_token: null, access_token: unsigned({ sub: 'mallory' }) } })) },
    outcome: loggedIn({ name: 'Zoë' }),
    why: 'An answer that waits on a kept connection must not be taken for the next one.'
  },
  { name: 'gives two lengths', fault: { token: bytes((good) => whole(good, 'Content-Length: 5')) }, outcome: networkError, why: 'Where it ends depends on who reads it: a smuggled answer.' },
  { name: 'gives a length and chunks', fault: { token: bytes((good) => `${head(good, 'Content-Length: 5', 'Transfer-Encoding: chunked')}${chunk(goodJSON(good))}0\r\n\r\n`) }, outcome: networkError, why: 'The same.' },
  { name: 'gives an impossible length', fault: { token: bytes((good) => head(good, 'Content-Length: 99999999999999999999999') + goodJSON(good)) }, outcome: networkError, why: 'A number that does not fit must not become another one.' },
  { name: 'gives a length below zero', fault: { token: bytes((good) => head(good, 'Content-Length: -1') + goodJSON(good)) }, outcome: networkError, why: 'The same.' },
  { name: 'names the transfer encoding identity', fault: { token: bytes((good) => `${head(good, 'Transfer-Encoding: identity')}${goodJSON(good)}`, { end: true }) }, outcome: loggedIn(), why: 'It was allowed once, and says nothing.' },
  { name: 'changes to another protocol', fault: { token: bytes(() => 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n') }, outcome: responseError, why: 'A socket that speaks something else gives no tokens.' },
  { name: 'speaks another protocol', fault: { token: bytes(() => '220 mail.example ESMTP\r\n') }, outcome: networkError, why: 'A wrong port is told as such, with no crash.' },
  { name: 'answers with a status that is none', fault: { token: bytes(() => 'HTTP/1.1 99999 Strange\r\nContent-Length: 2\r\n\r\n{}') }, outcome: networkError, why: 'The same.' },
  { name: 'puts a line end into a header', fault: { token: bytes((good) => whole(good, 'X-Odd: a\u0000b')) }, outcome: networkError, why: 'A header that could be two must not be read as either.' },
  ...[301, 302, 303, 307, 308].map((status): Row => ({
    name: `redirects elsewhere with ${status}`,
    id: 'SEC-14',
    fault: { token: ({ provider, answer }) => (_request, response) => void response.writeHead(status, { Location: `${provider.url}/elsewhere` }).end(JSON.stringify(answer)) },
    outcome: responseError,
    why: 'The secret and the code are for this address only; and a redirect is no success, whatever is in its body.'
  })),
  { name: 'answers 204', fault: { token: () => (_request, response) => void response.writeHead(204).end() }, outcome: responseError, why: 'Success without tokens is none.' },
  { name: 'answers 202 with tokens', fault: { token: ({ answer }) => (_request, response) => void response.writeHead(202, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer)) }, outcome: responseError, notApplicable: { 'passport-oauth2': 'takes any success' }, why: 'The contract knows 200 and 201.' }
]

const bodies: readonly Row[] = [
  { name: 'answers HTML', fault: { token: page(200, '<html><h1>Down for maintenance</h1></html>') }, outcome: responseError, why: 'A portal between app and Twilio answers so.' },
  { name: 'answers a form', fault: { token: body(({ answer }) => new URLSearchParams(answer as Record<string, string>).toString(), { 'Content-Type': 'application/x-www-form-urlencoded' }) }, outcome: responseError, notApplicable: { 'passport-oauth2': 'reads forms on purpose' }, why: 'Twilio answers JSON, and nothing else is guessed at.' },
  { name: 'answers with nothing', fault: { token: body(() => '') }, outcome: responseError, why: 'An empty body has no tokens.' },
  ...Object.entries({ null: 'null', 'an array': '[]', 'a number': '42', 'a string': '"access_token"', true: 'true', 'half a document': '{"access_token": ', 'NaN': '{"access_token":"a","expires_in":NaN}' }).map(
    ([what, json]): Row => ({ name: `answers ${what}`, fault: { token: body(() => json) }, outcome: responseError, why: 'JSON that is no object has no fields to read.' })
  ),
  { name: 'nests 100,000 deep in a field that nobody knows', fault: { token: body((good) => goodJSON(good).replace(/}$/, `,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)) }, outcome: loggedIn(), why: 'Fields that are not known are left alone, and walked by nobody.' },
  { name: 'nests 100,000 deep as its access_token', fault: { token: body(() => `{"access_token":${'['.repeat(100_000)}${']'.repeat(100_000)}}`) }, outcome: responseError, why: 'Whoever walks it runs out of stack.' },
  { name: 'has tokens under __proto__', fault: { token: body((good) => `{"__proto__":${goodJSON(good)}}`) }, outcome: responseError, why: 'What an object inherits was not answered.' },
  { name: 'has a __proto__ beside its tokens', id: 'SEC-35', fault: { token: body((good) => goodJSON(good).replace(/}$/, ',"__proto__":{"status":500,"isAdmin":true},"constructor":null,"toString":1}')) }, outcome: loggedIn({ name: 'Zoë' }), why: 'No prototype may be polluted.' },
  { name: 'has a key twice', fault: { token: body((good) => goodJSON(good).replace('{', '{"access_token":"the-first",')) }, outcome: loggedIn({ name: 'Zoë' }), why: 'RFC 8259 leaves it open; the last one counts, as everywhere in JavaScript.' },
  { name: 'has a byte that is no UTF-8', fault: { token: body((good) => Buffer.concat([Buffer.from(goodJSON(good).replace(/}$/, ',"note":"')), Buffer.of(0xff), Buffer.from('"}')])) }, outcome: responseError, why: 'A replacement character is a guess; two such texts would look the same.' },
  {
    name: 'splits a letter between packets',
    fault: {
      token: wire((socket, good) => {
        const json = Buffer.from(goodJSON(good).replace(/}$/, ',"note":"é"}'))
        const middle = json.indexOf('é') + 1
        socket.write(head(good, `Content-Length: ${json.length}`))
        socket.write(json.subarray(0, middle))
        setTimeout(() => socket.write(json.subarray(middle)), 50)
      })
    },
    outcome: loggedIn({ note: 'é' }),
    why: 'UTF-8 must be read whole, or names come out broken.'
  },
  { name: 'begins with a byte order mark', fault: { token: body((good) => `\ufeff${goodJSON(good)}`) }, outcome: responseError, notApplicable: { "openid-client's strategy": "skips it, as fetch's json() does" }, why: 'RFC 8259 §8.1 forbids it; nothing is guessed at.' },
  { name: 'answers UTF-16', fault: { token: body((good) => Buffer.from(`\ufeff${goodJSON(good)}`, 'utf16le'), { 'Content-Type': 'application/json; charset=utf-16' }) }, outcome: responseError, why: 'JSON is UTF-8 (RFC 8259 §8.1).' },
  { name: 'says latin1, and answers UTF-8', fault: { token: body((good) => goodJSON(good).replace(/}$/, ',"note":"é"}'), { 'Content-Type': 'application/json; charset=latin1' }) }, outcome: loggedIn({ note: 'é' }), why: 'JSON is UTF-8 whatever the header says.' },
  { name: 'says latin1, and answers latin1', fault: { token: body((good) => Buffer.from(goodJSON(good).replace(/}$/, ',"note":"é"}'), 'latin1'), { 'Content-Type': 'application/json; charset=latin1' }) }, outcome: responseError, why: 'The same, from the other side.' },
  { name: 'says nothing of what it answers', fault: { token: bytes((good) => whole(good).replace('Content-Type: application/json\r\n', '')) }, outcome: loggedIn(), notApplicable: { "openid-client's strategy": 'takes JSON only where the header says so' }, why: 'JSON is JSON; Twilio has no reason to answer anything else.' }
]

const strict = { "openid-client's strategy": 'takes a number of seconds alone, as the standard says' }

type Value = readonly [what: string, value: unknown, outcome: Outcome, notApplicable?: Row['notApplicable'], id?: string]

/** Each field null, missing, and of wrong types. The contract says that each may be null. */
const fieldValues: Readonly<Record<string, readonly Value[]>> = {
  access_token: [
    ['null', null, responseError],
    ['missing', undefined, responseError],
    ['empty', '', responseError],
    ['a number', 5, responseError],
    ['true', true, responseError],
    ['an array', ['a'], responseError],
    ['an object', { a: 1 }, responseError],
    ['two lines', 'a\r\nX-Evil: 1', responseError, {}, 'SEC-36'],
    ['no ASCII', 'tökén', responseError]
  ],
  refresh_token: [
    ['null', null, loggedIn({ hasRefreshToken: false })],
    ['missing', undefined, loggedIn({ hasRefreshToken: false })],
    ['a number', 5, responseError],
    ['an array', ['a'], responseError],
    ['an object', { a: 1 }, responseError]
  ],
  id_token: [
    ['null', null, loggedIn()],
    ['missing', undefined, loggedIn()],
    ['a number', 5, responseError],
    ['an array', ['a'], responseError],
    ['an object', { a: 1 }, responseError]
  ],
  token_type: [
    ['null', null, loggedIn()],
    ['missing', undefined, loggedIn()],
    ['in capitals', 'BEARER', loggedIn()],
    ['of another kind', 'mac', responseError],
    ['a number', 5, responseError],
    ['an array', ['bearer'], responseError],
    ['an object', { bearer: 1 }, responseError]
  ],
  expires_in: [
    ['null', null, loggedIn({ expiresIn: null })],
    ['missing', undefined, loggedIn({ expiresIn: null })],
    ['negative', -1, loggedIn({ expiresIn: null }), strict],
    ['0', 0, loggedIn({ expiresIn: null })],
    ['a string', '3600', loggedIn({ expiresIn: 3600 })],
    ['words', 'soon', loggedIn({ expiresIn: null }), strict],
    ['huge', 1e300, loggedIn({ expiresIn: null })],
    ['an array', [3600], loggedIn({ expiresIn: null }), strict],
    ['an object', { seconds: 3600 }, loggedIn({ expiresIn: null }), strict]
  ]
}

const fields: readonly Row[] = [
  ...Object.entries(fieldValues).flatMap(([field, values]) =>
    values.map(
      ([what, value, outcome, notApplicable = {}, id]): Row => ({
        name: `${field} ${what}`,
        id,
        // Without an end of its own, so that expires_in counts.
        fault: { token: but({ ...(field === 'expires_in' ? { access_token: OPAQUE } : {}), [field]: value }) },
        outcome,
        notApplicable,
        why: 'loggedIn' in outcome ? 'The contract lets every field be null, and a field that nobody needs keeps nobody out.' : 'It is no token, and the person would be logged in with nothing.'
      })
    )
  ),
  {
    name: "expires_in as in the contract's own example",
    fault: { token: but({ access_token: OPAQUE, expires_in: 1_438_315_200_000 }) },
    outcome: loggedIn({ expiresIn: Math.round((1_438_315_200_000 - Date.now()) / 1000) }),
    why: 'It is no lifetime in seconds, but a moment in milliseconds.'
  }
]

const errors: readonly Row[] = [
  { name: "a 400 of Twilio's", fault: { token: answers(400, { code: 20001, message: 'Invalid parameter', more_info: 'https://www.twilio.com/docs/errors/20001', status: 400 }) }, outcome: tokenError('invalid_grant', 400, { twilioCode: 20001, moreInfo: 'https://www.twilio.com/docs/errors/20001' }), why: "Twilio's own shape is an error with a name." },
  { name: "a 401 of Twilio's", fault: { token: answers(401, { code: 20003, message: 'Authenticate', more_info: 'https://www.twilio.com/docs/errors/20003', status: 401 }) }, outcome: tokenError('invalid_client', 401, { twilioCode: 20003 }), why: 'A wrong secret is told as such.' },
  { name: "a 429 of Twilio's", fault: { token: answers(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: '2030-01-01T00:00:00Z' }) }, outcome: tokenError('temporarily_unavailable', 429, { twilioCode: 20429, retryAt: Date.UTC(2030, 0, 1) }), why: 'When to come back is told along.' },
  { name: "a 500 of Twilio's", fault: { token: answers(500, { code: 20500, message: 'Internal server error', status: 500 }) }, outcome: tokenError('server_error', 500, { twilioCode: 20500 }), why: 'Trouble at Twilio is told as such.' },
  { name: "a 400 of OAuth's", fault: { token: answers(400, { error: 'invalid_grant', error_description: 'Spent.' }) }, outcome: tokenError('invalid_grant', 400), why: 'RFC 6749 §5.2.' },
  { name: "a 401 of OAuth's", fault: { token: answers(401, { error: 'invalid_client' }, { 'WWW-Authenticate': 'Basic' }) }, outcome: tokenError('invalid_client', 401), why: 'RFC 6749 §5.2.' },
  { name: 'a 502 in HTML', fault: { token: page(502, '<html><h1>502 Bad Gateway</h1></html>') }, outcome: tokenError('server_error', 502), why: 'A balancer answers so.' },
  { name: "OAuth's error with status 200", fault: { token: answers(200, { error: 'invalid_grant' }) }, outcome: tokenError('invalid_grant', 502), why: 'Some providers say no with 200.' },
  { name: "Twilio's error with status 201", fault: { token: answers(201, { code: 20003, message: 'Authenticate', status: 401 }) }, outcome: tokenError('invalid_client', 502, { twilioCode: 20003 }), why: 'The same.' },
  { name: 'an error that is an object', fault: { token: answers(400, { error: { type: 'invalid_grant', message: 'no' } }) }, outcome: responseError, why: 'Other APIs answer so; no property of it may be taken for text.' },
  {
    name: 'an error that repeats the secret, the code and the verifier',
    fault: { token: ({ request }) => (_request, response) => void response.writeHead(400, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: 'invalid_request', error_description: request.body.slice(0, 2000), error_uri: `https://x.example/?${request.body}` })) },
    outcome: tokenError('invalid_request', 400),
    why: 'What goes into a log must not hold what was sent.'
  },
  {
    name: 'an error that repeats each secret alone',
    fault: { token: ({ request }) => (_request, response) => void response.writeHead(401, { 'Content-Type': 'application/json' }).end(JSON.stringify({ code: 20003, message: [...request.form.values()].join(' '), status: 401 })) },
    outcome: tokenError('invalid_client', 401),
    why: 'The same.'
  },
  { name: 'an error with a script and line ends in it', id: 'SEC-23', fault: { token: answers(400, { error: 'invalid_grant', error_description: '<script>alert(1)</script>\r\nlevel=info msg="logged in"\u2028', error_uri: 'javascript:alert(1)' }) }, outcome: tokenError('invalid_grant', 400, { uri: undefined }), why: 'A log has one line for an error, and a page links to web pages only.' },
  { name: 'an error of 200 KB', fault: { token: answers(400, { error: 'e'.repeat(100_000), error_description: 'd'.repeat(100_000) }) }, outcome: { error: 'TwilioTokenError', status: 400 }, why: 'Nobody reads it, and every log would hold it.' }
]

export const tokenEndpoint: readonly Row[] = [...network, ...sizes, ...http, ...bodies, ...fields, ...errors]
