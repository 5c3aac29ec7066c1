import assert from 'node:assert/strict'
import { TwilioNetworkError, TwilioTimeoutError, TwilioTokenError } from '../../lib'
import { isPermanentError } from '../../lib/oauth/permanent-error'
import { newLogin, type KeptLogin } from '../../lib/session/kept-login'
import { LOGGED_OUT, RecordCodec, REFUSED } from '../../lib/session/records/record-codec'
import { seal, sealingKey } from '../../lib/session/sealing'
import { CLIENT_ID } from '../support/jwt'
import { tokensOf } from '../support/session-app'

const LOGIN: KeptLogin = newLogin(tokensOf(), 1_800_000_000_000)

describe('the record of a login', () => {
  const codec = new RecordCodec(CLIENT_ID, ['one secret'])

  it('has a name that any store accepts, a different one for each login and client, and that does not reveal the login ID', () => {
    const names = [codec.nameOf('an-id'), codec.nameOf('another-id'), new RecordCodec('another client', ['one secret']).nameOf('an-id')]
    assert.equal(new Set(names).size, 3)
    for (const name of names) assert.match(name, /^[\w-]{43}$/)
    assert.doesNotMatch(names.join(), /an-id/)
    assert.equal(new RecordCodec(CLIENT_ID, ['another secret']).nameOf('an-id'), names[0], 'a new secret finds the old records')
  })

  it('can be read only with the login ID and the secret', () => {
    for (const secrets of [['one secret'], []]) {
      const one = new RecordCodec(CLIENT_ID, secrets)
      const value = one.encode(LOGIN)
      assert.doesNotMatch(value, /access|refresh/)
      assert.equal(one.decode(LOGIN.id, { generation: 0, value })?.tokens.accessToken, 'access-0')
      assert.equal(one.decode('another-id', { generation: 0, value }), undefined)
      assert.equal(new RecordCodec(CLIENT_ID, ['another secret']).decode(LOGIN.id, { generation: 0, value }), undefined)
    }
  })

  it('is read after a rotation of secrets that keeps the old one', () => {
    const value = codec.encode(LOGIN)
    assert.ok(new RecordCodec(CLIENT_ID, ['new secret', 'one secret']).decode(LOGIN.id, { generation: 0, value }))
    assert.equal(new RecordCodec(CLIENT_ID, ['new secret']).decode(LOGIN.id, { generation: 0, value }), undefined)
  })

  it('that an earlier version has written is found and read, so that an upgrade loses neither new tokens nor a logout', () => {
    const id = 'AAAAAAAAAAAAAAAAAAAAAA'
    const records: [string[], string][] = [
      [['a secret of 32 characters or more'], 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..BwcHBwcHBwcHBwcH.kRWRyoIqU03iM-d1c820F5OoODO3IiAwMUDFqiXPtrCt1sTBlzfsr1zfjf8P-6I7HYvDvmob4hi-OlU_RAhlCnZrSOW5x43arT3HWRkeJSIBR89fjC02q-KBwth169LHlh_CXpREY5GkncmaKkXeF6FpDU5UNZyplmIRmkNwq1Q0ShfSadF_fKQ14F-XtHdyRRrVhhANe5MCyCuoGwwb-UHh-i_lMpmPBMAtEvVQ-Cp4Th5yPw5Fc3ObAq359sYM8mE4xBi1jIcEyQQocX61M1kcMxzRgY8YsQ.38zi3zXX1WZwHnM0qYmQSQ'],
      [[], 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..BwcHBwcHBwcHBwcH.igPQBciFL7MAQkXiHXV7hw92xrpHk9Q4VIIOawPq0-_aaLfEImGYQ1htBBSeUrWFa2I2-XyEAQmzyjtTZsqISDPGVrMRBs1JK8ouNEs_rFITS5SL0xcOegh0Xh3lW3rHRuzY_GAcsO0ogbb7YCIZSevkn_0NATDpvurOAQ_sQxXvxtsHwQcjr5LoK0BWtEDkPHuWUty0M8Fb0PyFGWGN8ppf2U3-jgD20aR9XuxD7FBVHzSj966g8HH9BT4ah79l5qJ1d3cYn-7sK4w8jCtCmXglRwZr3j5UFQ.yq-1ArDt5EAFbO88tapk-w']
    ]
    for (const [secrets, value] of records) {
      const one = new RecordCodec(CLIENT_ID, secrets)
      assert.equal(one.nameOf(id), 'KYYnxZME8MhfwvNfXfkNg0rtYCKu4oUluEmspeW4rkM')
      assert.equal(one.decode(id, { generation: 3, value })?.tokens.refreshToken, 'refresh-0')
    }
    assert.deepEqual([REFUSED, LOGGED_OUT], [9_007_199_254_740_990, 9_007_199_254_740_991])
  })

  it('is not read with another generation in the clear than in the encrypted part', () => {
    const value = codec.encode({ ...LOGIN, generation: 3 })
    assert.ok(codec.decode(LOGIN.id, { generation: 3, value }))
    for (const generation of [2, 4, REFUSED, LOGGED_OUT]) assert.equal(codec.decode(LOGIN.id, { generation, value }), undefined)
  })

  it('is not read from garbage', () => {
    for (const value of ['', 'text', '....', JSON.stringify({ accessToken: 'a' })]) assert.equal(codec.decode(LOGIN.id, { generation: 0, value }), undefined)
  })

  it('of a login that has ended is newer than any other, and a logout is the last word', () => {
    assert.ok(Number.isSafeInteger(LOGGED_OUT) && LOGGED_OUT > REFUSED && REFUSED > 1e15)
  })
})

describe('the note of a failed refresh', () => {
  const codec = new RecordCodec(CLIENT_ID, ['one secret'])

  it("tells other processes Twilio's own error, with everything an app may look at", () => {
    const details = { code: 'temporarily_unavailable', status: 503, twilioStatus: 502, twilioCode: 20500, moreInfo: 'https://www.twilio.com/docs/errors/20500', retryAt: 1_800_000_000_000 }
    const error = codec.decodeFailure('an-id', codec.encodeFailure('an-id', new TwilioTokenError('Twilio is busy.', details)))
    assert.ok(error instanceof TwilioTokenError)
    const { message, code, status, twilioStatus, twilioCode, moreInfo, retryAt } = error
    assert.deepEqual({ message, code, status, twilioStatus, twilioCode, moreInfo, retryAt }, { message: 'Twilio is busy.', ...details })
  })

  it('of a refusal of the app stays a refusal, and one without details keeps none', () => {
    const error = codec.decodeFailure('an-id', codec.encodeFailure('an-id', new TwilioTokenError('Authentication Error', { code: 'invalid_client', status: 401 })))
    assert.ok(isPermanentError(error))
    assert.deepEqual([error.twilioCode, error.retryAt], [undefined, undefined])
  })

  it('of any other error is a TwilioNetworkError with its message', () => {
    for (const cause of [new TwilioTimeoutError('Twilio did not respond.'), new Error('Twilio did not respond.')]) {
      const error = codec.decodeFailure('an-id', codec.encodeFailure('an-id', cause))
      assert.ok(error instanceof TwilioNetworkError)
      assert.equal(error.message, 'Twilio did not respond.')
    }
    assert.match(codec.decodeFailure('an-id', codec.encodeFailure('an-id', 'text')).message, /failed/)
  })

  it('that cannot be read is an error all the same', () => {
    for (const note of ['', 'text', codec.encodeFailure('another-id', new Error('of another login'))]) {
      const error = codec.decodeFailure('an-id', note)
      assert.ok(error instanceof TwilioNetworkError)
      assert.match(error.message, /another process failed\. Try again\.$/)
    }
  })

  describe('with values that this version does not write', () => {
    const noteOf = (failure: unknown) => seal(failure, sealingKey('an-id\none secret', 'login record'))
    const details = { code: 'temporarily_unavailable', status: 503, twilioStatus: 503, twilioCode: 20500, moreInfo: 'https://www.twilio.com/docs/errors/20500', retryAt: 1_800_000_000_000 }

    it('is an error without the details of the wrong type', () => {
      const error = codec.decodeFailure('an-id', noteOf({ message: 'Twilio is busy.', details: { ...details, twilioStatus: '502', twilioCode: '20500', moreInfo: 20500, retryAt: 'soon' } }))
      assert.ok(error instanceof TwilioTokenError)
      const { message, code, status, twilioStatus, twilioCode, moreInfo, retryAt } = error
      assert.deepEqual(
        { message, code, status, twilioStatus, twilioCode, moreInfo, retryAt },
        { message: 'Twilio is busy.', code: 'temporarily_unavailable', status: 503, twilioStatus: 503, twilioCode: undefined, moreInfo: undefined, retryAt: undefined }
      )
    })

    it('is a TwilioNetworkError with its message, if the code or the status is missing', () => {
      for (const unknown of [{ ...details, code: 20500 }, { ...details, status: '503' }, { code: 'busy' }, { status: 503 }, 'busy', null, ['busy']]) {
        const error = codec.decodeFailure('an-id', noteOf({ message: 'Twilio is busy.', details: unknown }))
        assert.ok(error instanceof TwilioNetworkError, JSON.stringify(unknown))
        assert.equal(error.message, 'Twilio is busy.')
      }
    })

    it('is an error that says to try again, if there is no message', () => {
      for (const failure of [{ details }, { message: 503, details }, 'busy', null]) {
        const error = codec.decodeFailure('an-id', noteOf(failure))
        assert.ok(error instanceof TwilioNetworkError, JSON.stringify(failure))
        assert.match(error.message, /another process failed\. Try again\.$/)
      }
    })
  })
})
