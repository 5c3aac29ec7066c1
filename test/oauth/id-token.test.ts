import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mock } from 'node:test'
import { TwilioIdTokenError, TwilioNetworkError, TwilioResponseError, TwilioTimeoutError, type IdTokenOptions } from '../../lib'
import { idTokenChecker } from '../../lib/oauth/id-token'
import { withClock } from '../support/clock'
import { CLIENT_ID, createSigner, idClaims, nowInSeconds, strangerAs, unsigned, type Signer } from '../support/jwt'
import { closedPort, json, text, TwilioServer } from '../support/twilio-server'

const LIMITS = { timeout: 500, maxResponseBytes: 10_000, agent: undefined }

const check = (idToken: string | undefined, options: IdTokenOptions = {}) => idTokenChecker(CLIENT_ID, options, LIMITS)(idToken)

function assertRefused(promise: Promise<unknown>, why: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => error instanceof TwilioIdTokenError && why.test(error.message))
}

describe('an ID token', () => {
  it('may be missing, unless it is required', async () => {
    await check(undefined)
    await assertRefused(check(undefined, { required: true }), /there is none, and idToken.required is set/)
  })

  it('has to have the form of a signed JWT', async () => {
    for (const other of ['garbage', 'a.b', 'e30.e30', `${unsigned(idClaims())}.e30`, 'eyJhbdGciOiIUzI1NiIsInR5cCI6IkpXVCJ9.e30.s']) await assertRefused(check(other), /not a signed JWT/)
  })

  it('has to be signed: none is no signature (SEC-18)', async () => {
    for (const alg of ['none', 'None', undefined, 7]) await assertRefused(check(unsigned(idClaims(), { alg })), /not signed/)
  })

  it('has to be for this app (SEC-17)', async () => {
    await check(unsigned(idClaims()))
    await check(unsigned(idClaims({ aud: [CLIENT_ID] })))
    for (const aud of ['OQ-another-app', ['OQ-another-app'], undefined, null, {}]) await assertRefused(check(unsigned(idClaims({ aud }))), /another app \(aud\)/)
  })

  it('with several audiences, has to have been issued to this app', async () => {
    const several = { aud: [CLIENT_ID, 'OQ-another-app'] }
    await check(unsigned(idClaims({ ...several, azp: CLIENT_ID })))
    await assertRefused(check(unsigned(idClaims(several))), /azp/)
    await assertRefused(check(unsigned(idClaims({ ...several, azp: 'OQ-another-app' }))), /azp/)
    await assertRefused(check(unsigned(idClaims({ azp: 'OQ-another-app' }))), /azp/)
  })

  it('has to come from the issuer, where one is configured', async () => {
    await check(unsigned(idClaims()), { issuer: 'https://oauth.twilio.com' })
    for (const iss of ['https://oauth.twilio.com/', 'https://evil.example', undefined]) {
      await assertRefused(check(unsigned(idClaims({ iss })), { issuer: 'https://oauth.twilio.com' }), /issuer \(iss\) differs from/)
    }
  })

  it('has to be valid now, give or take the minute that two clocks may differ by', async () => {
    const now = nowInSeconds()
    await check(unsigned(idClaims({ exp: now - 30 })))
    await check(unsigned(idClaims({ nbf: now + 30, iat: now + 30 })))
    await assertRefused(check(unsigned(idClaims({ exp: now - 61 }))), /expired/)
    await assertRefused(check(unsigned(idClaims({ nbf: now + 90 }))), /not valid yet/)
    await assertRefused(check(unsigned(idClaims({ iat: now + 90 }))), /issued in the future/)
    for (const wrong of [undefined, null, String(now + 60)]) await assertRefused(check(unsigned(idClaims({ exp: wrong }))), /no expiry/)
    await assertRefused(check(unsigned(idClaims({ nbf: 'yesterday' }))), /not valid yet/)
  })

  it('is valid up to the second of its times, with a minute for differing clocks', () =>
    withClock(['Date'], async () => {
      const now = nowInSeconds() + 1
      mock.timers.setTime(now * 1000)
      await check(unsigned(idClaims({ exp: now - 59 })))
      await assertRefused(check(unsigned(idClaims({ exp: now - 60 }))), /expired/)
      for (const [claim, why] of [
        ['nbf', /not valid yet/],
        ['iat', /issued in the future/]
      ] as const) {
        await check(unsigned(idClaims({ [claim]: now + 60 })))
        await assertRefused(check(unsigned(idClaims({ [claim]: now + 61 }))), why)
      }
    }))

  describe('whose signature is checked', () => {
    let signer: Signer
    let keys: TwilioServer
    before(async () => {
      signer = await createSigner()
    })
    beforeEach(async () => {
      keys = await TwilioServer.start(json(200, { keys: [signer.jwk] }))
    })
    afterEach(() => keys.stop())

    it('is accepted if it was signed with a configured key and any supported algorithm', async () => {
      for (const alg of ['RS256', 'PS256', 'ES256', 'Ed25519']) {
        const one = await createSigner('k', alg)
        await check(await one.sign(idClaims()), { jwks: { keys: [one.jwk] } })
      }
      await check(await signer.sign(idClaims()), { jwksURL: keys.url })
    })

    it('is refused when another key made it, or it was changed', async () => {
      const stranger = await strangerAs('key-1')
      await assertRefused(check(await stranger.sign(idClaims()), { jwksURL: keys.url }), /signature is invalid/)
      const [header, , signature] = (await signer.sign(idClaims())).split('.')
      const changed = [header, Buffer.from(JSON.stringify(idClaims({ sub: 'somebody else' }))).toString('base64url'), signature].join('.')
      await assertRefused(check(changed, { jwks: { keys: [signer.jwk] } }), /signature is invalid/)
      await assert.rejects(check(changed, { jwks: { keys: [signer.jwk] } }), (error: Error) => error.cause instanceof Error)
      await assert.rejects(check('garbage'), (error: Error) => !('cause' in error))
    })

    it('is refused when the public key was used as a shared secret (HS256)', async () => {
      const head = Buffer.from(JSON.stringify({ alg: 'HS256', kid: signer.kid })).toString('base64url')
      const signed = `${head}.${Buffer.from(JSON.stringify(idClaims())).toString('base64url')}`
      const forged = `${signed}.${createHmac('sha256', JSON.stringify(signer.jwk)).update(signed).digest('base64url')}`
      await assertRefused(check(forged, { jwks: { keys: [signer.jwk] } }), /signature is invalid/)
    })

    it('is refused when it was signed with a shared secret, even one that is among the keys, which are not asked for (SEC-19)', async () => {
      const secret = Buffer.from('a secret that is no public key at all')
      const shared = { kty: 'oct', k: secret.toString('base64url'), alg: 'HS256', kid: 'shared' }
      const signed = unsigned(idClaims(), { alg: 'HS256', kid: 'shared' }).replace(/\.[^.]+$/, '')
      const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
      await assertRefused(check(token, { jwks: { keys: [signer.jwk, shared] } }), /signature is invalid/)
      keys.behave = json(200, { keys: [signer.jwk, shared] })
      await assertRefused(check(token, { jwksURL: keys.url }), /signature is invalid/)
      assert.equal(keys.requests.length, 0)
    })

    it('is refused when it brings its own key', async () => {
      const stranger = await strangerAs('own')
      for (const header of [{ kid: undefined }, { kid: signer.kid }, {}]) {
        const token = await stranger.sign(idClaims(), { ...header, jwk: stranger.jwk, jku: keys.url })
        await assertRefused(check(token, { jwks: { keys: [signer.jwk] } }), /signature is invalid/)
      }
      assert.equal(keys.requests.length, 0)
    })

    it('is accepted if it does not name its key, and was signed with any of the configured ones', async () => {
      const [one, two, stranger] = [signer, await createSigner('two'), await strangerAs('three')]
      const set = { keys: [one.jwk, two.jwk, { kty: 'RSA', n: '!!', e: '' }] }
      keys.behave = json(200, set)
      for (const options of [{ jwks: set }, { jwksURL: keys.url }]) {
        for (const by of [one, two]) await check(await by.sign(idClaims(), { kid: undefined }), options)
        await assertRefused(check(await stranger.sign(idClaims(), { kid: undefined }), options), /signature is invalid/)
      }
    })

    it('is refused, and not with an error of another kind, when its keys are no keys', async () => {
      const unreadable = { kty: 'RSA', n: () => undefined }
      for (const key of [unreadable, { kty: 'RSA' }, { kty: 'of the future' }]) await assertRefused(check(await signer.sign(idClaims()), { jwks: { keys: [key] } }), /signature is invalid/)
      await assertRefused(check(await signer.sign(idClaims()), { jwks: { keys: [null] } as never }), /signature is invalid/)
    })

    it('is checked as to its claims too', async () => {
      await assertRefused(check(await signer.sign(idClaims({ aud: 'OQ-another-app' })), { jwksURL: keys.url }), /another app/)
    })

    it('is accepted after the keys were rotated, and the keys are fetched once in between', async () => {
      const checkAgain = idTokenChecker(CLIENT_ID, { jwksURL: keys.url }, LIMITS)
      await checkAgain(await signer.sign(idClaims()))
      await checkAgain(await signer.sign(idClaims()))
      assert.equal(keys.requests.length, 1)
      const next = await strangerAs('key-2')
      keys.behave = json(200, { keys: [next.jwk] })
      await assertRefused(checkAgain(await next.sign(idClaims())), /signature is invalid/)
      await new Promise((resolve) => setTimeout(resolve, 1050))
      await checkAgain(await next.sign(idClaims()))
    })

    it('is verified with keys that are fetched once, although several logins need them at the same time', async () => {
      const checkAgain = idTokenChecker(CLIENT_ID, { jwksURL: keys.url }, LIMITS)
      const idToken = await signer.sign(idClaims())
      await Promise.all([checkAgain(idToken), checkAgain(idToken), checkAgain(idToken)])
      assert.equal(keys.requests.length, 1)
    })

    it('is refused when its key is not among the keys', async () => {
      const unknown = await strangerAs('unknown')
      await assertRefused(check(await unknown.sign(idClaims()), { jwks: { keys: [signer.jwk] } }), /signature is invalid/)
    })

    it('cannot be taken while the keys cannot be had', async () => {
      const idToken = await signer.sign(idClaims())
      await assert.rejects(check(idToken, { jwksURL: `http://127.0.0.1:${await closedPort()}` }), TwilioNetworkError)
      keys.behave = () => undefined
      await assert.rejects(check(idToken, { jwksURL: keys.url }), TwilioTimeoutError)
      keys.behave = text(500, 'oops')
      await assert.rejects(check(idToken, { jwksURL: keys.url }), (error) => error instanceof TwilioResponseError && error.message.includes('idToken.jwksURL'))
      keys.behave = text(200, 'a'.repeat(20_000))
      await assert.rejects(check(idToken, { jwksURL: keys.url }), TwilioResponseError)
      for (const garbage of [text(200, 'no json'), json(200, null), json(200, { keys: [null] })]) {
        keys.behave = garbage
        await assertRefused(check(idToken, { jwksURL: keys.url }), /signature is invalid/)
      }
    })
  })
})
