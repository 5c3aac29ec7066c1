import assert from 'node:assert/strict'
import { accountSidOf, actorOf, parseResourceName } from '../../lib/oauth/resource-name'

describe('Twilio Resource Names', () => {
  it('are parsed into region, service, type and SID', () => {
    assert.deepEqual(parseResourceName('trn:us1:iam:account:AC1'), { region: 'us1', service: 'iam', type: 'account', sid: 'AC1' })
    for (const other of ['trn:us1:iam:account', 'trn:us1:iam:account:AC1:more', 'arn:us1:iam:account:AC1', 'trn:us1:iam::AC1', '', 7, null, undefined]) {
      assert.equal(parseResourceName(other), undefined)
    }
  })

  it('in the claims say which account or organization a token acts for', () => {
    assert.equal(actorOf({ act: { sub: 'trn:us1:iam:organization:OR1' } })?.sid, 'OR1')
    assert.equal(actorOf({ act: 'trn:us1:iam:account:AC1', 'urn:tw:iam_ctx': 'trn:ie1:iam:account:AC2' })?.sid, 'AC2')
    assert.equal(actorOf({ act: [] }), undefined)
    assert.equal(accountSidOf({ act: { sub: 'trn:us1:iam:account:AC1' } }), 'AC1')
    assert.equal(accountSidOf({ act: { sub: 'trn:us1:iam:organization:OR1' } }), undefined)
  })
})
