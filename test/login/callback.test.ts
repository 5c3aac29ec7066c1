import assert from 'node:assert/strict'
import { AuthorizationError } from 'passport-oauth2'
import { authorizationErrorOf, denialMessageOf, readCallback, type CallbackRequest } from '../../lib/login/callback'

function assertBad(request: CallbackRequest, message: RegExp): void {
  assert.throws(() => readCallback(request), (error) => error instanceof AuthorizationError && error.status === 400 && error.code === 'invalid_request' && message.test(error.message))
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }

describe('readCallback', () => {
  it('reads lower-case names, and the capitalized names of v1', () => {
    assert.deepEqual(readCallback({ query: { code: 'c', state: 's', other: 'x' } }), { code: 'c', state: 's' })
    assert.deepEqual(readCallback({ query: { Code: 'c', State: 's' } }), { code: 'c', state: 's' })
    const error = { error: 'access_denied', error_description: 'No', error_uri: 'https://x.example' }
    assert.deepEqual(readCallback({ query: { ...error, state: 's' } }), { ...error, state: 's' })
    assert.deepEqual(readCallback({ query: { Error: 'access_denied', ErrorDescription: 'No', ErrorUri: 'u' } }), { error: 'access_denied', error_description: 'No', error_uri: 'u' })
  })

  it('reads the URL if no query was parsed, and the body of a POST', () => {
    assert.deepEqual(readCallback({ url: '/cb?code=a%20b&state=s' }), { code: 'a b', state: 's' })
    assert.deepEqual(readCallback({ method: 'POST', url: '/cb', headers: FORM, body: { code: 'c', state: 's' } }), { code: 'c', state: 's' })
    assert.equal(readCallback({ method: 'GET', url: '/cb', body: { code: 'c' } }), undefined)
    const spaced = { 'content-type': 'application/x-www-form-urlencoded ; charset=utf-8' }
    assert.deepEqual(readCallback({ method: 'POST', url: '/cb', headers: spaced, body: { code: 'c', state: 's' } }), { code: 'c', state: 's' })
    assert.deepEqual(readCallback({ url: `/cb?${'x=1&'.repeat(1000)}code=c&state=s` }), { code: 'c', state: 's' })
  })

  it('returns undefined for a POST that is not the form of response_mode=form_post, so that a login begins', () => {
    const posts: CallbackRequest[] = [
      { headers: FORM, body: { code: 'the code of a voucher' } },
      { headers: FORM, body: { error: 'e' } },
      { headers: FORM, body: { state: 's' } },
      { headers: FORM, body: undefined },
      { headers: { 'content-type': 'application/json' }, body: { code: 'c', state: 's' } },
      { headers: {}, body: { code: 'c', state: 's' } },
      { body: { code: 'c', state: 's' } },
      { url: '/cb?code=c&state=s' }
    ]
    for (const post of posts) assert.equal(readCallback({ method: 'POST', url: '/cb', ...post }), undefined)
    assert.deepEqual(readCallback({ method: 'POST', url: '/cb', headers: FORM, body: { error: 'access_denied', state: 's' } }), { error: 'access_denied', state: 's' })
    assert.deepEqual(readCallback({ method: 'POST', url: '/cb', headers: FORM, body: { Code: 'c', State: 's' } }), { code: 'c', state: 's' })
  })

  it('returns undefined without code and error, so that a login begins', () => {
    for (const request of [{}, { url: '/auth' }, { url: '/auth?x=1' }, { query: {} }, { query: { state: 's' } }, { query: null, url: '/auth?code_challenge=x' }, { query: { toString: 'x' } }]) {
      assert.equal(readCallback(request), undefined)
    }
  })

  it('throws a 400 error for a repeated parameter, or one that is an object', () => {
    const twice: CallbackRequest[] = [
      { url: '/cb?code=a&code=b&state=s' },
      { url: '/cb?code=a&Code=a&state=s' },
      { query: { code: ['a', 'b'], state: 's' } },
      { query: { code: { x: 'a' }, state: 's' } },
      { url: '/cb?code[x]=a&state=s' },
      { url: '/cb?code[]=a&state=s' },
      { url: '/cb?code%5B%5D=a&state=s' },
      { method: 'POST', url: '/cb?code=a', headers: FORM, body: { code: 'a', state: 's' } }
    ]
    for (const request of twice) assertBad(request, /code is repeated/)
    assertBad({ url: '/cb?code=a&state=s&state=s' }, /state is repeated/)
    assertBad({ query: { code: 'a', state: { x: 's' } } }, /state is repeated/)
    assertBad({ query: { error: 'a', error_description: 7, state: 's' } }, /error_description is repeated, or is not a string/)
    assertBad({ url: '/cb?error=a&error=b' }, /error is repeated/)
    assertBad({ url: '/cb?code=a&code=b&code=c&code=d' }, /code is repeated/)
  })

  it('throws a 400 error for both code and error', () => {
    assertBad({ url: '/cb?code=a&error=b&state=s' }, /both code and error/)
  })

  it('throws a 400 error for a code, state or error that is empty, too long, or contains invalid characters', () => {
    for (const name of ['code', 'state', 'error']) {
      const rest = name === 'state' ? { code: 'c' } : {}
      for (const value of ['', 'a\u0000b', 'é', 'a\nb', '\ud800']) assertBad({ query: { ...rest, [name]: value } }, new RegExp(`${name} is empty or contains`))
      assertBad({ query: { ...rest, [name]: 'a'.repeat(8193) } }, new RegExp(`${name} is longer than 8192`))
      assert.ok(readCallback({ query: { ...rest, [name]: 'a'.repeat(8192) } }))
    }
  })

  it('handles any percent-encoding', () => {
    assertBad({ url: '/cb?code=%ff&state=s' }, /code is empty or contains/)
    assertBad({ url: '/cb?code=%00&state=s' }, /code is empty or contains/)
    assert.deepEqual(readCallback({ url: '/cb?code=%&state=%zz' }), { code: '%', state: '%zz' })
  })
})

describe('The reason in a callback without a code', () => {
  it('is what Twilio says of a person who does not approve, else a sentence that says so', () => {
    assert.equal(denialMessageOf({ error: 'access_denied', error_description: 'Not today' }), 'Not today')
    for (const callback of [{ error: 'access_denied' }, { error: 'access_denied', error_description: '' }]) assert.equal(denialMessageOf(callback), 'Access was not approved.')
  })

  it('is the message of an error for anything else', () => {
    assert.throws(() => denialMessageOf({ error: 'server_error' }), /^AuthorizationError: Twilio refused the login with server_error\.$/)
    assert.equal(authorizationErrorOf({ error: 'server_error', error_description: '' }).message, 'Twilio refused the login with server_error.')
    assert.equal(authorizationErrorOf({ error: 'server_error', error_description: 'Busy' }).message, 'Twilio refused the login with server_error: Busy.')
  })

  it('is repeated with identifiers, which Twilio Support may ask for', () => {
    assert.equal(denialMessageOf({ error: 'access_denied', error_description: 'Request 4f7c21aa' }), 'Request 4f7c21aa')
    const { message, code, uri } = authorizationErrorOf({ error: 'E4f7c21aa', error_description: 'Request 4f7c21aa', error_uri: 'https://x.example/4f7c21aa' })
    assert.deepEqual([message, code, uri], ['Twilio refused the login with E4f7c21aa: Request 4f7c21aa.', 'E4f7c21aa', 'https://x.example/4f7c21aa'])
  })
})
