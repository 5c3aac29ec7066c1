import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TwilioOAuthClient } from '../../lib'
import { readCallback } from '../../lib/login/callback'
import { claimsOf } from '../../lib/oauth/claims'
import { DIALECTS, encodeParameters, type ApiVersion, type OAuthParameter } from '../../lib/oauth/dialect'
import { profileOf } from '../../lib/oauth/profile'
import { accountSidOf, parseResourceName } from '../../lib/oauth/resource-name'
import { redact } from '../../lib/util/redact'
import { readParameters } from '../../lib/sandbox/parameters'
import { newLogin, withTokens } from '../../lib/session/kept-login'
import { readTokens } from '../../lib/oauth/tokens'
import { CLIENT_ID, CLIENT_SECRET, idClaims, unsigned } from '../support/jwt'
import { tokensOf } from '../support/session-app'
import { json, TwilioServer } from '../support/twilio-server'
import { checkProperty } from './check-property'

const YEAR_S = 365 * 24 * 3600

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: fc.constantFrom('&', '=', '+', '%', ' ', '#', '\n', '\u0000', 'é', 'a', '[', ']'), maxLength: 12 }))
const visible = fc.string({ minLength: 1, maxLength: 60 })
const unchanged = (characters: string) => characters
const token = visible.map((characters) => characters.replaceAll(' ', '_'))
const apiVersions = fc.constantFrom<ApiVersion>('v1', 'v2')

describe('parameters in the names of either API version', function () {
  this.timeout(0)

  const values = fc.dictionary(fc.constantFrom(...(Object.keys(DIALECTS.v2.parameterNames) as OAuthParameter[])), text.filter((characters) => characters !== ''))

  it('are parsed to the values that were encoded', async () => {
    await checkProperty(
      fc.property(apiVersions, values, (version, parameters) => {
        const encoded = encodeParameters(DIALECTS[version], parameters)
        assert.deepEqual({ ...readParameters(new URLSearchParams(encoded), DIALECTS[version]) }, { ...parameters })
      }),
      20
    )
  })

  it('are parsed at the callback in lower case and capitalized, among any other parameters', async () => {
    const callback = fc.record({ code: visible, state: visible, error_description: text }, { requiredKeys: ['code'] })
    const others = fc.dictionary(fc.constantFrom('scope', '__proto__', 'iss', 'constructor', 'session_state'), text)
    await checkProperty(
      fc.property(apiVersions, callback, others, (version, given, rest) => {
        const { code: codeName, state: stateName } = DIALECTS[version].parameterNames
        const names: Record<string, string> = { code: codeName, state: stateName, error_description: version === 'v1' ? 'ErrorDescription' : 'error_description' }
        const query = new URLSearchParams([...Object.entries(rest), ...Object.entries(given).map(([name, value]): [string, string] => [names[name] ?? name, value])])
        assert.deepEqual({ ...readCallback({ method: 'GET', url: `/callback?${query.toString()}` }) }, { ...given })
      }),
      20
    )
  })
})

