import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { TokenError } from 'passport-oauth2'
import { LoginStateError, TwilioIdTokenError, TwilioNetworkError, TwilioResponseError, TwilioTimeoutError, TwilioTokenError, TwilioUnavailableError } from '../lib'

describe('errors', () => {
  it('have names and statuses that an app can answer with', () => {
    const told = [
      new TwilioTokenError('m', { code: 'invalid_grant', status: 400 }),
      new TwilioResponseError('m'),
      new TwilioTimeoutError('m'),
      new TwilioNetworkError('m'),
      new TwilioIdTokenError('m'),
      new LoginStateError('missing'),
      new TwilioUnavailableError(new Error('x'))
    ].map((error) => [error instanceof Error, error.name, error.status])
    assert.deepEqual(told, [
      [true, 'TwilioTokenError', 400],
      [true, 'TwilioResponseError', 502],
      [true, 'TwilioTimeoutError', 504],
      [true, 'TwilioNetworkError', 502],
      [true, 'TwilioIdTokenError', 502],
      [true, 'LoginStateError', 403],
      [true, 'TwilioUnavailableError', 503]
    ])
    assert.ok(new TwilioTokenError('m', { code: 'invalid_grant', status: 400 }) instanceof TokenError, "is passport-oauth2's too")
  })

  it('say what happened and what to do', () => {
    for (const reason of ['missing', 'unknown', 'expired', 'used'] as const) {
      const { message, reason: given } = new LoginStateError(reason)
      assert.match(message, /\. Start the login again\.$/)
      assert.equal(given, reason)
    }
    assert.match(new TwilioUnavailableError(undefined).message, /Try again in a moment; the login is kept\.$/)
  })

  describe('of a Twilio that is not there now', () => {
    const NOW = 1_800_000_000_000
    before(() => mock.timers.enable({ apis: ['Date'], now: NOW }))
    after(() => mock.timers.reset())
    const retryAfter = (cause: unknown) => new TwilioUnavailableError(cause).retryAfter
    const until = (retryAt: number | undefined) => new TwilioTokenError('m', { code: 'temporarily_unavailable', status: 429, retryAt })

    it('say when to come back: as Twilio says, in whole seconds, a second at least', () => {
      assert.equal(retryAfter(until(NOW + 90_000)), 90)
      assert.equal(retryAfter(until(NOW + 1001)), 2)
      assert.equal(retryAfter(until(NOW)), 1)
      assert.equal(retryAfter(until(NOW - 90_000)), 1)
    })

    it('or else in five seconds', () => {
      for (const cause of [until(undefined), new TwilioTimeoutError('m'), undefined]) assert.equal(retryAfter(cause), 5)
    })

    it('carry what happened as their cause', () => {
      const cause = new TwilioTimeoutError('m')
      assert.equal(new TwilioUnavailableError(cause).cause, cause)
    })
  })
})
