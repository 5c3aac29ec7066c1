import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { mock } from 'node:test'
import { SessionTokens, TwilioOAuthClient, type SessionTokensOptions } from '../../lib'
import { FailingRefreshes } from '../../lib/session/failing-refreshes'
import { MemoryRefreshes } from '../../lib/session/records/memory-refreshes'
import { limitWarnings, type TwilioWarningCode } from '../../lib/session/warnings'
import { withClock } from '../support/clock'
import { CLIENT_ID, CLIENT_SECRET } from '../support/jwt'
import { BUSY, expired, expiring, rotating, sessionApp, startTwilio, visitorWith } from '../support/session-app'
import { inTurn } from '../support/twilio-server'

const HOUR = 3_600_000

describe('warnings', () => {
  it('are reported once an hour per kind, however the details vary', () => {
    let now = 5
    const reported: [string, TwilioWarningCode][] = []
    const warn = limitWarnings((...warning) => reported.push(warning), { elapsed: () => now })
    warn('The disk is full.', 'WARN_TWILIO_SESSION_STORE_FAILED')
    now += HOUR - 1
    warn('The disk is still full.', 'WARN_TWILIO_SESSION_STORE_FAILED')
    warn('The secret is wrong.', 'WARN_TWILIO_REFRESH_REFUSED')
    now += 1
    warn('The disk is full to the brim.', 'WARN_TWILIO_SESSION_STORE_FAILED')
    warn('The secret is still wrong.', 'WARN_TWILIO_REFRESH_REFUSED')
    assert.deepEqual(reported, [
      ['The disk is full.', 'WARN_TWILIO_SESSION_STORE_FAILED'],
      ['The secret is wrong.', 'WARN_TWILIO_REFRESH_REFUSED'],
      ['The disk is full to the brim.', 'WARN_TWILIO_SESSION_STORE_FAILED']
    ])
  })
})

describe('new SessionTokens()', () => {
  const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET })
  const { isWorker } = cluster
  afterEach(() => {
    Object.assign(cluster, { isWorker })
  })

  function messagesOf(options: SessionTokensOptions): [TwilioWarningCode, string][] {
    const messages: [TwilioWarningCode, string][] = []
    new SessionTokens(client, { ...options, warn: (message, code) => messages.push([code, message]) })
    return messages
  }

  function warningsOf(options: SessionTokensOptions): TwilioWarningCode[] {
    return messagesOf(options).map(([code]) => code)
  }

  it('warns about login records in memory in a worker of a cluster, and only there', () => {
    assert.deepEqual(warningsOf({}), [])
    Object.assign(cluster, { isWorker: true })
    assert.deepEqual(warningsOf({}), ['WARN_TWILIO_RECORDS_IN_MEMORY'])
    assert.deepEqual(warningsOf({ refreshes: new MemoryRefreshes() }), [], 'a store that was chosen')
  })

  it('names the option to set or to leave out in each warning', () => {
    Object.assign(cluster, { isWorker: true })
    const messages = Object.fromEntries(messagesOf({ secret: undefined }))
    assert.match(messages.WARN_TWILIO_RECORDS_IN_MEMORY ?? '', /one of a cluster.* Set refreshes: redisRefreshes\(redis\) or postgresRefreshes\(pool\)\.$/)
    assert.match(messages.WARN_TWILIO_TOKENS_NOT_ENCRYPTED ?? '', /^The option secret of SessionTokens is undefined.* leave the option out\.$/)
  })

  it('warns about a secret that is undefined, since an environment variable may be missing', () => {
    assert.deepEqual(warningsOf({ secret: process.env.A_VARIABLE_THAT_IS_NOT_SET }), ['WARN_TWILIO_TOKENS_NOT_ENCRYPTED'])
    assert.deepEqual(warningsOf({ secret: 'a secret of at least 32 characters' }), [])
  })
})

describe('refreshes that keep failing', () => {
  const twilio = startTwilio()

  it('are reported with their duration and the last error, from 30 s on, without a success in between', () => {
    let now = 1000
    const reported: [string, TwilioWarningCode][] = []
    const failing = new FailingRefreshes((...warning) => reported.push(warning), { elapsed: () => now })
    failing.failed(new Error('first'))
    now += 29_999
    failing.failed(new Error('second'))
    assert.deepEqual(reported, [])
    now += 1
    failing.failed(new Error('third'))
    now += 1600
    failing.failed('fourth')
    const goesOn = 'Requests continue with tokens that are still valid, and get 503 once they have expired.'
    assert.deepEqual(reported, [
      [`Every refresh of Twilio tokens has failed for 30 s: third. ${goesOn}`, 'WARN_TWILIO_REFRESHES_FAILING'],
      [`Every refresh of Twilio tokens has failed for 32 s: fourth. ${goesOn}`, 'WARN_TWILIO_REFRESHES_FAILING']
    ])
    failing.succeeded()
    failing.failed(new Error('fifth'))
    assert.equal(reported.length, 2)
  })

  it('are reported after 30 s, although requests go on with tokens that are still valid', () =>
    withClock(['Date'], async () => {
      twilio.behave = BUSY
      const site = sessionApp(twilio)
      const visitor = await visitorWith(site.app, expiring({ expiresAt: Date.now() + 55_000 }))
      const fresh = async () => {
        await visitor.get('/fresh').expect(200)
        await site.tokens.close()
      }
      await fresh()
      mock.timers.tick(29_999)
      await fresh()
      assert.deepEqual(site.warnings, [])
      mock.timers.tick(5001)
      await fresh()
      assert.equal(site.warnings.length, 1)
      assert.match(site.warnings.join(), /^Every refresh of Twilio tokens has failed for 35 s: .*503.* Requests continue with tokens that are still valid, and get 503 once they have expired\.$/)
    }))

  it('are not reported once one has succeeded', () =>
    withClock(['Date'], async () => {
      twilio.behave = inTurn(BUSY, rotating())
      const site = sessionApp(twilio)
      await (await visitorWith(site.app, expired())).get('/fresh').expect(503)
      await (await visitorWith(site.app, expired())).get('/fresh').expect(200)
      mock.timers.tick(HOUR)
      twilio.behave = BUSY
      await (await visitorWith(site.app, expired())).get('/fresh').expect(503)
      assert.deepEqual(site.warnings, [])
    }))
})

describe('without the option warn, a warning', () => {
  it('is emitted by the process, with its kind as the code', async () => {
    const emitted = once(process, 'warning') as Promise<[Error & { code?: string }]>
    limitWarnings(() => Promise.reject(new Error('The logger is down.')), { elapsed: () => 0 })('The disk is full.', 'WARN_TWILIO_SESSION_STORE_FAILED')
    const [{ name, message, code }] = await emitted
    assert.deepEqual([name, message, code], ['PassportTwilioWarning', 'The disk is full.', 'WARN_TWILIO_SESSION_STORE_FAILED'])
  })

  it('is also emitted by the process if the function throws, which never reaches the caller', async () => {
    const emitted = once(process, 'warning') as Promise<[Error & { code?: string }]>
    const warn = limitWarnings(
      () => {
        throw new Error('The logger is down.')
      },
      { elapsed: () => 0 }
    )
    warn('The disk is full.', 'WARN_TWILIO_SESSION_STORE_FAILED')
    const [{ name, message, code }] = await emitted
    assert.deepEqual([name, message, code], ['PassportTwilioWarning', 'The disk is full.', 'WARN_TWILIO_SESSION_STORE_FAILED'])
  })
})
