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
  it('comes from the ID token first, and is completed from the access token', () => {
    const profile = profileOf({ idClaims: ID, accessClaims: ACCESS })
    assert.deepEqual(profile, {
      provider: 'twilio',
      id: 'US2',
      identifies: 'user',
      displayName: 'Amara Okafor',
      name: { familyName: 'Okafor', givenName: 'Amara' },
      emails: [{ value: 'amara@example.com', verified: true }],
      accountSid: 'AC1',
      region: 'ie1',
      _json: ID,
      _raw: JSON.stringify(ID)
    })
  })

  it('comes from the access token if there is no ID token, as for organization apps', () => {
    const claims = claimsOf(unsigned({ ...ACCESS, act: { sub: 'trn:us1:iam:organization:OR1' } }))
    assert.deepEqual(accessOnly(claims), { provider: 'twilio', id: 'US1', identifies: 'user', displayName: 'US1', organizationSid: 'OR1', region: 'us1', _json: claims, _raw: JSON.stringify(claims) })
  })

  it("has the region of the token's own claim before that of a resource name", () => {
    assert.equal(accessOnly({ ...ACCESS, 'urn:tw:rgn': 'au1' })?.region, 'au1')
    assert.equal(accessOnly({ sub: ACCESS.sub, act: { sub: 'trn:ie1:iam:account:AC1' } })?.region, 'ie1')
    assert.equal(accessOnly({ sub: ACCESS.sub })?.region, 'us1')
    assert.equal(accessOnly({ sub: 'US1' })?.region, undefined)
  })

  it('comes from the access token if the ID token does not identify anyone', () => {
    assert.equal(profileOf({ idClaims: { aud: 'x' }, accessClaims: ACCESS })?.id, 'US1')
  })

  it('never has the ID of the OAuth app, which is the same for every user', () => {
    const app = { sub: 'trn:us1:iam:oauthapp:OQ1' }
    assert.equal(accessOnly({ ...app, act: { sub: 'trn:us1:iam:account:AC1' } })?.id, 'AC1')
    assert.equal(accessOnly({ sub: 'OQ1', 'urn:tw:iam_ctx': 'trn:us1:iam:organization:OR1' })?.id, 'OR1')
    assert.equal(accessOnly(app), undefined)
    assert.equal(accessOnly({ sub: 'OQ1' }), undefined)
  })

  it('says whether it identifies a user, or an account or organization, which are the same for everybody in them', () => {
    const act = { sub: 'trn:us1:iam:organization:OR1' }
    assert.equal(accessOnly({ sub: 'trn:us1:iam:oauthapp:OQ1', act })?.identifies, 'organization')
    assert.equal(accessOnly({ act })?.identifies, 'organization')
    assert.equal(accessOnly({ sub: 'trn:us1:iam:oauthapp:OQ1', act: { sub: 'trn:us1:iam:account:AC1' } })?.identifies, 'account')
    assert.equal(accessOnly({ sub: 'trn:us1:iam:account:AC1' })?.identifies, 'account')
    for (const sub of ['trn:us1:iam:user:US1', 'somebody', 'ORlando']) assert.equal(accessOnly({ sub, act })?.identifies, 'user')
    assert.equal(profileOf({ idClaims: ID, accessClaims: { sub: 'trn:us1:iam:oauthapp:OQ1', act } })?.identifies, 'user')
  })

  it('does not take an account or organization for a person if the sub is its SID alone', () => {
    const digits = '0123456789abcdef0123456789abcdef'
    for (const [prefix, kind] of [['AC', 'account'], ['OR', 'organization'], ['US', 'user']] as const) {
      const profile = accessOnly({ sub: prefix + digits })
      assert.deepEqual([profile?.id, profile?.identifies], [prefix + digits, kind])
    }
    for (const sub of [`AC${digits}0`, `AC${digits.slice(1)}`, `xAC${digits}`, `AC${digits}@example.com`]) assert.equal(accessOnly({ sub })?.identifies, 'user')
  })

  it('has the sub as its ID, else the account that the token acts for', () => {
    assert.equal(accessOnly({ sub: 'somebody' })?.id, 'somebody')
    assert.equal(accessOnly({ act: { sub: 'trn:us1:iam:account:AC1' } })?.id, 'AC1')
  })

  it('is completed from the account', () => {
    const account = { sid: 'AC9', friendlyName: 'Okafor Couriers', json: { sid: 'AC9', friendly_name: 'Okafor Couriers' } }
    assert.deepEqual(profileOf({ idClaims: {}, accessClaims: {} }, account), {
      provider: 'twilio',
      id: 'AC9',
      identifies: 'account',
      displayName: 'Okafor Couriers',
      accountSid: 'AC9',
      _json: account.json,
      _raw: JSON.stringify(account.json)
    })
    const completed = profileOf({ idClaims: {}, accessClaims: { sub: 'trn:us1:iam:user:US1' } }, account)
    assert.deepEqual([completed?.id, completed?.displayName, completed?.accountSid], ['US1', 'Okafor Couriers', 'AC9'])
  })

  it('does not exist if nothing identifies the user', () => {
    for (const claims of [{}, { sub: '' }, { sub: 7 }, { sub: null, act: null }]) assert.equal(accessOnly(claims), undefined)
  })

  it('has the best display name, name and email address that the claims provide', () => {
    assert.equal(accessOnly({ sub: 'x', preferred_username: 'amara', email: 'a@example.com' })?.displayName, 'amara')
    assert.deepEqual(accessOnly({ sub: 'x', email: 'a@example.com' })?.emails, [{ value: 'a@example.com' }])
    assert.equal(accessOnly({ sub: 'x', email: 'a@example.com' })?.displayName, 'a@example.com')
    assert.deepEqual(accessOnly({ sub: 'x', given_name: 'Amara', name: 7 })?.name, { familyName: '', givenName: 'Amara' })
    assert.deepEqual(accessOnly({ sub: 'x', family_name: 'Okafor' })?.name, { familyName: 'Okafor', givenName: '' })
    assert.equal(accessOnly({ sub: 'x' })?.name, undefined)
  })
})
