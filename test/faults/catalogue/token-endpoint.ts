import { promisify } from 'node:util'
import { gzip, gzipSync } from 'node:zlib'
import { unsigned } from '../../support/jwt'
import type { Behaviour } from '../../support/twilio-server'
import { repeatedly, respondWith, body, withFields, rawBytes, chunk, flood, goodJSON, head, html, neverResponds, completeResponse, rawSocket } from '../responses'
import { EXPIRED, SELF_SIGNED, UNTRUSTED_KEY, WRONG_HOST } from '../certificates'
import type { GoodResponse } from '../provider'
import { loggedIn, networkError, notForPeers, responseError, timeoutError, tokenError, type Outcome, type Row } from '../row'

const MAX_RESPONSE_BYTES = 262_144
const BOMB_BYTES = 200_000_000
/** ms, for rows that end in a timeout. */
const SHORT = { timeout: 800 }
const noLimit = notForPeers('has no limit of its own')
const ignoresTheRest = { "openid-client's strategy": 'has the complete response, and ignores the rest' }
const OPAQUE = 'an-opaque-access-token'

let compressed: Promise<Buffer> | undefined

/** Compressed once, and asynchronously, because it takes a second. */
async function compressedBomb(good: GoodResponse): Promise<Behaviour> {
  const bomb = await (compressed ??= promisify(gzip)(Buffer.alloc(BOMB_BYTES)))
  return body(() => bomb, { 'Content-Encoding': 'gzip' })(good)
}

