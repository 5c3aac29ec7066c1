import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TwilioOAuthClient } from '../../lib'

const CLIENT_ID = `OQ${'0123456789abcdef'.repeat(2)}`
const CALLBACK = 'http://localhost:4000/callback'

/** A `passport-twilio-sandbox` process. */
class Command {
  readonly #process: ChildProcess
  output = ''
  errors = ''

  constructor(...args: string[]) {
    this.#process = spawn(process.execPath, ['--import', 'tsx', join(process.cwd(), 'lib/sandbox/cli.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()))
  }

  /** Waits until the sandbox is running and returns what it has printed. */
  started(): Promise<string> {
    return this.prints('Press Ctrl-C to stop.')
  }

  /** Waits until it has printed a text, and returns everything that it has printed. */
  async prints(text: string): Promise<string> {
    while (!this.output.includes(text) && this.#process.stdout) await once(this.#process.stdout, 'data')
    return this.output
  }

  async exitCode(signal?: NodeJS.Signals): Promise<unknown> {
    const closed = once(this.#process, 'close')
    if (signal) this.#process.kill(signal)
    const [code] = (await closed) as [unknown]
    return code
  }
}

describe('passport-twilio-sandbox', () => {

  it('starts the sandbox with the given OAuth app, prints the settings, and exits on Ctrl-C', async () => {
    const sandbox = new Command('--port', '0', '--api-version', 'v2', '--client-id', CLIENT_ID, '--client-secret', 'a secret', '--redirect-uri', CALLBACK)
    const printed = await sandbox.started()
    const [, url = ''] = /The sandbox is running at (http:\/\/127\.0\.0\.1:\d+) \(v2\)\./.exec(printed) ?? []
    for (const setting of [CLIENT_ID, 'a secret', `Redirect URI        ${CALLBACK}\n`, 'response_type, client_id and so on', `${url}/v2/authorize`, `${url}/v2/token`, `baseURL: '${url}'`]) assert.ok(printed.includes(setting), setting)

    const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: 'a secret', baseURL: url, apiVersion: 'v2' })
    const [, jobID = '', jobSecret] = /Job client ID +(OQ[0-9a-f]{32})\n +Job client secret +(\S+)\n/.exec(printed) ?? []
    const tokens = await new TwilioOAuthClient({ clientID: jobID, clientSecret: jobSecret ?? '', baseURL: url, apiVersion: 'v2' }).clientCredentials()
    const [, accountSid = ''] = /Account SID +(AC[0-9a-f]{32})\n/.exec(printed) ?? []
    const account = await fetch(`${url}/2010-04-01/Accounts/${accountSid}/Messages.json`, { headers: { Authorization: `Bearer ${tokens.accessToken}` } })
    assert.equal(account.status, 200, 'the printed account SID is the one that client credentials act for')
    const registered = await fetch(client.authorizationURL({ redirectURI: CALLBACK, codeChallenge: 'a'.repeat(43) }), { redirect: 'manual' })
    assert.equal(registered.status, 302)
    const other = await fetch(client.authorizationURL({ redirectURI: `${CALLBACK}/`, codeChallenge: 'a'.repeat(43) }), { redirect: 'manual' })
    assert.equal(other.status, 400, 'another redirect URI is refused')
    assert.equal(await sandbox.exitCode('SIGINT'), 0)
  })

  it('creates a random OAuth app when none is given', async () => {
    const sandbox = new Command('--port=0')
    assert.match(await sandbox.started(), /Client ID +OQ[0-9a-f]{32}\n +Client secret +\S{40,}\n +Redirect URI +any URI on this machine\n +Authorize endpoint +http:\/\/127\.0\.0\.1:\d+\/v1\/authorize\n/)
    await sandbox.exitCode('SIGTERM')
  })

  it('logs a line for each request, with secrets masked, and why it was refused', async () => {
    const sandbox = new Command('--port', '0', '--client-id', CLIENT_ID, '--client-secret', 'a secret that is long enough', '--redirect-uri', CALLBACK)
    const [, url = ''] = /running at (\S+) /.exec(await sandbox.started()) ?? []
    const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: 'a secret that is long enough', baseURL: url })
    await fetch(client.authorizationURL({ redirectURI: CALLBACK, state: 'state-of-the-login' }), { redirect: 'manual' })
    await assert.rejects(client.exchangeCode({ code: 'a-made-up-code', redirectURI: CALLBACK }))
    await fetch(client.authorizationURL({ redirectURI: `${CALLBACK}\n2` }))
    const log = (await sandbox.prints('not registered')).split('Press Ctrl-C to stop.\n')[1]?.trim().split('\n') ?? []
    assert.equal(log.length, 3)
    assert.match(log[0] ?? '', /^GET \/v1\/authorize .*RedirectUri=http:\/\/localhost:4000\/callback .*State=stat… → 302$/)
    assert.match(log[1] ?? '', /^POST \/v1\/token GrantType=authorization_code Code=a-ma… .*ClientSecret=… → 400 invalid_grant: /)
    assert.match(log[2] ?? '', /^GET \/v1\/authorize .*RedirectUri=http:\/\/localhost:4000\/callback 2.* → 400 invalid_request: .*Sent: .*Registered: http:\/\/localhost:4000\/callback$/)
    await sandbox.exitCode('SIGTERM')
  })

  it('logs no requests with --quiet', async () => {
    const sandbox = new Command('--port', '0', '--quiet')
    const [, url = ''] = /running at (\S+) /.exec(await sandbox.started()) ?? []
    await fetch(url)
    await sandbox.exitCode('SIGTERM')
    assert.ok(sandbox.output.endsWith('Press Ctrl-C to stop.\n'))
  })

  it('lets people log in with one app that has all grants, with --account-logins', async () => {
    const sandbox = new Command('--port=0', '--account-logins', '--client-id', CLIENT_ID, '--client-secret', 'a secret')
    const [, url = ''] = /running at (\S+) /.exec(await sandbox.started()) ?? []
    const { claims } = await new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: 'a secret', baseURL: url }).clientCredentials()
    assert.match(JSON.stringify(claims.act), /:account:AC/)
    await sandbox.exitCode('SIGTERM')
  })

  it('prints every option with --help', async () => {
    const help = new Command('--help')
    assert.equal(await help.exitCode(), 0)
    for (const option of ['--port', '--api-version', '--client-id', '--client-secret', '--redirect-uri', '--account-logins', '--quiet']) assert.ok(help.output.includes(`  ${option} `))
  })

  it('names the wrong option and the expected value, and exits with 1', async () => {
    const wrong: readonly [string[], RegExp][] = [
      [['--port', 'http'], /^--port must be a number from 0 to 65535, not http\.\n$/],
      [['--port', '65536'], /^--port must be a number from 0 to 65535/],
      [['--api-version', 'v3'], /^--api-version must be v1 or v2, not v3\.\n$/],
      [['--client-id', 'mine'], /^--client-id must have 34 characters, as in OQ[0-9a-f]{32}, not 4\.\n$/],
      [['--client-id', `AC${'a'.repeat(32)}`], /^--client-id must be the client ID of an OAuth app, as in OQ[0-9a-f]{32}, not an account SID \(AC…\)\.\n$/],
      [['--client-secret', ''], /^--client-secret must not be empty\.\n$/],
      [['--redirect-uri', '/callback'], /^--redirect-uri must be an absolute URI/],
      [['--colour'], /'--colour'[\s\S]*--port NUMBER/]
    ]
    await Promise.all(
      wrong.map(async ([args, message]) => {
        const refused = new Command(...args)
        assert.equal(await refused.exitCode(), 1)
        assert.match(refused.errors, message)
      })
    )
  })

  it('names the port that is already in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const refused = new Command('--port', String(port))
    assert.equal(await refused.exitCode(), 1)
    assert.equal(refused.errors, `The sandbox cannot start: port ${port} is already in use. Choose another port, or 0 for a free one.\n`)
    await new Promise((resolve) => other.close(resolve))
  })
})
