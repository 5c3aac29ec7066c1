import assert from 'node:assert/strict'
import { SessionTokens, TwilioOAuthClient, TwilioStrategy } from '../../lib'
import { CLIENT_ID, CLIENT_SECRET } from '../support/jwt'

describe('new SessionTokens()', () => {
  const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET })
  const good = 'x'.repeat(32)

  it('takes a strategy or a client, and rejects anything else', () => {
    for (const nothing of [undefined, null, {}, 'twilio', { client: {} }]) {
      assert.throws(() => new SessionTokens(nothing as never), { name: 'TypeError', message: /^SessionTokens needs the TwilioStrategy or the TwilioOAuthClient/ })
    }
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: '/cb' }, () => undefined)
    assert.ok(new SessionTokens(strategy))
    assert.ok(new SessionTokens(client))
  })

  it('rejects an option that it does not know', () => {
    assert.throws(() => new SessionTokens(client, { secrets: [good] } as never), { name: 'TypeError', message: /^secrets is not an option of SessionTokens\. Its options are secret, leeway, / })
  })

  it('rejects a secret that is missing', () => {
    for (const secret of ['', [], [''], [good, ''], 7 as never, [good, null as never]]) {
      assert.throws(() => new SessionTokens(client, { secret }), { name: 'TypeError', message: /^secret is missing: it must be a random string of 32 characters or more/ })
    }
  })

  it('rejects a secret of fewer than 32 characters, also an older one, and never repeats it', () => {
    for (const secret of ['hunter2', 'hunter2'.padEnd(31, 'x'), [good, 'hunter2']]) {
      assert.throws(
        () => new SessionTokens(client, { secret }),
        (error: Error) => error instanceof TypeError && error.message.startsWith('secret is too short') && error.message.includes('openssl rand -base64 32') && !error.message.includes('hunter2')
      )
    }
    assert.ok(new SessionTokens(client, { secret: good }))
    assert.ok(new SessionTokens(client, { secret: [good, good.replace('x', 'y')] }))
  })

  it('rejects a leeway that is not a number of ms', () => {
    for (const leeway of [-1, NaN, '60' as never, null as never]) assert.throws(() => new SessionTokens(client, { leeway }), { name: 'TypeError', message: /^leeway must be a number of ms/ })
    assert.ok(new SessionTokens(client, { leeway: 0 }))
  })

  it('rejects a recordTTL that is not a number of ms above 0', () => {
    for (const recordTTL of [0, -1, NaN, Infinity, '60' as never, null as never]) assert.throws(() => new SessionTokens(client, { recordTTL }), { name: 'TypeError', message: /^recordTTL must be a number of ms/ })
    assert.ok(new SessionTokens(client, { recordTTL: 1 }))
  })

  it('rejects a Redis client where redisRefreshes(redis) belongs', () => {
    const [read, acquire, save] = [() => undefined, () => undefined, () => undefined]
    for (const refreshes of [{ eval: () => undefined }, 'redis', null, { read, acquire, save }, { read, acquire, save, release: true }]) {
      assert.throws(() => new SessionTokens(client, { refreshes: refreshes as never }), { name: 'TypeError', message: /^refreshes must be redisRefreshes\(redis\), postgresRefreshes\(pool\), or another object with the functions/ })
    }
  })
})
