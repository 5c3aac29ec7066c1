import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { startSandbox, type Sandbox } from '../../lib/sandbox'

const REDIRECT_URI = 'http://localhost:3000/auth/twilio/callback'

interface Ended {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command until it exits. */
function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { PATH, HOME } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', join(process.cwd(), 'lib/doctor/cli.ts'), ...args], { env: { PATH, HOME, ...environment } }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }))
  })
}

describe('the command passport-twilio-doctor', () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await startSandbox()
  })
  after(() => sandbox.stop())

  it('prints a line for each check, and exits with 0 if all is well', async () => {
    const { code, stdout, stderr } = await run(['--client-id', sandbox.clientID, '--redirect-uri', REDIRECT_URI, '--base-url', sandbox.url], { TWILIO_CLIENT_SECRET: sandbox.clientSecret })
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(stdout.match(/^. [\w ]+/gm), ['✓ Client ID', '✓ Connection', '✓ Clock', '✓ Redirect URI', '✓ Client secret'])
  })

  it('marks what is wrong, and exits with 1', async () => {
    const { code, stdout } = await run(['--client-id', sandbox.clientID, '--redirect-uri', REDIRECT_URI, '--base-url', sandbox.url], { TWILIO_CLIENT_SECRET: 'a wrong client secret' })
    assert.equal(code, 1)
    assert.match(stdout, /\n✗ Client secret: .*Check clientID and clientSecret/)
    assert.doesNotMatch(stdout, /a wrong client secret/)
  })

  it('explains a wrong command line, takes no secret as an argument, and exits with 1', async () => {
    for (const [args, message] of [
      [[], /^--client-id is missing\.\n\nUsage: /],
      [['--client-id', 'x'], /^--redirect-uri is missing/],
      [['--client-id', 'x', '--redirect-uri', '/callback'], /^--redirect-uri must be an absolute URI/],
      [['--client-id', 'x', '--redirect-uri', REDIRECT_URI, '--api-version', 'v3'], /^--api-version must be v1 or v2, not v3/],
      [['--client-secret', 'x'], /'--client-secret'/]
    ] as const) {
      const { code, stderr } = await run(args)
      assert.equal(code, 1)
      assert.match(stderr, message)
    }
    assert.match((await run(['--help'])).stdout, /^Usage: passport-twilio-doctor .*TWILIO_CLIENT_SECRET/s)
  })
})