describe('a token response', function () {
  this.timeout(0)

  it('gets the correct expiry, to the second, for any lifetime up to a year', async () => {
    await checkProperty(
      fc.property(fc.oneof(fc.integer({ min: 1, max: YEAR_S }), fc.double({ min: 0.001, max: YEAR_S, noNaN: true })), fc.boolean(), (lifetime, isText) => {
        const before = Date.now()
        const { expiresAt = NaN } = readTokens({ access_token: 'a', expires_in: isText ? String(Math.ceil(lifetime)) : lifetime })
        assert.ok(expiresAt >= before + Math.floor(lifetime * 1000) && expiresAt <= Date.now() + Math.ceil(lifetime) * 1000, String(expiresAt))
      }),
      20
    )
  })

  it('gets an expiry that is a valid date, or none, for any expires_in and exp', async () => {
    const anyTime = fc.oneof(fc.double(), fc.integer(), fc.bigInt().map(String), fc.jsonValue())
    await checkProperty(
      fc.property(anyTime, fc.oneof(anyTime, fc.constant(undefined)), (expiresIn, exp) => {
        const { expiresAt } = readTokens({ access_token: unsigned({ exp }), expires_in: expiresIn })
        if (expiresAt !== undefined) assert.doesNotThrow(() => new Date(expiresAt).toISOString())
      }),
      20
    )
  })

  it('gets claims and a profile from any string without throwing', async () => {
    const part = fc.oneof(text, fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')), fc.base64String())
    const anyToken = fc.oneof(text, fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')), fc.jsonValue().map((claims) => unsigned(claims)))
    const name = fc.array(fc.constantFrom('trn', ':', 'us1', 'iam', 'user', 'oauthapp', 'US1', 'AC1', '')).map((parts) => parts.join(''))
    const knownClaims = fc.record({ sub: fc.oneof(name, fc.jsonValue()), act: fc.oneof(name.map((sub) => ({ sub })), fc.jsonValue()), 'urn:tw:iam_ctx': fc.oneof(name, fc.jsonValue()), 'urn:tw:rgn': fc.jsonValue(), name: fc.jsonValue(), email: fc.jsonValue(), family_name: fc.jsonValue() }, { requiredKeys: [] })
    await checkProperty(
      fc.property(fc.oneof(anyToken, knownClaims.map((claims) => unsigned(claims))), fc.oneof(anyToken, fc.constant(undefined)), (accessToken, idToken) => {
        const claims = claimsOf(accessToken)
        assert.ok(!Array.isArray(claims) && Object(claims) === claims)
        const profile = profileOf({ idClaims: idToken === undefined ? {} : claimsOf(idToken), accessClaims: claims })
        if (profile) assert.ok(profile.id !== '' && profile.displayName !== '' && typeof profile.id === 'string' && typeof profile.displayName === 'string')
        assert.ok(['string', 'undefined'].includes(typeof accountSidOf(claims)))
        assert.ok(['object', 'undefined'].includes(typeof parseResourceName(accessToken)))
      }),
      20
    )
  })

  it('keeps the refresh token, ID token and scope through any number of refreshes that leave them out', async () => {
    const twilio = await TwilioServer.start()
    const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, baseURL: twilio.url })
    const none = fc.constantFrom(undefined, null, '')
    const response = fc.record({ access_token: token, refresh_token: fc.oneof(none, token), id_token: fc.oneof(none, fc.nat().map((number) => unsigned(idClaims({ number })))), scope: fc.oneof(none, visible) })
    const orPrevious = <Previous>(returned: string | null | undefined, previous: Previous) => (returned === undefined || returned === null || returned === '' ? previous : returned)
    try {
      await checkProperty(
        fc.asyncProperty(fc.array(response, { minLength: 1, maxLength: 3 }), async (responses) => {
          const previous = { refreshToken: 'refresh-0', idToken: 'id-0', scope: 'a' }
          let login = newLogin(tokensOf(previous), Date.now())
          for (const given of responses) {
            twilio.behave = json(201, given)
            login = withTokens(login, await client.refresh(previous.refreshToken), Date.now())
            previous.refreshToken = orPrevious(given.refresh_token, previous.refreshToken)
            previous.idToken = orPrevious(given.id_token, previous.idToken)
            previous.scope = orPrevious(given.scope, previous.scope)
            const { refreshToken, idToken, scope } = login.tokens
            assert.deepEqual({ refreshToken, idToken, scope }, previous)
          }
          assert.equal(login.generation, responses.length)
        })
      )
    } finally {
      await twilio.stop()
    }
  })
})

describe('redacted text', function () {
  this.timeout(0)

  // Like Twilio's secrets, longer than the placeholder that replaces them.
  const secret = fc.string({ minLength: 9, maxLength: 40 })
  const secrets = fc.array(secret, { minLength: 1, maxLength: 3 }).chain((all) => fc.array(fc.constantFrom('x', ' and more'), { maxLength: 2 }).map((ends) => [...all, ...ends.map((end) => `${all[0] ?? ''}${end}`)]))

  it('contains none of the secrets, in plain or URL-encoded form', async () => {
    await checkProperty(
      fc.property(secrets, fc.infiniteStream(fc.oneof(text, fc.constantFrom('', ' ', '\n', '&ClientSecret='))), fc.array(fc.tuple(fc.nat(), fc.constantFrom(unchanged, encodeURIComponent, (one: string) => one.replaceAll(' ', '\n')))), (all, noise, places) => {
        const message = places.map(([which, encode]) => `${String(noise.next().value)}${encode(all[which % all.length] ?? '')}`).join('')
        const shown = redact(message, all)
        for (const one of all) {
          assert.ok(!shown.includes(one), `${JSON.stringify(shown)} contains ${JSON.stringify(one)}`)
          assert.ok(encodeURIComponent(one) === one || !shown.includes(encodeURIComponent(one)), `${JSON.stringify(shown)} contains ${JSON.stringify(one)} in URL-encoded form`)
        }
      }),
      20
    )
  })

  it('is only the placeholder if the text was a single secret, even one that is the start of another', async () => {
    await checkProperty(
      fc.property(secrets, fc.nat(), (all, which) => {
        assert.equal(redact(all[which % all.length] ?? '', all), '[hidden]')
      }),
      20
    )
  })
})
