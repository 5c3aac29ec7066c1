import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { withClock } from '../support/clock'
import { nowInSeconds, unsigned } from '../support/jwt'
import { accessTokenAt, expired, sessionApp, startTwilio, visitorWith } from '../support/session-app'
import { json } from '../support/twilio-server'

const HOUR_S = 3600

describe("a machine whose clock differs from Twilio's", () => {
  const twilio = startTwilio()

  for (const [what, seconds] of [
    ['ahead', HOUR_S],
    ['a day ahead', 24 * HOUR_S],
    ['behind', -HOUR_S]
  ] as const) {
    it(`${what}: ten guarded requests make one refresh, whose token is used for the life that it has`, async () => {
      await withClock(['Date'], async () => {
        const issuedAt = nowInSeconds() - seconds
        const accessToken = unsigned({ sub: 'trn:us1:iam:user:US1', iat: issuedAt, exp: issuedAt + HOUR_S })
        twilio.behave = json(201, { access_token: accessToken, refresh_token: 'refresh-1', expires_in: HOUR_S })
        const site = sessionApp(twilio)
        const visitor = await visitorWith(site.app, expired())
        for (let request = 0; request < 10; request++) assert.equal(await accessTokenAt(visitor.get('/guarded')), accessToken)
        assert.equal(twilio.requests.length, 1)
        assert.deepEqual(site.warnings, [])

        mock.timers.tick((HOUR_S - 61) * 1000)
        await visitor.get('/guarded').expect(200)
        assert.equal(twilio.requests.length, 1)
        mock.timers.tick(62_000)
        await visitor.get('/guarded').expect(200)
        assert.equal(twilio.requests.length, 2)
      })
    })
  }
})
