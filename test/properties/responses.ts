import fc from 'fast-check'
import { setImmediate as turn } from 'node:timers/promises'
import { idClaims, unsigned } from '../support/jwt'
import type { Behaviour } from '../support/twilio-server'

/** What a server writes to a connection, and whether it then closes, resets or keeps it open. */
export interface ArbitraryResponse {
  /** Bytes as latin1 text, so that a failure shows them in a readable form. */
  readonly pieces: readonly string[]
  readonly ending: 'end' | 'reset' | 'open'
}

const text = fc.string({ unit: 'binary', maxLength: 40 })
const json = fc.jsonValue({ maxDepth: 4 })
const jwt = fc.tuple(json, json).map(([claims, header]) => unsigned(claims, header))
const token = fc.oneof(fc.constantFrom('a-token', unsigned(idClaims())), jwt, text, json)

const tokenFields = fc.record(
  {
    access_token: token,
    refresh_token: token,
    id_token: token,
    token_type: fc.oneof(fc.constantFrom('Bearer', 'bearer', null), json),
    expires_in: fc.oneof(fc.constantFrom(3600, 1438315200000, null, 0, -1, '3600', 1e300), fc.double(), json),
    scope: json
  },
  { requiredKeys: [] }
)
const errorFields = fc.record(
  {
    code: fc.oneof(fc.integer(), json),
    message: fc.oneof(text, json),
    more_info: fc.oneof(fc.webUrl(), json),
    throttled_until: fc.oneof(fc.date().map(String), json),
    error: fc.oneof(fc.constantFrom('invalid_grant', 'server_error'), json),
    error_description: fc.oneof(text, json),
    error_uri: json
  },
  { requiredKeys: [] }
)
const otherFields = fc.record({ redirect_to: fc.oneof(fc.webUrl(), text, json), keys: json, accounts: json }, { requiredKeys: [] })

const goodTokens = { access_token: 'a-token', refresh_token: 'another', token_type: 'Bearer', expires_in: 3600 }
const document = fc.oneof(
  json,
  fc.tuple(fc.constantFrom({}, goodTokens), fc.oneof(tokenFields, errorFields, otherFields)).map(([known, fields]) => ({ ...known, ...fields }))
)
const body = fc.oneof(
  { weight: 4, arbitrary: document.map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: text.map((characters) => Buffer.from(characters)) }
)

const status = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(200, 201, 302, 400, 401, 429, 500) }, { weight: 1, arbitrary: fc.integer({ min: 100, max: 999 }) })
const header = fc.tuple(
  fc.constantFrom('Content-Type', 'Content-Encoding', 'Retry-After', 'Location', 'Set-Cookie', 'Connection', 'Transfer-Encoding', 'Content-Length', 'Upgrade', 'X'),
  fc.oneof(fc.constantFrom('application/json', 'gzip', 'identity', '1', '99999999', '-1', 'close', 'chunked', 'https://www.twilio.com/authorize'), fc.string({ maxLength: 20 }).map((value) => value.replace(/[^\x20-\x7e]/g, '')))
)

/** Ways to mark the end of a body. The second one promises a byte too many. */
const framing = fc.constantFrom(
  (bytes: Buffer) => [`Content-Length: ${bytes.length}\r\n\r\n`, bytes],
  (bytes: Buffer) => [`Content-Length: ${bytes.length + 1}\r\n\r\n`, bytes],
  (bytes: Buffer) => ['Transfer-Encoding: chunked\r\n\r\n', `${bytes.length.toString(16)}\r\n`, bytes, '\r\n0\r\n\r\n'],
  (bytes: Buffer) => ['Connection: close\r\n\r\n', bytes]
)

const message = fc.tuple(status, fc.array(header, { maxLength: 2 }), framing, body).map(([code, headers, frame, bytes]) => {
  const head = [`HTTP/1.1 ${code} Any`, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  return Buffer.concat([`${head}\r\n`, ...frame(bytes)].map((part) => Buffer.from(part)))
})

/** Any response: mostly HTTP, sometimes arbitrary bytes. */
export const arbitraryResponse: fc.Arbitrary<ArbitraryResponse> = fc
  .record({
    bytes: fc.oneof({ weight: 8, arbitrary: message }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) }),
    cuts: fc.array(fc.nat(600), { maxLength: 4 }),
    ending: fc.constantFrom('end' as const, 'end' as const, 'reset' as const, 'open' as const)
  })
  .map(({ bytes, cuts, ending }) => ({ pieces: piecesOf(bytes, cuts), ending }))

/** Placeholders in a response for the tokens that the session already has. */
export const OWN_ACCESS_TOKEN = 'OWN-ACCESS-TOKEN'
export const OWN_REFRESH_TOKEN = 'OWN-REFRESH-TOKEN'

/** Valid tokens, which may be the session's own, and may expire immediately. */
export const validTokens: fc.Arbitrary<ArbitraryResponse> = fc
  .record({
    access_token: fc.constantFrom(OWN_ACCESS_TOKEN, 'a-token'),
    refresh_token: fc.constantFrom(OWN_REFRESH_TOKEN, 'another', null),
    expires_in: fc.constantFrom(0.001, 1, 3600, null)
  })
  .map((tokens) => {
    // No Content-Length, since it would be wrong once the placeholders are replaced.
    return { pieces: [`HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n${JSON.stringify(tokens)}`], ending: 'end' as const }
  })

/** Any redirect target. */
const target = fc
  .array(fc.oneof(fc.constantFrom('https://', 'http://', '//', '/', '\\', '@', ':', 'www.twilio.com', 'twilio.com', 'evil.example', 'eviltwilio.com', '.', 'javascript:', '127.0.0.1', 'authorize', '?', '#', '\t'), fc.string({ maxLength: 4 })), { maxLength: 6 })
  .map((parts) => parts.join(''))

/** A response of the authorize endpoint with any redirect URL. */
export const arbitraryRedirect: fc.Arbitrary<ArbitraryResponse> = fc.oneof(fc.webUrl(), target, target.map((rest) => `https://${rest}`)).map((address) => {
  const content = Buffer.from(JSON.stringify({ redirect_to: address })).toString('latin1')
  return { pieces: [`HTTP/1.1 302 Found\r\nContent-Length: ${content.length}\r\n\r\n${content}`], ending: 'end' }
})

function piecesOf(bytes: Buffer, cuts: readonly number[]): string[] {
  const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((one, other) => one - other), bytes.length]
  return edges.slice(1).map((edge, index) => bytes.toString('latin1', edges[index], edge))
}

/** A server that sends this response. */
export function respondWith({ pieces, ending }: ArbitraryResponse): Behaviour {
  return (_request, _response, socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece, 'latin1')
        await turn()
      }
      if (ending === 'end') socket.end()
      if (ending === 'reset') socket.resetAndDestroy()
    })()
  }
}
