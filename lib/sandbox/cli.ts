#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { DIALECTS, type ApiVersion } from '../oauth/dialect'
import { newSID } from './people'
import { startSandbox, type Sandbox } from './index'

const USAGE = `passport-twilio-sandbox: a strict Twilio OAuth on this machine, for apps in any language.

  --port NUMBER          where it listens; default 8020, 0 for a free one
  --api-version VERSION  whose addresses are printed, v1 or v2; default v1 (it answers both)
  --client-id ID         34 characters, OQ…; default: made up
  --client-secret TEXT   default: made up
  --redirect-uri URL     the app's callback, compared exactly; may be given several times;
                         default: every address on this machine
  --help                 prints this

Ctrl-C stops it.`

/** What is wrong with the command, in words. */
class UsageError extends Error {}

interface Command {
  readonly port: number
  readonly apiVersion: ApiVersion
  readonly clientID: string | undefined
  readonly clientSecret: string | undefined
  readonly redirectURIs: string[] | undefined
}

/** @returns `undefined` where only help is wanted */
function readCommand(parameters: readonly string[]): Command | undefined {
  const { values } = parse(parameters)
  if (values.help) return undefined
  const { port = '8020', 'api-version': apiVersion = 'v1', 'client-id': clientID, 'client-secret': clientSecret, 'redirect-uri': redirectURIs } = values
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new UsageError(`--port must be 0 to 65535; it is ${port}.`)
  if (!isApiVersion(apiVersion)) throw new UsageError(`--api-version must be v1 or v2; it is ${apiVersion}.`)
  if (clientID !== undefined && clientID.length !== 34) throw new UsageError(`--client-id must have 34 characters, as in ${newSID('OQ')}; it has ${clientID.length}.`)
  if (clientID !== undefined && /^(AC|SK)/.test(clientID)) throw new UsageError(`--client-id begins with OQ, as in ${newSID('OQ')}; ${clientID.slice(0, 2)}… is an ${clientID.startsWith('AC') ? "account's SID" : "API key's SID"}.`)
  if (clientSecret === '') throw new UsageError('--client-secret must not be empty.')
  const notAbsolute = redirectURIs?.find((uri) => !URL.canParse(uri))
  if (notAbsolute !== undefined) throw new UsageError(`--redirect-uri must be a whole address, as in http://localhost:3000/auth/twilio/callback; it is ${notAbsolute}.`)
  return { port: Number(port), apiVersion, clientID, clientSecret, redirectURIs }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        'api-version': { type: 'string' },
        'client-id': { type: 'string' },
        'client-secret': { type: 'string' },
        'redirect-uri': { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  }
}

function isApiVersion(value: string): value is ApiVersion {
  return Object.hasOwn(DIALECTS, value)
}

/** What to put where, in the words of an app in any language. */
function describe({ url, apiURL, jwksURL, clientID, clientSecret, accountSid, people }: Sandbox, { apiVersion, redirectURIs = ['any on this machine'] }: Command): string {
  const { authorizePath, tokenPath, parameterNames } = DIALECTS[apiVersion]
  const rows = [
    ['Client ID', clientID],
    ['Client secret', clientSecret],
    ['Redirect address', redirectURIs.join(', ')],
    ['Authorize endpoint', url + authorizePath],
    ['Token endpoint', url + tokenPath],
    ['Public keys of its tokens', jwksURL],
    ['Twilio API', apiURL],
    ['Account SID', accountSid]
  ] as const
  const signIn = people.map(({ name, email }) => `  ${name.padEnd(27)}${email}`)
  return [
    `The sandbox runs at ${url} (${apiVersion}).`,
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(27)}${value}`),
    '',
    `The names of the parameters are ${parameterNames.response_type}, ${parameterNames.client_id} and so on${DIALECT_HINTS[apiVersion]}.`,
    `${parameterNames.client_id} and ${parameterNames.client_secret} go into the body of the token call; there is no Basic authorization.`,
    'The account is that of client credentials; people bring their own.',
    `With passport-twilio: new TwilioStrategy({ clientID, clientSecret, baseURL: '${url}', apiVersion: '${apiVersion}', callbackURL }, verify)`,
    '',
    'Who can sign in:',
    ...signIn,
    '',
    'Ctrl-C stops it.'
  ].join('\n')
}

const DIALECT_HINTS: Readonly<Record<ApiVersion, string>> = {
  v1: '; other OAuth libraries speak v2 (--api-version v2)',
  v2: ', as in every OAuth library'
}

async function main(parameters: readonly string[]): Promise<void> {
  const command = readCommand(parameters)
  if (!command) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const { port, clientID, clientSecret, redirectURIs } = command
  const sandbox = await startSandbox({ port, apps: [{ clientID, clientSecret, redirectURIs }] })
  process.stdout.write(`${describe(sandbox, command)}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.stop())
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
