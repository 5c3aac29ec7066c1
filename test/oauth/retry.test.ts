import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { TwilioNetworkError, TwilioResponseError, TwilioTimeoutError, TwilioTokenError } from '../../lib'
import { isPermanentError } from '../../lib/oauth/permanent-error'
import { withRetries } from '../../lib/oauth/retry'

const NOW = 1_800_000_000_000
const tokenError = (code: string, twilioStatus: number, retryAt?: number) => new TwilioTokenError('m', { code, status: 502, twilioStatus, retryAt })

describe('withRetries()', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: NOW }))
  afterEach(() => {
    mock.timers.reset()
    mock.restoreAll()
  })

  function failing(error: Error, { deadline = NOW + 10_000, signal }: { deadline?: number; signal?: AbortSignal } = {}) {
    const attempt = mock.fn(() => Promise.reject(error))
    const result = withRetries(attempt, deadline, signal).catch((reason: unknown) => reason)
    return { attempt, result }
  }

  async function tick(ms: number): Promise<void> {
    mock.timers.tick(ms)
    await turn()
  }

  for (const [random, first, second] of [
    [0, 100, 200],
    [0.5, 150, 300]
  ] as const) {
    it(`pauses ${first} ms, then ${second} ms, if chance is ${random}`, async () => {
      mock.method(Math, 'random', () => random)
      const error = new TwilioNetworkError('m')
      const { attempt, result } = failing(error)
      await turn()
      for (const [pause, calls] of [[first, 2], [second, 3]] as const) {
        await tick(pause - 1)
        assert.equal(attempt.mock.callCount(), calls - 1)
        await tick(1)
        assert.equal(attempt.mock.callCount(), calls)
      }
      assert.equal(await result, error)
    })
  }

  it('waits until the time that Twilio gives, or not at all if that has passed', async () => {
    const { attempt, result } = failing(tokenError('temporarily_unavailable', 429, NOW + 1000))
    await turn()
    await tick(999)
    assert.equal(attempt.mock.callCount(), 1)
    await tick(1)
    await tick(1)
    await result
    assert.equal(attempt.mock.callCount(), 3)
  })

  it('does not start an attempt at the deadline or later', async () => {
    const error = tokenError('temporarily_unavailable', 429, NOW + 1000)
    const { attempt, result } = failing(error, { deadline: NOW + 1000 })
    assert.equal(await result, error)
    assert.equal(attempt.mock.callCount(), 1)
    const inTime = failing(error, { deadline: NOW + 1001 })
    await turn()
    await tick(1000)
    assert.equal(inTime.attempt.mock.callCount(), 2)
  })

  it('ends a pause at once when its signal is aborted, with the reason of the signal', async () => {
    const reason = new Error('aborted by the test')
    const controller = new AbortController()
    const { attempt, result } = failing(tokenError('temporarily_unavailable', 429, NOW + 5000), { signal: controller.signal })
    await turn()
    controller.abort(reason)
    assert.equal(await result, reason)
    assert.equal(attempt.mock.callCount(), 1)
  })

  it('does not retry a permanent error, a timeout or an invalid response', async () => {
    for (const error of [tokenError('invalid_grant', 400), new TwilioTimeoutError('m'), new TwilioResponseError('m'), new Error('m')]) {
      const { attempt, result } = failing(error)
      assert.equal(await result, error)
      assert.equal(attempt.mock.callCount(), 1)
    }
  })
})

describe('isPermanentError()', () => {
  it("is true if Twilio's name of the error says so, or else its status", () => {
    for (const code of ['invalid_grant', 'invalid_client', 'invalid_anything', 'unauthorized_client', 'unsupported_grant_type']) assert.ok(isPermanentError(tokenError(code, 200)), code)
    for (const status of [400, 401, 403, 404, 499]) assert.ok(isPermanentError(tokenError('not_in_any_rfc', status)), String(status))
    for (const status of [200, 399, 429, 500, 503]) assert.ok(!isPermanentError(tokenError('not_in_any_rfc', status)), String(status))
    assert.ok(!isPermanentError(tokenError('not_invalid_grant', 500)))
    assert.ok(!isPermanentError(new TwilioNetworkError('m')))
  })
})
