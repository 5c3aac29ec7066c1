import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { TwilioResponseError, TwilioTokenError } from '../../lib'
import { readErrorBody, tokenErrorOf } from '../../lib/oauth/token-error'
import { withClock } from '../support/clock'

function errorOf(status: number, body: unknown, { headers = {}, secrets = [], isPublicClient }: { headers?: IncomingHttpHeaders; secrets?: string[]; isPublicClient?: boolean } = {}): TwilioTokenError {
  const error = tokenErrorOf({ status, headers, body: '' }, readErrorBody(body), secrets, isPublicClient === undefined ? undefined : { isPublicClient })
  assert.ok(error instanceof TwilioTokenError, error.message)
  return error
}

describe("the body of Twilio's error", () => {
  it('is recognized in three shapes, and nothing else is', () => {
    for (const body of [{ error: 'invalid_grant' }, { code: 20003, message: 'No' }, { title: 'No', type: 'about:blank' }, { title: 'No', status: 400 }]) assert.ok(readErrorBody(body), JSON.stringify(body))
    for (const body of [undefined, null, 'error', [], {}, { error: 7 }, { code: 20003 }, { message: 'No' }, { code: '20003', message: 'No' }, { code: 20003, message: 7 }, { title: 'No' }, { title: 7, type: 'x' }, { type: 'x', status: 400 }, { error: 'invalid_grant', access_token: 'a' }]) {
      assert.equal(readErrorBody(body), undefined, JSON.stringify(body))
    }
  })

  it('is taken from the first member that has a text', () => {
    assert.equal(readErrorBody({ error: 'e', error_description: 'one', message: 'two', detail: 'three', title: 'four' })?.text, 'one')
    assert.equal(readErrorBody({ error: 'e', error_description: '', message: 'two', detail: 'three', title: 'four' })?.text, 'two')
    assert.equal(readErrorBody({ error: 'e', message: 7, detail: 'three', title: 'four' })?.text, 'three')
    assert.equal(readErrorBody({ error: 'e', title: 'four' })?.text, 'four')
    assert.equal(readErrorBody({ error: 'e' })?.text, undefined)
    assert.equal(readErrorBody({ error: 'e', more_info: 'm', error_uri: 'u', type: 't' })?.moreInfo, 'm')
    assert.equal(readErrorBody({ error: 'e', error_uri: 'u', type: 't' })?.moreInfo, 'u')
    assert.equal(readErrorBody({ error: 'e', type: 't' })?.moreInfo, 't')
    assert.equal(readErrorBody({ error: 'e', code: '7', status: '400' })?.twilioCode, undefined)
    assert.equal(readErrorBody({ error: 'e', code: 7, status: 400 })?.status, 400)
  })

  it('gives the time of the next attempt as RFC 3339 does', () => {
    const at = (throttled_until: unknown) => readErrorBody({ error: 'e', throttled_until })?.retryAt
    assert.equal(at('2037-01-02T03:04:05Z'), Date.UTC(2037, 0, 2, 3, 4, 5))
    assert.equal(at('2037-01-02t03:04:05z'), Date.UTC(2037, 0, 2, 3, 4, 5))
    for (const other of ['2037-01-02', '+012037-01-02T03:04:05Z', '2037-99-99T03:04:05Z', 'tomorrow', 2_114_380_800_000, undefined]) assert.equal(at(other), undefined, String(other))
  })
})

