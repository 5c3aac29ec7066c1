import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import request from 'supertest'
import { startSandbox } from '../../lib/sandbox'
import { ExampleProcess } from '../support/example-process'

const run = promisify(execFile)

/** Publishes events as the package does, during a request with an ID. */
const PUBLISH = `
  import { channel } from 'node:diagnostics_channel'
  import { logTwilioEvents, requestID } from './src/log.ts'

  logTwilioEvents()
  const response = { locals: {}, set() {} }
  requestID({}, response, () => {
    channel('passport-twilio:login').publish({ phase: 'begin' })
    channel('passport-twilio:login').publish({ phase: 'end', outcome: 'success', duration: 120 })
    channel('passport-twilio:refresh').publish({ outcome: 'failed', duration: 30, error: new Error('Twilio is down.') })
    channel('passport-twilio:logout').publish({ reason: 'dropped' })
  })
  console.log(response.locals.requestID)
`

describe("the example app's log", () => {
  it('has one line for each begin and end of a login, each refresh and each logout, with the ID of the request', async () => {
    const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', PUBLISH], { cwd: join(process.cwd(), 'example-app') })
    const lines = linesOf(stderr)
    assert.deepEqual(lines.map(({ level, event, phase }) => [level, event, phase]), [
      ['info', 'twilio.login', 'begin'],
      ['info', 'twilio.login', 'end'],
      ['warn', 'twilio.refresh', undefined],
      ['info', 'twilio.logout', undefined]
    ])
    for (const { requestID } of lines) assert.equal(requestID, stdout.trim())
    const [, login, refresh] = lines
    assert.equal(login?.outcome, 'success')
    assert.equal(login.duration, 120)
    assert.equal((refresh?.err as { message: string }).message, 'Twilio is down.')
  })

  it('follows a person from the login over a refresh to the logout, without any token', async () => {
    const sandbox = await startSandbox()
    const { clientID, clientSecret, url } = sandbox
    const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url })
    const visitor = request.agent(example.localURL)
    const begun = await visitor.get('/auth/twilio').expect(302)
    const callback = new URL(await sandbox.login(String(begun.headers.location)))
    const { headers } = await visitor.get(callback.pathname + callback.search).expect(302)
    await visitor.post('/account/refresh').expect(303)
    await visitor.get('/account').expect(200)
    await visitor.post('/logout').expect(303)
    await example.stop()
    await sandbox.stop()

    const events = example.log.flatMap(({ event, outcome, grantType, reason, phase }) => (event === undefined ? [] : [[event, outcome ?? grantType ?? reason ?? phase].join(' ')]))
    assert.deepEqual(events, [
      'twilio.login begin',
      'twilio.token authorization_code',
      'twilio.login success',
      'twilio.token refresh_token',
      'twilio.refresh refreshed',
      'twilio.logout dropped'
    ])
    assert.equal(example.log.find(({ outcome }) => outcome === 'success')?.requestID, headers['x-request-id'])
    assert.doesNotMatch(JSON.stringify(example.log), /eyJ/)
  })

  it('has the reference that an error page shows, and no code, state or secret', async () => {
    const sandbox = await startSandbox()
    const { clientID, url } = sandbox
    const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: 'not-the-secret-of-the-app', TWILIO_BASE_URL: url })
    const visitor = request.agent(example.localURL)
    const begun = await visitor.get('/auth/twilio').expect(302)
    const callback = new URL(await sandbox.login(String(begun.headers.location)))
    const { text } = await visitor.get(callback.pathname + callback.search).expect(502)
    const [, reference] = /reference <code>(\w+)<\/code>/.exec(text) ?? []
    await example.stop()
    await sandbox.stop()

    const line = example.log.find(({ requestID, level }) => requestID === reference && level === 'error')
    assert.ok(line)
    assert.deepEqual({ method: line.method, path: line.path, status: line.status }, { method: 'GET', path: '/auth/twilio/callback', status: 502 })
    const all = JSON.stringify(example.log)
    for (const secret of ['not-the-secret-of-the-app', ...callback.searchParams.values()]) assert.ok(!all.includes(secret))
  })

  it('warns if sessions are only kept in memory, or people log in with a sandbox, in production', async () => {
    const example = await ExampleProcess.start({ NODE_ENV: 'production', SESSION_SECRET: 'a session secret of the tests, long enough' })
    await example.stop()
    assert.match(example.output, /"level":"warn".*REDIS_URL is not set/)
    assert.match(example.output, /"level":"warn".*TWILIO_CLIENT_ID is not set: people log in with a sandbox/)
  })
})

function linesOf(output: string): Record<string, unknown>[] {
  return output.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
}
