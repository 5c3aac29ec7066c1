import assert from 'node:assert/strict'
import { claimsOf } from '../../lib/oauth/claims'
import { profileOf } from '../../lib/oauth/profile'
import { unsigned } from '../support/jwt'

const ACCESS = { sub: 'trn:us1:iam:user:US1', act: { sub: 'trn:us1:iam:account:AC1' }, 'urn:tw:rgn': 'us1' }
const ID = {
  sub: 'trn:ie1:iam:user:US2',
  name: 'Amara Okafor',
  given_name: 'Amara',
  family_name: 'Okafor',
  email: 'amara@example.com',
  email_verified: true
}

const accessOnly = (claims: Readonly<Record<string, unknown>>) => profileOf({ idClaims: {}, accessClaims: claims })

describe('the profile', () => {
  it('is read from the ID token first, and completed from the access token', () => {
    const profile = profileOf({ idClaims: ID, accessClaims: ACCESS })
    assert.deepEqual(profile, {
      provider: 'twilio',
      id: 'US2',
      displayName: 'Amara Okafor',
      name: { familyName: 'Okafor', givenName: 'Amara' },
      emails: [{ value: 'amara@example.com', verified: true }],
      accountSid: 'AC1',
      region: 'ie1',
      _json: ID,
      _raw: JSON.stringify(ID)
    })
  })

  it('is read from the access token where there is no ID token, as for organization apps', () => {
    const claims = claimsOf(unsigned({ ...ACCESS, act: { sub: 'trn:us1:iam:organization:OR1' } }))
    assert.deepEqual(accessOnly(claims), { provider: 'twilio', id: 'US1', displayName: 'US1', organizationSid: 'OR1', region: 'us1', _json: claims, _raw: JSON.stringify(claims) })
  })

  it('is read from the access token where the ID token does not say who it is', () => {
    assert.equal(profileOf({ idClaims: { aud: 'x' }, accessClaims: ACCESS })?.id, 'US1')
  })

  it('never takes the OAuth app, which is the same for everybody, for the person', () => {
    const app = { sub: 'trn:us1:iam:oauthapp:OQ1' }
    assert.equal(accessOnly({ ...app, act: { sub: 'trn:us1:iam:account:AC1' } })?.id, 'AC1')
    assert.equal(accessOnly({ sub: 'OQ1', 'urn:tw:iam_ctx': 'trn:us1:iam:organization:OR1' })?.id, 'OR1')
    assert.equal(accessOnly(app), undefined)
    assert.equal(accessOnly({ sub: 'OQ1' }), undefined)
  })

  it('has a plain sub as its ID, and whom the token acts for where there is none', () => {
    assert.equal(accessOnly({ sub: 'somebody' })?.id, 'somebody')
    assert.equal(accessOnly({ act: { sub: 'trn:us1:iam:account:AC1' } })?.id, 'AC1')
  })

  it('is completed from the account', () => {
    const account = { sid: 'AC9', friendlyName: 'Okafor Couriers', json: { sid: 'AC9', friendly_name: 'Okafor Couriers' } }
    assert.deepEqual(profileOf({ idClaims: {}, accessClaims: {} }, account), {
      provider: 'twilio',
      id: 'AC9',
      displayName: 'Okafor Couriers',
      accountSid: 'AC9',
      _json: account.json,
      _raw: JSON.stringify(account.json)
    })
    const completed = profileOf({ idClaims: {}, accessClaims: { sub: 'trn:us1:iam:user:US1' } }, account)
    assert.deepEqual([completed?.id, completed?.displayName, completed?.accountSid], ['US1', 'Okafor Couriers', 'AC9'])
  })

  it('is not invented where nothing tells who it is', () => {
    for (const claims of [{}, { sub: '' }, { sub: 7 }, { sub: null, act: null }]) assert.equal(accessOnly(claims), undefined)
  })

  it('is named by the best that is known', () => {
    assert.equal(accessOnly({ sub: 'x', preferred_username: 'amara', email: 'a@example.com' })?.displayName, 'amara')
    assert.deepEqual(accessOnly({ sub: 'x', email: 'a@example.com' })?.emails, [{ value: 'a@example.com' }])
    assert.equal(accessOnly({ sub: 'x', email: 'a@example.com' })?.displayName, 'a@example.com')
    assert.deepEqual(accessOnly({ sub: 'x', given_name: 'Amara', name: 7 })?.name, { familyName: '', givenName: 'Amara' })
    assert.equal(accessOnly({ sub: 'x' })?.name, undefined)
  })
})