describe("the error for Twilio's response", () => {
  it("has the name that Twilio gives, else one in its text, else that of its number, else that of its status", () => {
    for (const [status, body, code] of [
      [400, { error: 'invalid_grant', code: 20003 }, 'invalid_grant'],
      [400, { code: 20003, message: 'invalid_scope: No such scope.' }, 'invalid_scope'],
      [400, { code: 20003, message: 'Authentication Error' }, 'invalid_client'],
      [400, { code: 20429, message: 'Slow down' }, 'temporarily_unavailable'],
      [400, { code: 20500, message: 'Oops' }, 'server_error'],
      [400, { code: 70051, message: 'Permission missing' }, 'unauthorized_client'],
      [429, { code: 1, message: 'x' }, 'temporarily_unavailable'],
      [500, { code: 1, message: 'x' }, 'server_error'],
      [499, { code: 1, message: 'x' }, 'invalid_request'],
      [401, { code: 1, message: 'x' }, 'invalid_client'],
      [403, { code: 1, message: 'x' }, 'unauthorized_client'],
      [404, { code: 1, message: 'x' }, 'invalid_request'],
      [200, { title: 'x', status: 403 }, 'unauthorized_client'],
      [399, { title: 'x', status: 403 }, 'unauthorized_client'],
      [400, { title: 'x', status: 403 }, 'invalid_request'],
      [503, undefined, 'server_error'],
      [429, undefined, 'temporarily_unavailable']
    ] as const) {
      assert.equal(errorOf(status, body).code, code, `${status} ${JSON.stringify(body)}`)
    }
  })

  it('says what Twilio says once, as a sentence, and what to do next', () => {
    for (const [body, message] of [
      [{ error: 'invalid_grant', error_description: 'It is spent.' }, 'Twilio answered 400 invalid_grant: It is spent. The code or refresh token has been used, has expired or was revoked, or callbackURL differs from the registered redirect URI. Log in again.'],
      [{ code: 1, message: 'invalid_request: The code is missing' }, 'Twilio answered 400 invalid_request: The code is missing. Check callbackURL, scope, apiVersion and the OAuth app in the Twilio Console. If they are right, the code or refresh token may have been used or have expired: log in again.'],
      [{ error: 'invalid_scope' }, 'Twilio answered 400 invalid_scope. Check scope against what the OAuth app may request.'],
      [{ error: 'invalid_client' }, 'Twilio answered 400 invalid_client. Check clientID and clientSecret against the OAuth app in the Twilio Console.'],
      [{ error: 'unauthorized_client' }, "Twilio answered 400 unauthorized_client. Check the OAuth app's type, grants and permissions in the Twilio Console."],
      [{ error: 'unsupported_grant_type' }, "Twilio answered 400 unsupported_grant_type. Check the OAuth app's type and grants in the Twilio Console."],
      [{ error: 'temporarily_unavailable' }, 'Twilio answered 400 temporarily_unavailable. Try again later.'],
      [{ error: 'server_error' }, 'Twilio answered 400 server_error. Twilio has a problem. Try again later.'],
      [{ error: 'not_today' }, 'Twilio answered 400 not_today. Check the request and the OAuth app in the Twilio Console.'],
      [{ error: 'toString' }, 'Twilio answered 400 toString. Check the request and the OAuth app in the Twilio Console.'],
      [{ code: 70051, message: 'Missing: /x' }, 'Twilio answered 400 unauthorized_client: Missing: /x. Grant the OAuth app this permission in the Twilio Console.']
    ] as const) {
      assert.equal(errorOf(400, body).message, message)
    }
  })

  it('says that a public client may need a secret', () => {
    const body = { error: 'invalid_client' }
    const advice = /No clientSecret is set: set it, unless the OAuth app is a public client\. Check clientID too\.$/
    assert.match(errorOf(401, body, { isPublicClient: true }).message, advice)
    assert.doesNotMatch(errorOf(401, body, { isPublicClient: false }).message, advice)
    assert.doesNotMatch(errorOf(401, body).message, advice)
    assert.doesNotMatch(errorOf(400, { error: 'invalid_scope' }, { isPublicClient: true }).message, advice)
  })

  it("has the status for the visitor: 4xx only for the visitor's own errors, 5xx of Twilio, else 502", () => {
    for (const [status, error, forVisitor] of [
      [400, 'invalid_grant', 400],
      [499, 'invalid_grant', 499],
      [399, 'invalid_grant', 502],
      [200, 'invalid_grant', 502],
      [500, 'invalid_grant', 500],
      [429, 'temporarily_unavailable', 429],
      [401, 'invalid_client', 502],
      [499, 'server_error', 502],
      [500, 'server_error', 500],
      [599, 'server_error', 599],
      [600, 'server_error', 502]
    ] as const) {
      assert.equal(errorOf(status, { error }).status, forVisitor, `${status} ${error}`)
    }
  })

  it("has Twilio's status: that of the body, if the response has another than an error's", () => {
    assert.equal(errorOf(200, { title: 'x', status: 403 }).twilioStatus, 403)
    assert.equal(errorOf(200, { error: 'invalid_grant' }).twilioStatus, 200)
    assert.equal(errorOf(400, { title: 'x', status: 403 }).twilioStatus, 400)
  })

  it("contains none of the request's secrets", () => {
    const secret = 'a-very-long-secret-value'
    const { message, code, moreInfo } = errorOf(400, { error: `x_${secret}`, error_description: `It was ${secret}.`, more_info: `https://x.example/?a=${secret}` }, { secrets: [secret] })
    assert.doesNotMatch([message, code, moreInfo].join(), new RegExp(secret))
  })

  it('gives the time of the next attempt from the body, else from Retry-After: seconds or an HTTP date', () =>
    withClock(['Date'], async () => {
      const at = (value: string | undefined, body: object = {}) => errorOf(503, { error: 'server_error', ...body }, { headers: { 'retry-after': value } }).retryAt
      assert.equal(at('7'), Date.now() + 7000)
      assert.equal(at('123456789'), Date.now() + 123_456_789_000)
      assert.equal(at('Fri, 02 Jan 2037 03:04:05 GMT'), Date.UTC(2037, 0, 2, 3, 4, 5))
      assert.equal(at('7', { throttled_until: '2037-01-02T03:04:05Z' }), Date.UTC(2037, 0, 2, 3, 4, 5))
      for (const other of [undefined, '', '-7', '7 s', 's7', '1234567890', 'on Fri, 02 Jan 2037 03:04:05 GMT', 'Fri, 02 Jan 2037 03:04:05 GMT or so', 'Fri, GMT', 'F, 02 Jan 2037 03:04:05 GMT', 'fri, 02 Jan 2037 03:04:05 GMT', 'FRI, 02 Jan 2037 03:04:05 GMT']) assert.equal(at(other), undefined, other)
      await Promise.resolve()
    }))

  it('is a TwilioResponseError for a response without an error, unless it is 429 or 5xx', () => {
    for (const status of [200, 400, 404, 499]) {
      const error = tokenErrorOf({ status, headers: {}, body: '' }, undefined, [])
      assert.ok(error instanceof TwilioResponseError)
      assert.equal(error.message, `Twilio answered ${status}, with neither the expected content nor an error. Check baseURL and apiVersion.`)
    }
    assert.equal(errorOf(502, undefined).message, 'Twilio answered 502 server_error. Twilio has a problem. Try again later.')
  })
})
