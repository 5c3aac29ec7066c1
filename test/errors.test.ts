import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { promisify } from 'node:util'
import { TokenError } from 'passport-oauth2'
import { LoginStateError, RefreshStoreError, SessionTokens, TwilioIdTokenError, TwilioNetworkError, TwilioOAuthClient, TwilioResponseError, TwilioTimeoutError, TwilioTokenError, TwilioUnavailableError } from '../lib'
import { CLIENT_ID, CLIENT_SECRET } from './support/jwt'

describe('an error', () => {
  it('has a name, and a status to answer the visitor with', () => {
    const errors = [
      new TwilioTokenError('m', { code: 'invalid_grant', status: 400 }),
      new TwilioResponseError('m'),
      new TwilioTimeoutError('m'),
      new TwilioNetworkError('m'),
      new TwilioIdTokenError('m'),
      new LoginStateError('missing'),
      new TwilioUnavailableError(new Error('x'))
    ].map((error) => [error instanceof Error, error.name, error.status])
    assert.deepEqual(errors, [
      [true, 'TwilioTokenError', 400],
      [true, 'TwilioResponseError', 502],
      [true, 'TwilioTimeoutError', 504],
      [true, 'TwilioNetworkError', 502],
      [true, 'TwilioIdTokenError', 502],
      [true, 'LoginStateError', 403],
      [true, 'TwilioUnavailableError', 503]
    ])
    assert.ok(new TwilioTokenError('m', { code: 'invalid_grant', status: 400 }) instanceof TokenError, "it is a TokenError of passport-oauth2, too")
  })

  it('has a stable code, and refers to its explanation', async () => {
    assert.throws(() => new TwilioOAuthClient({ clientID: '', clientSecret: '' }), { name: 'TypeError', code: 'ERR_TWILIO_OPTION', help: 'node_modules/passport-twilio/docs/errors.md#mistakes-in-the-app' })
    const keep = promisify(new SessionTokens(new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET })).keep())
    await assert.rejects(keep({} as never, {} as never), { name: 'Error', code: 'ERR_TWILIO_SETUP', help: 'node_modules/passport-twilio/docs/errors.md#mistakes-in-the-app' })
    const codes = [new TwilioResponseError('m'), new TwilioTimeoutError('m'), new TwilioNetworkError('m'), new TwilioIdTokenError('m'), new LoginStateError('missing'), new TwilioUnavailableError(undefined), new RefreshStoreError('m')].map(({ code }) => code)
    assert.deepEqual(codes, ['RESPONSE', 'TIMEOUT', 'NETWORK', 'ID_TOKEN', 'LOGIN_STATE', 'UNAVAILABLE', 'REFRESH_STORE'].map((name) => `ERR_TWILIO_${name}`))
    assert.equal(new TwilioTokenError('m', { code: 'invalid_grant', status: 400 }).code, 'invalid_grant', "OAuth 2.0's name, as in passport-oauth2")
  })

  it('says what happened and what to do', () => {
    for (const reason of ['missing', 'unknown', 'expired', 'used'] as const) {
      const { message, reason: given } = new LoginStateError(reason)
      assert.match(message, /\. Start the login again\.$/)
      assert.equal(given, reason)
    }
    assert.match(new TwilioUnavailableError(undefined).message, /Try again in a moment; the login is kept\.$/)
  })

  describe('of type TwilioUnavailableError', () => {
    const NOW = 1_800_000_000_000
    before(() => mock.timers.enable({ apis: ['Date'], now: NOW }))
    after(() => mock.timers.reset())
    const retryAfter = (cause: unknown) => new TwilioUnavailableError(cause).retryAfter
    const until = (retryAt: number | undefined) => new TwilioTokenError('m', { code: 'temporarily_unavailable', status: 429, retryAt })

    it('says when to retry: at the time that Twilio gives, in whole seconds, at least one', () => {
      assert.equal(retryAfter(until(NOW + 90_000)), 90)
      assert.equal(retryAfter(until(NOW + 1001)), 2)
      assert.equal(retryAfter(until(NOW)), 1)
      assert.equal(retryAfter(until(NOW - 90_000)), 1)
    })

    it('says to retry in five seconds if Twilio gives no time', () => {
      for (const cause of [until(undefined), new TwilioTimeoutError('m'), undefined]) assert.equal(retryAfter(cause), 5)
    })

    it('has the error of the refresh as its cause', () => {
      const cause = new TwilioTimeoutError('m')
      assert.equal(new TwilioUnavailableError(cause).cause, cause)
    })
  })
})
