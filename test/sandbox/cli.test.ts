import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TwilioOAuthClient } from '../../lib'

const CLIENT_ID = `OQ${'0123456789abcdef'.repeat(2)}`
const CALLBACK = 'http://localhost:4000/callback'

/** `passport-twilio-sandbox` with some parameters. */
class Command {
  readonly #process: ChildProcess
  output = ''
  errors = ''

  constructor(...parameters: string[]) {
    this.#process = spawn(process.execPath, ['--import', 'tsx', join(process.cwd(), 'lib/sandbox/cli.ts'), ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()))
  }

  /** Waits until it runs; gives what it printed. */
  async started(): Promise<string> {
    while (!this.output.includes('Ctrl-C stops it.') && this.#process.stdout) await once(this.#process.stdout, 'data')
    return this.output
  }

  async ended(signal?: NodeJS.Signals): Promise<unknown> {
    const closed = once(this.#process, 'close')
    if (signal) this.#process.kill(signal)
    const [code] = (await closed) as [unknown]
    return code
  }
}

describe('passport-twilio-sandbox', () => {

  it('runs the sandbox for an app in any language, says what to put where, and ends at Ctrl-C', async () => {
    const sandbox = new Command('--port', '0', '--api-version', 'v2', '--client-id', CLIENT_ID, '--client-secret', 'for the tests', '--redirect-uri', CALLBACK)
    const printed = await sandbox.started()
    const [, url = ''] = /The sandbox runs at (http:\/\/127\.0\.0\.1:\d+) \(v2\)\./.exec(printed) ?? []
    for (const told of [CLIENT_ID, 'for the tests', `Redirect address           ${CALLBACK}\n`, 'response_type, client_id and so on', `${url}/v2/authorize`, `${url}/v2/token`, `baseURL: '${url}'`]) assert.ok(printed.includes(told), told)

    const client = new TwilioOAuthClient({ clientID: CLIENT_ID, clientSecret: 'for the tests', baseURL: url, apiVersion: 'v2' })
    const tokens = await client.clientCredentials()
    const [, accountSid = ''] = /Account SID +(AC[0-9a-f]{32})\n/.exec(printed) ?? []
    const account = await fetch(`${url}/2010-04-01/Accounts/${accountSid}/Messages.json`, { headers: { Authorization: `Bearer ${tokens.accessToken}` } })
    assert.equal(account.status, 200, 'the account SID is the one that client credentials work in')
    const registered = await fetch(client.authorizationURL({ redirectURI: CALLBACK, codeChallenge: 'a'.repeat(43) }), { redirect: 'manual' })
    assert.equal(registered.status, 302)
    const other = await fetch(client.authorizationURL({ redirectURI: `${CALLBACK}/`, codeChallenge: 'a'.repeat(43) }), { redirect: 'manual' })
    assert.equal(other.status, 400, 'no other redirect address is taken')
    assert.equal(await sandbox.ended('SIGINT'), 0)
  })

  it('makes up an OAuth app where it is told none', async () => {
    const sandbox = new Command('--port=0')
    assert.match(await sandbox.started(), /Client ID +OQ[0-9a-f]{32}\n +Client secret +\S{40,}\n +Redirect address +any on this machine\n +Authorize endpoint +http:\/\/127\.0\.0\.1:\d+\/v1\/authorize\n/)
    await sandbox.ended('SIGTERM')
  })

  it('tells how it is used', async () => {
    const help = new Command('--help')
    assert.equal(await help.ended(), 0)
    for (const option of ['--port', '--api-version', '--client-id', '--client-secret', '--redirect-uri']) assert.ok(help.output.includes(`  ${option} `))
  })

  it('says in words what is wrong with the command, by the name of the option', async () => {
    const wrong: readonly [string[], RegExp][] = [
      [['--port', 'http'], /^--port must be 0 to 65535; it is http\.\n$/],
      [['--port', '65536'], /^--port must be 0 to 65535/],
      [['--api-version', 'v3'], /^--api-version must be v1 or v2; it is v3\.\n$/],
      [['--client-id', 'mine'], /^--client-id must have 34 characters, as in OQ[0-9a-f]{32}; it has 4\.\n$/],
      [['--client-id', `AC${'a'.repeat(32)}`], /^--client-id begins with OQ, as in OQ[0-9a-f]{32}; AC… is an account's SID\.\n$/],
      [['--client-secret', ''], /^--client-secret must not be empty\.\n$/],
      [['--redirect-uri', '/callback'], /^--redirect-uri must be a whole address/],
      [['--colour'], /'--colour'[\s\S]*--port NUMBER/]
    ]
    await Promise.all(
      wrong.map(async ([parameters, message]) => {
        const refused = new Command(...parameters)
        assert.equal(await refused.ended(), 1)
        assert.match(refused.errors, message)
      })
    )
  })

  it('says which port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const refused = new Command('--port', String(port))
    assert.equal(await refused.ended(), 1)
    assert.equal(refused.errors, `The sandbox cannot start: port ${port} is taken. Give another, or 0 for a free one.\n`)
    await new Promise((resolve) => other.close(resolve))
  })
})
