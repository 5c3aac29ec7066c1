import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'

describe('passport-twilio/sdk, as built', () => {
  it('fails with errors of the same classes that the package exports', () => {
    const script = `
      const { TwilioNetworkError } = require('passport-twilio')
      const { twilioClient } = require('passport-twilio/sdk')
      const sdk = twilioClient({ accessToken: 'a', tokenType: 'Bearer', claims: {} }, { accountSid: 'AC${'0'.repeat(32)}', apiBaseURL: 'http://127.0.0.1:1' })
      sdk.messages.list({ limit: 1 }).catch((error) => console.log(error instanceof TwilioNetworkError))`
    assert.equal(execFileSync(process.execPath, ['-e', script]).toString(), 'true\n')
  })
})
