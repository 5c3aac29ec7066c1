import assert from 'node:assert/strict'
import { freezesAfterResponse } from '../../lib/session/platform'

describe('freezesAfterResponse()', () => {
  it('recognizes AWS Lambda, Vercel, Netlify, Cloud Run, and Google and Azure functions by their variables', () => {
    for (const name of ['AWS_LAMBDA_FUNCTION_NAME', 'VERCEL', 'NETLIFY', 'K_SERVICE', 'FUNCTION_TARGET', 'FUNCTIONS_WORKER_RUNTIME']) {
      assert.equal(freezesAfterResponse({ [name]: '1' }), true, name)
      assert.equal(freezesAfterResponse({ PATH: '/bin', [name]: undefined }), false, name)
    }
  })

  it('is false elsewhere', () => {
    assert.equal(freezesAfterResponse({}), false)
    assert.equal(freezesAfterResponse({ NODE_ENV: 'production', HOME: '/root', DYNO: 'web.1', KUBERNETES_SERVICE_HOST: '10.0.0.1' }), false)
  })
})