const network: readonly Row[] = [
  { name: 'refuses connections', fault: {}, settings: { tokenServer: 'refuses connections' }, outcome: networkError, why: 'An outage must be reported as one, immediately.' },
  { name: 'has a host name that does not resolve', fault: {}, settings: { tokenServer: 'no such host' }, outcome: networkError, why: 'A host name that does not resolve means an outage or a typo.' },
  { name: 'never responds', fault: { token: () => neverResponds }, settings: SHORT, outcome: timeoutError, why: 'The user must not wait forever.' },
  { name: 'stops responding after the headers', fault: { token: rawBytes((good) => head(good, 'Content-Length: 50')) }, settings: SHORT, outcome: timeoutError, why: 'A deadline for the first byte only is not enough.' },
  { name: 'stops responding in the middle of the body', fault: { token: rawBytes((good) => completeResponse(good).slice(0, -20)) }, settings: SHORT, outcome: timeoutError, why: 'A deadline for the headers only is not enough.' },
  {
    name: 'sends the body one byte at a time',
    id: 'SEC-33',
    fault: { token: rawSocket((socket, good) => { socket.write(head(good, 'Content-Length: 5000')); repeatedly(socket, ' ', 30) }) },
    settings: SHORT,
    outcome: timeoutError,
    why: 'An idle timeout never fires while bytes keep arriving.'
  },
  {
    name: 'sends the headers one at a time',
    fault: { token: rawSocket((socket) => { socket.write('HTTP/1.1 200 OK\r\n'); repeatedly(socket, 'X-More: 1\r\n', 30) }) },
    settings: SHORT,
    outcome: timeoutError,
    why: 'An idle timeout never fires while headers keep arriving.'
  },
  { name: 'sends endless interim responses', fault: { token: rawSocket((socket) => repeatedly(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n', 30)) }, settings: SHORT, outcome: timeoutError, why: 'An interim response does not count as a response.' },
  { name: 'sends an interim response first', fault: { token: rawBytes((good) => `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${completeResponse(good)}`) }, outcome: loggedIn(), why: 'RFC 8297 allows it.' },
  { name: 'closes the connection before the end of a body with Content-Length', fault: { token: rawBytes((good) => completeResponse(good).slice(0, -20), { end: true }) }, outcome: responseError, why: 'An incomplete response must not be used.' },
  { name: 'closes the connection before the last chunk of a chunked body', fault: { token: rawBytes((good) => head(good, 'Transfer-Encoding: chunked') + chunk(goodJSON(good)), { end: true }) }, outcome: responseError, why: 'The last chunk is missing, even though the JSON is complete.' },
  { name: 'closes the connection in the middle of a body without Content-Length', fault: { token: rawBytes((good) => head(good, 'Connection: close') + goodJSON(good).slice(0, -20), { end: true }) }, outcome: responseError, why: 'An incomplete JSON document must not be used.' },
  { name: 'ends the body by closing the connection', fault: { token: rawBytes((good) => head(good, 'Connection: close') + goodJSON(good), { end: true }) }, outcome: loggedIn(), why: 'HTTP/1.0 servers and old proxies do this.' },
  { name: 'closes the connection after the headers', fault: { token: rawBytes((good) => head(good, 'Content-Length: 50'), { end: true }) }, outcome: responseError, why: 'The body must be as long as its Content-Length.' },
  { name: 'closes the connection without a response', fault: { token: rawSocket((socket) => socket.end()) }, outcome: networkError, why: 'A proxy does this when it restarts.' },
  { name: 'resets the connection', fault: { token: rawSocket((socket) => socket.resetAndDestroy()) }, outcome: networkError, why: 'Load balancers do this.' },
  {
    name: 'resets the connection in the middle of the body',
    // A reset discards data that has not been read yet, so the client gets some time to read it.
    fault: { token: rawSocket((socket, good) => void socket.write(completeResponse(good).slice(0, -20), () => setTimeout(() => socket.resetAndDestroy(), 500))) },
    outcome: responseError,
    why: 'An incomplete response must not be used, and the user must not wait for the rest of it.'
  },
  { name: 'has a certificate for another host', id: 'SEC-16', fault: {}, settings: { tokenServer: { cert: WRONG_HOST, key: UNTRUSTED_KEY } }, outcome: networkError, why: 'The client secret must only be sent to Twilio.' },
  { name: 'has an expired certificate', fault: {}, settings: { tokenServer: { cert: EXPIRED, key: UNTRUSTED_KEY } }, outcome: networkError, why: 'The client secret must only be sent to Twilio.' },
  { name: 'has a self-signed certificate', fault: {}, settings: { tokenServer: { cert: SELF_SIGNED, key: UNTRUSTED_KEY } }, outcome: networkError, why: 'The client secret must only be sent to Twilio.' }
]

const sizes: readonly Row[] = [
  {
    name: 'sends an endless body',
    id: 'SEC-34',
    fault: { token: rawSocket((socket, good) => { socket.write(head(good, 'Transfer-Encoding: chunked')); flood(socket, chunk(' '.repeat(65_536))) }) },
    settings: { timeout: 3000 },
    outcome: responseError,
    why: 'Without a size limit, gigabytes arrive before the deadline.'
  },
  { name: 'sends a body of exactly maxResponseBytes', fault: { token: body((good) => goodJSON(good).padEnd(MAX_RESPONSE_BYTES)) }, outcome: loggedIn(), why: 'The limit must be exact.' },
  { name: 'sends a body one byte longer than maxResponseBytes, with Content-Length', fault: { token: body((good) => goodJSON(good).padEnd(MAX_RESPONSE_BYTES + 1)) }, outcome: responseError, notApplicable: noLimit, why: 'The limit must be exact.' },
  {
    name: 'sends a body one byte longer than maxResponseBytes, in chunks',
    fault: { token: rawBytes((good) => `${head(good, 'Transfer-Encoding: chunked')}${chunk(goodJSON(good).padEnd(MAX_RESPONSE_BYTES + 1))}0\r\n\r\n`) },
    outcome: responseError,
    notApplicable: noLimit,
    why: 'The limit must be exact.'
  },
  { name: 'compresses the body although the request did not ask for it', fault: { token: body((good) => gzipSync(goodJSON(good)), { 'Content-Encoding': 'gzip' }) }, outcome: responseError, notApplicable: { "openid-client's strategy": 'asks for compression' }, why: 'The request did not ask for compression, so the body is not decompressed.' },
  { name: 'sends a compression bomb', fault: { token: compressedBomb }, outcome: responseError, why: 'A few hundred KB must not expand to 200 MB of memory.' },
  { name: 'sends endless headers', fault: { token: rawSocket((socket) => { socket.write('HTTP/1.1 200 OK\r\n'); flood(socket, `X-More: ${'a'.repeat(8000)}\r\n`) }) }, outcome: networkError, why: 'The limit for the body does not cover the headers.' }
]

const http: readonly Row[] = [
  { name: 'sends more bytes than its Content-Length', fault: { token: rawBytes((good) => `${completeResponse(good)}trailing`, { end: true }) }, outcome: networkError, notApplicable: ignoresTheRest, why: 'The extra bytes belong to no response, so the connection cannot be trusted.' },
  { name: 'sends garbage after the last chunk', fault: { token: rawBytes((good) => `${head(good, 'Transfer-Encoding: chunked')}${chunk(goodJSON(good))}0\r\n\r\ngarbage`) }, outcome: networkError, notApplicable: ignoresTheRest, why: 'The extra bytes belong to no response, so the connection cannot be trusted.' },
  {
    name: "sends a second response, for another user's login",
    fault: { token: rawBytes((good) => completeResponse(good) + completeResponse({ ...good, fields: { ...good.fields, id_token: null, access_token: unsigned({ sub: 'mallory' }) } })) },
    outcome: loggedIn({ name: 'Zoë' }),
    why: 'A leftover response on a keep-alive connection must not be used for the next request.'
  },
  { name: 'sends two different Content-Length headers', fault: { token: rawBytes((good) => completeResponse(good, 'Content-Length: 5')) }, outcome: networkError, why: 'Where the body ends depends on who parses it, which allows response smuggling.' },
  { name: 'sends both Content-Length and Transfer-Encoding: chunked', fault: { token: rawBytes((good) => `${head(good, 'Content-Length: 5', 'Transfer-Encoding: chunked')}${chunk(goodJSON(good))}0\r\n\r\n`) }, outcome: networkError, why: 'Where the body ends depends on who parses it, which allows response smuggling.' },
  { name: 'sends a Content-Length that is out of range', fault: { token: rawBytes((good) => head(good, 'Content-Length: 99999999999999999999999') + goodJSON(good)) }, outcome: networkError, why: 'A number that is out of range must not be read as another number.' },
  { name: 'sends a negative Content-Length', fault: { token: rawBytes((good) => head(good, 'Content-Length: -1') + goodJSON(good)) }, outcome: networkError, why: 'A number that is out of range must not be read as another number.' },
  { name: 'sends Transfer-Encoding: identity', fault: { token: rawBytes((good) => `${head(good, 'Transfer-Encoding: identity')}${goodJSON(good)}`, { end: true }) }, outcome: loggedIn(), why: 'It used to be allowed, and means no encoding.' },
  { name: 'responds with 101 Switching Protocols', fault: { token: rawBytes(() => 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n') }, outcome: responseError, why: 'A connection that no longer uses HTTP cannot return tokens.' },
  { name: 'uses another protocol than HTTP', fault: { token: rawBytes(() => '220 mail.example ESMTP\r\n') }, outcome: networkError, why: 'A wrong port must cause a clear error, not a crash.' },
  { name: 'sends an invalid status code', fault: { token: rawBytes(() => 'HTTP/1.1 99999 Strange\r\nContent-Length: 2\r\n\r\n{}') }, outcome: networkError, why: 'An invalid response must cause a clear error, not a crash.' },
  { name: 'sends a header with a NUL character in it', fault: { token: rawBytes((good) => completeResponse(good, 'X-Odd: a\u0000b')) }, outcome: networkError, why: 'Headers with control characters must be rejected, since they can smuggle other headers.' },
  ...[301, 302, 303, 307, 308].map((status): Row => ({
    name: `redirects to another URL with ${status}`,
    id: 'SEC-14',
    fault: { token: ({ provider, fields }) => (_request, response) => void response.writeHead(status, { Location: `${provider.url}/elsewhere` }).end(JSON.stringify(fields)) },
    outcome: responseError,
    why: 'The client secret and the code must only be sent to this URL, and a redirect is not a success, whatever its body contains.'
  })),
  { name: 'responds with 204', fault: { token: () => (_request, response) => void response.writeHead(204).end() }, outcome: responseError, why: 'A success must contain tokens.' },
  { name: 'responds with 202 and tokens', fault: { token: ({ fields }) => (_request, response) => void response.writeHead(202, { 'Content-Type': 'application/json' }).end(JSON.stringify(fields)) }, outcome: responseError, notApplicable: { 'passport-oauth2': 'accepts any 2xx status' }, why: 'The API contract only defines 200 and 201.' }
]

const bodies: readonly Row[] = [
  { name: 'responds with HTML', fault: { token: html(200, '<html><h1>Down for maintenance</h1></html>') }, outcome: responseError, why: 'A captive portal between the app and Twilio does this.' },
  { name: 'responds with a form-encoded body', fault: { token: body(({ fields }) => new URLSearchParams(fields as Record<string, string>).toString(), { 'Content-Type': 'application/x-www-form-urlencoded' }) }, outcome: responseError, notApplicable: { 'passport-oauth2': 'supports form-encoded responses' }, why: 'Twilio returns JSON, and nothing else is guessed.' },
  { name: 'responds with an empty body', fault: { token: body(() => '') }, outcome: responseError, why: 'An empty body contains no tokens.' },
  ...Object.entries({ null: 'null', 'an array': '[]', 'a number': '42', 'a string': '"access_token"', true: 'true', 'half a JSON document': '{"access_token": ', 'NaN as expires_in': '{"access_token":"a","expires_in":NaN}' }).map(
    ([what, json]): Row => ({ name: `responds with ${what}`, fault: { token: body(() => json) }, outcome: responseError, why: 'Only a JSON object has fields to read.' })
  ),
  { name: 'nests an unknown field 100,000 levels deep', fault: { token: body((good) => goodJSON(good).replace(/}$/, `,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)) }, outcome: loggedIn(), why: 'Unknown fields are ignored, and never traversed.' },
  { name: 'nests access_token 100,000 levels deep', fault: { token: body(() => `{"access_token":${'['.repeat(100_000)}${']'.repeat(100_000)}}`) }, outcome: responseError, why: 'Code that traverses it overflows the stack.' },
  { name: 'returns the tokens under __proto__', fault: { token: body((good) => `{"__proto__":${goodJSON(good)}}`) }, outcome: responseError, why: 'Inherited properties are not part of the response.' },
  { name: 'returns __proto__ next to the tokens', id: 'SEC-35', fault: { token: body((good) => goodJSON(good).replace(/}$/, ',"__proto__":{"status":500,"isAdmin":true},"constructor":null,"toString":1}')) }, outcome: loggedIn({ name: 'Zoë' }), why: 'No prototype may be changed.' },
  { name: 'returns a key twice', fault: { token: body((good) => goodJSON(good).replace('{', '{"access_token":"the-first",')) }, outcome: loggedIn({ name: 'Zoë' }), why: 'RFC 8259 leaves it open. The last one counts, as usual in JavaScript.' },
  { name: 'returns invalid UTF-8', fault: { token: body((good) => Buffer.concat([Buffer.from(goodJSON(good).replace(/}$/, ',"note":"')), Buffer.of(0xff), Buffer.from('"}')])) }, outcome: responseError, why: 'Replacement characters would make different texts look the same.' },
  {
    name: 'splits a UTF-8 character between packets',
    fault: {
      token: rawSocket((socket, good) => {
        const json = Buffer.from(goodJSON(good).replace(/}$/, ',"note":"é"}'))
        const middle = json.indexOf('é') + 1
        socket.write(head(good, `Content-Length: ${json.length}`))
        socket.write(json.subarray(0, middle))
        setTimeout(() => socket.write(json.subarray(middle)), 50)
      })
    },
    outcome: loggedIn({ note: 'é' }),
    why: 'Decoding each packet separately would corrupt the character.'
  },
  { name: 'begins the body with a byte order mark', fault: { token: body((good) => `\ufeff${goodJSON(good)}`) }, outcome: loggedIn(), why: 'RFC 8259 §8.1 lets a parser ignore it.' },
  { name: 'responds in UTF-16', fault: { token: body((good) => Buffer.from(`\ufeff${goodJSON(good)}`, 'utf16le'), { 'Content-Type': 'application/json; charset=utf-16' }) }, outcome: responseError, why: 'JSON is UTF-8 (RFC 8259 §8.1).' },
  { name: 'declares latin1, and responds in UTF-8', fault: { token: body((good) => goodJSON(good).replace(/}$/, ',"note":"é"}'), { 'Content-Type': 'application/json; charset=latin1' }) }, outcome: loggedIn({ note: 'é' }), why: 'JSON is UTF-8, whatever the header says.' },
  { name: 'declares latin1, and responds in latin1', fault: { token: body((good) => Buffer.from(goodJSON(good).replace(/}$/, ',"note":"é"}'), 'latin1'), { 'Content-Type': 'application/json; charset=latin1' }) }, outcome: responseError, why: 'JSON is UTF-8, whatever the header says.' },
  { name: 'sends no Content-Type', fault: { token: rawBytes((good) => completeResponse(good).replace('Content-Type: application/json\r\n', '')) }, outcome: loggedIn(), notApplicable: { "openid-client's strategy": 'accepts JSON only with the matching Content-Type' }, why: 'The body is valid JSON, and Twilio returns nothing else.' }
]

const strict = { "openid-client's strategy": 'accepts only a number of seconds, as the standard says' }

type Value = readonly [what: string, value: unknown, outcome: Outcome, notApplicable?: Row['notApplicable'], id?: string]

/** Null, missing and invalid values for each field. The API contract allows null in every field. */
const fieldValues: Readonly<Record<string, readonly Value[]>> = {
  access_token: [
    ['is null', null, responseError],
    ['is missing', undefined, responseError],
    ['is empty', '', responseError],
    ['is a number', 5, responseError],
    ['is true', true, responseError],
    ['is an array', ['a'], responseError],
    ['is an object', { a: 1 }, responseError],
    ['has a line break in it', 'a\r\nX-Evil: 1', responseError, {}, 'SEC-36'],
    ['is not ASCII', 'tökén', responseError]
  ],
  refresh_token: [
    ['is null', null, loggedIn({ hasRefreshToken: false })],
    ['is missing', undefined, loggedIn({ hasRefreshToken: false })],
    ['is a number', 5, responseError],
    ['is an array', ['a'], responseError],
    ['is an object', { a: 1 }, responseError]
  ],
  id_token: [
    ['is null', null, loggedIn()],
    ['is missing', undefined, loggedIn()],
    ['is a number', 5, responseError],
    ['is an array', ['a'], responseError],
    ['is an object', { a: 1 }, responseError]
  ],
  token_type: [
    ['is null', null, loggedIn()],
    ['is missing', undefined, loggedIn()],
    ['is in capitals', 'BEARER', loggedIn()],
    ['is of another type', 'mac', responseError],
    ['is a number', 5, responseError],
    ['is an array', ['bearer'], responseError],
    ['is an object', { bearer: 1 }, responseError]
  ],
  scope: [
    ['is null', null, loggedIn()],
    ['is missing', undefined, loggedIn()],
    ['is an array', ['openid', 'offline_access'], loggedIn()],
    ['is a number', 5, responseError],
    ['is an object', { openid: true }, responseError]
  ],
  expires_in: [
    ['is null', null, loggedIn({ expiresIn: null })],
    ['is missing', undefined, loggedIn({ expiresIn: null })],
    ['is negative', -1, loggedIn({ expiresIn: null }), strict],
    ['is 0', 0, loggedIn({ expiresIn: null })],
    ['is a string', '3600', loggedIn({ expiresIn: 3600 })],
    ['is a word', 'soon', loggedIn({ expiresIn: null }), strict],
    ['is huge', 1e300, loggedIn({ expiresIn: null })],
    ['is an array', [3600], loggedIn({ expiresIn: null }), strict],
    ['is an object', { seconds: 3600 }, loggedIn({ expiresIn: null }), strict]
  ]
}

const fields: readonly Row[] = [
  ...Object.entries(fieldValues).flatMap(([field, values]) =>
    values.map(
      ([what, value, outcome, notApplicable = {}, id]): Row => ({
        id,
        name: `returns a response whose ${field} ${what}`,
        // An opaque access token has no exp claim, so that expires_in counts.
        fault: { token: withFields({ ...(field === 'expires_in' ? { access_token: OPAQUE } : {}), [field]: value }) },
        outcome,
        notApplicable,
        why: 'loggedIn' in outcome ? 'The API contract allows null in every field, and an optional field must not prevent a login.' : 'It is not a valid token, so the user would be logged in without one.'
      })
    )
  ),
  {
    name: 'returns expires_in as in the example of the API contract',
    fault: { token: withFields({ access_token: OPAQUE, expires_in: 1_438_315_200_000 }) },
    outcome: loggedIn({ expiresIn: Math.round((1_438_315_200_000 - Date.now()) / 1000) }),
    why: 'It is not a lifetime in seconds, but a time in epoch milliseconds.'
  }
]

const errors: readonly Row[] = [
  { name: 'returns a Twilio error with status 400', fault: { token: respondWith(400, { code: 20001, message: 'Invalid parameter', more_info: 'https://www.twilio.com/docs/errors/20001', status: 400 }) }, outcome: tokenError('invalid_request', 502, { twilioCode: 20001, moreInfo: 'https://www.twilio.com/docs/errors/20001' }), why: "Twilio's own error format must become an error with an OAuth code." },
  { name: 'returns a Twilio error with status 401', fault: { token: respondWith(401, { code: 20003, message: 'Authenticate', more_info: 'https://www.twilio.com/docs/errors/20003', status: 401 }) }, outcome: tokenError('invalid_client', 502, { twilioCode: 20003 }), why: 'A wrong client secret must be reported as one.' },
  { name: 'returns a Twilio error with status 429', fault: { token: respondWith(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: '2030-01-01T00:00:00Z' }) }, outcome: tokenError('temporarily_unavailable', 429, { twilioCode: 20429, retryAt: Date.UTC(2030, 0, 1) }), why: 'The error must say when to try again.' },
  { name: 'returns a Twilio error with status 500', fault: { token: respondWith(500, { code: 20500, message: 'Internal server error', status: 500 }) }, outcome: tokenError('server_error', 500, { twilioCode: 20500 }), why: 'A failure at Twilio must be reported as one.' },
  { name: 'returns an OAuth error with status 400', fault: { token: respondWith(400, { error: 'invalid_grant', error_description: 'Spent.' }) }, outcome: tokenError('invalid_grant', 400), why: 'RFC 6749 §5.2 defines this error format.' },
  { name: 'returns an OAuth error with status 401', fault: { token: respondWith(401, { error: 'invalid_client' }, { 'WWW-Authenticate': 'Basic' }) }, outcome: tokenError('invalid_client', 502), why: 'RFC 6749 §5.2 defines this error format.' },
  { name: 'returns HTML with status 502', fault: { token: html(502, '<html><h1>502 Bad Gateway</h1></html>') }, outcome: tokenError('server_error', 502), why: 'Load balancers do this.' },
  { name: 'returns an OAuth error with status 200', fault: { token: respondWith(200, { error: 'invalid_grant' }) }, outcome: tokenError('invalid_grant', 502), why: 'Some providers return errors with status 200.' },
  { name: 'returns a Twilio error with status 201', fault: { token: respondWith(201, { code: 20003, message: 'Authenticate', status: 401 }) }, outcome: tokenError('invalid_client', 502, { twilioCode: 20003 }), why: 'Some providers return errors with status 200.' },
  { name: 'returns an error that is an object', fault: { token: respondWith(400, { error: { type: 'invalid_grant', message: 'no' } }) }, outcome: responseError, why: 'Other APIs do this, and an object must not be treated as text.' },
  {
    name: 'returns an error that echoes the client secret, the code and the code verifier',
    fault: { token: ({ request }) => (_request, response) => void response.writeHead(400, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: 'invalid_request', error_description: request.body.slice(0, 2000), error_uri: `https://x.example/?${request.body}` })) },
    outcome: tokenError('invalid_request', 502),
    why: 'Errors are logged, so they must not contain what the app sent.'
  },
  {
    name: 'returns an error that echoes each secret by itself',
    fault: { token: ({ request }) => (_request, response) => void response.writeHead(401, { 'Content-Type': 'application/json' }).end(JSON.stringify({ code: 20003, message: [...request.form.values()].join(' '), status: 401 })) },
    outcome: tokenError('invalid_client', 502),
    why: 'Errors are logged, so they must not contain what the app sent.'
  },
  { name: 'returns an error with a script and line breaks in it', id: 'SEC-23', fault: { token: respondWith(400, { error: 'invalid_grant', error_description: '<script>alert(1)</script>\r\nlevel=info msg="logged in"\u2028', error_uri: 'javascript:alert(1)' }) }, outcome: tokenError('invalid_grant', 400, { uri: undefined }), why: 'An error must stay on one line of the log, and links in it must be http(s) URLs.' },
  { name: 'returns an error of 200 KB', fault: { token: respondWith(400, { error: 'e'.repeat(100_000), error_description: 'd'.repeat(100_000) }) }, outcome: { error: 'TwilioTokenError', status: 502 }, why: 'An error must not fill the log.' }
]

export const tokenEndpoint: readonly Row[] = [...network, ...sizes, ...http, ...bodies, ...fields, ...errors]
