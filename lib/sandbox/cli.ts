#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { DIALECTS, isApiVersion, type ApiVersion } from '../oauth/dialect'
import { messageOf } from '../util/message-of'
import { startSandbox, type Sandbox } from './index'
import { describeRequest, type LoggedRequest } from './request-log'

const USAGE = `Usage: passport-twilio-sandbox [options]

Runs a strict local stand-in for Twilio's OAuth API, for apps in any language.

  --port NUMBER          port to listen on, 0 for a free one (default: 8020)
  --quiet                don't log requests
  --api-version VERSION  v1 or v2, whose endpoints are printed (default: v1); both are always served
  --client-id ID         client ID of the OAuth app, 34 characters, OQ… (default: random)
  --client-secret SECRET client secret of the OAuth app (default: random)
  --redirect-uri URI     redirect URI of the OAuth app, compared exactly; can be repeated
                         (default: any URI on this machine)
  --account-logins       let people log in with an account's app, which Twilio does not offer
  -h, --help             print this help`

const EXAMPLE_CLIENT_ID = 'OQ0123456789abcdef0123456789abcdef'

const VERSION_HINTS: Readonly<Record<ApiVersion, string>> = {
  v1: 'Most OAuth libraries use the names of v2 (--api-version v2).',
  v2: 'These are the names that OAuth libraries use.'
}

/** A wrong command line. */
class UsageError extends Error {}

interface CommandOptions {
  readonly port: number
  readonly quiet: boolean
  readonly apiVersion: ApiVersion
  readonly clientID: string | undefined
  readonly clientSecret: string | undefined
  readonly redirectURIs: string[] | undefined
  readonly accountLogins: boolean | undefined
}

async function main(args: readonly string[]): Promise<void> {
  const command = readCommandLine(args)
  if (command === 'help') {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const { port, quiet, clientID, clientSecret, redirectURIs, accountLogins } = command
  const sandbox = await startSandbox({ port, onRequest: quiet ? undefined : logRequest, accountLogins, apps: [{ clientID, clientSecret, redirectURIs }, { owner: 'account', name: 'Your back-end job' }] })
  process.stdout.write(`${describe(sandbox, command)}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.stop())
}

function logRequest(request: LoggedRequest): void {
  process.stdout.write(`${describeRequest(request)}\n`)
}

function readCommandLine(args: readonly string[]): CommandOptions | 'help' {
  const { help, quiet = false, port = '8020', 'api-version': apiVersion = 'v1', 'client-id': clientID, 'client-secret': clientSecret, 'redirect-uri': redirectURIs, 'account-logins': accountLogins } = parse(args)
  if (help) return 'help'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new UsageError(`--port must be a number from 0 to 65535, not ${port}.`)
  if (!isApiVersion(apiVersion)) throw new UsageError(`--api-version must be v1 or v2, not ${apiVersion}.`)
  if (clientID !== undefined) checkClientID(clientID)
  if (clientSecret === '') throw new UsageError('--client-secret must not be empty.')
  const invalidURI = redirectURIs?.find((uri) => !URL.canParse(uri))
  if (invalidURI !== undefined) throw new UsageError(`--redirect-uri must be an absolute URI such as http://localhost:3000/auth/twilio/callback, not ${invalidURI}.`)
  return { port: Number(port), quiet, apiVersion, clientID, clientSecret, redirectURIs, accountLogins }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        quiet: { type: 'boolean' },
        'api-version': { type: 'string' },
        'client-id': { type: 'string' },
        'client-secret': { type: 'string' },
        'redirect-uri': { type: 'string', multiple: true },
        'account-logins': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
    return values
  } catch (error) {
    throw new UsageError(`${messageOf(error)}\n\n${USAGE}`)
  }
}

function checkClientID(clientID: string): void {
  if (clientID.length !== 34) throw new UsageError(`--client-id must have 34 characters, as in ${EXAMPLE_CLIENT_ID}, not ${clientID.length}.`)
  if (clientID.startsWith('AC')) throw new UsageError(`--client-id must be the client ID of an OAuth app, as in ${EXAMPLE_CLIENT_ID}, not an account SID (AC…).`)
  if (clientID.startsWith('SK')) throw new UsageError(`--client-id must be the client ID of an OAuth app, as in ${EXAMPLE_CLIENT_ID}, not an API key SID (SK…).`)
}

/** What a developer needs to configure an app in any language. */
function describe({ url, apiURL, jwksURL, apps, clientID, clientSecret, accountSid, organizationSid, people }: Sandbox, { apiVersion, redirectURIs }: CommandOptions): string {
  const { authorizePath, tokenPath, parameterNames } = DIALECTS[apiVersion]
  const [, jobApp] = apps
  const settings = [
    ['Client ID', clientID],
    ['Client secret', clientSecret],
    ['Redirect URI', redirectURIs?.join(', ') ?? 'any URI on this machine'],
    ['Authorize endpoint', url + authorizePath],
    ['Token endpoint', url + tokenPath],
    ['Public keys (JWKS)', jwksURL],
    ['Twilio API', apiURL],
    ['Organization SID', organizationSid],
    ['Account SID', accountSid],
    ['Job client ID', jobApp?.clientID ?? ''],
    ['Job client secret', jobApp?.clientSecret ?? '']
  ] as const
  return [
    `The sandbox is running at ${url} (${apiVersion}).`,
    '',
    ...settings.map(tableRow),
    '',
    `Parameters are named ${parameterNames.response_type}, ${parameterNames.client_id} and so on. ${VERSION_HINTS[apiVersion]}`,
    `Send ${parameterNames.client_id} and ${parameterNames.client_secret} in the body of token requests; Basic authentication is not supported.`,
    "As at Twilio, people log in with an organization's app (the client ID). Back-end jobs use client credentials, with an account's app (the job client ID).",
    `With passport-twilio: new TwilioStrategy({ clientID, clientSecret, baseURL: '${url}', apiVersion: '${apiVersion}', callbackURL }, verify)`,
    '',
    'People who can sign in:',
    ...people.map(({ name, email, role = 'owner' }) => tableRow([name, role === 'member' ? `${email} (a member, who cannot approve the app)` : email])),
    '',
    'Press Ctrl-C to stop.'
  ].join('\n')
}

function tableRow([name, value]: readonly [string, string]): string {
  return `  ${name.padEnd(20)}${value}`
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
})
