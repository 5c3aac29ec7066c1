import assert from 'node:assert/strict'
import { TwilioNetworkError, TwilioTimeoutError, TwilioTokenError } from '../../../lib'
import { openFailure, openRefreshed, sealFailure, sealRefreshed } from '../../../lib/session/records/refresh-record'
import { seal, sealingKey } from '../../../lib/session/sealing'
import { unsigned } from '../../support/jwt'
import { tokensOf } from '../../support/session-app'

const SPENT = { accessToken: 'access-0', refreshToken: 'refresh-0' }

describe('the record of a refresh', () => {
  it('tells those who hold the spent token what came of it', async () => {
    const refreshed = { tokens: tokensOf({ accessToken: unsigned({ sub: 'x' }), idToken: 'id-1', scope: 'a b' }), at: 1_800_000_000_000 }
    const sealed = await sealRefreshed(SPENT, refreshed)
    assert.deepEqual(await openRefreshed(SPENT, sealed), refreshed)
  })

  it('tells nobody else anything', async () => {
    const sealed = await sealRefreshed(SPENT, { tokens: tokensOf(), at: 1 })
    assert.equal(await openRefreshed({ ...SPENT, refreshToken: 'refresh-1' }, sealed), undefined)
    assert.equal(await openFailure({ ...SPENT, refreshToken: 'refresh-1' }, await sealFailure(SPENT, new Error('x'))), undefined)
    assert.doesNotMatch(Buffer.from(sealed.replaceAll('.', ''), 'base64url').toString('latin1') + sealed, /access-0|refresh-0/)
  })

  it('is no record when it is anything else', async () => {
    const key = sealingKey(SPENT.refreshToken, 'refresh record')
    const others = ['', 'text', '{"tokens":{}}', await seal(null, key), await seal([], key), await seal({ tokens: tokensOf() }, key), await seal({ at: 1, tokens: { accessToken: 'a' } }, key), await seal({ at: '1', tokens: tokensOf() }, key)]
    for (const other of [...others, undefined, null, 7, Buffer.from('x')]) {
      assert.equal(await openRefreshed(SPENT, other), undefined)
      assert.equal(await openFailure(SPENT, other), undefined)
    }
  })

  describe('of one that failed', () => {
    const reopened = async (error: unknown) => openFailure(SPENT, await sealFailure(SPENT, error))

    it("tells Twilio's error, with all that an app acts on", async () => {
      const error = new TwilioTokenError('Twilio answered 429', { code: 'temporarily_unavailable', status: 429, twilioCode: 20429, moreInfo: 'https://www.twilio.com/docs/errors/20429', retryAt: 1_800_000_000_000 })
      const opened = await reopened(error)
      assert.ok(opened instanceof TwilioTokenError)
      const told = ({ message, code, status, twilioCode, moreInfo, retryAt }: TwilioTokenError) => ({ message, code, status, twilioCode, moreInfo, retryAt })
      assert.deepEqual(told(opened), told(error))

      const bare = await reopened(new TwilioTokenError('spent', { code: 'invalid_grant', status: 400 }))
      assert.ok(bare instanceof TwilioTokenError)
      assert.deepEqual([bare.code, bare.status, bare.twilioCode, bare.moreInfo, bare.retryAt], ['invalid_grant', 400, undefined, undefined, undefined])
    })

    it('tells everything else as trouble on the network', async () => {
      for (const error of [new TwilioTimeoutError('did not answer'), new Error('other'), 'text', undefined]) {
        const opened = await reopened(error)
        assert.ok(opened instanceof TwilioNetworkError)
        assert.equal(opened.message, error instanceof Error ? error.message : 'unknown')
      }
    })

    it('takes no detail of a wrong type', async () => {
      const key = sealingKey(SPENT.refreshToken, 'refresh record')
      const details = { code: 'invalid_grant', status: 400, twilioCode: '20003', moreInfo: 7, retryAt: 'soon' }
      const opened = await openFailure(SPENT, await seal({ message: 'm', details }, key))
      assert.ok(opened instanceof TwilioTokenError)
      assert.deepEqual([opened.twilioCode, opened.moreInfo, opened.retryAt], [undefined, undefined, undefined])
      for (const wrong of [{ ...details, code: 7 }, { ...details, status: '400' }, [], null]) {
        assert.ok((await openFailure(SPENT, await seal({ message: 'm', details: wrong }, key))) instanceof TwilioNetworkError)
      }
      assert.equal(await openFailure(SPENT, await seal({ message: 7, details }, key)), undefined)
    })
  })
})
