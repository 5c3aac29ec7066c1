#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { isApiVersion } from '../oauth/dialect'
import { messageOf } from '../util/message-of'
import { examine, type DoctorOptions, type Finding } from './checks'

const USAGE = `Usage: passport-twilio-doctor --client-id ID --redirect-uri URI [options]

Checks the setup of an app: the client ID, the connection to Twilio, the clock, the redirect URI and the client secret.
Reads the secret from the environment variable TWILIO_CLIENT_SECRET, not from .env. Logs nobody in. Exits with status 1 if something is wrong.

  --client-id ID         client ID of the OAuth app
  --redirect-uri URI     redirect URI (the app's callbackURL)
  --base-url URL         base URL of Twilio's OAuth API (default: https://oauth.twilio.com)
  --api-version VERSION  v1 or v2 (default: v1)
  -h, --help             print this help`

/** A wrong command line. */
class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const options = readCommandLine(args)
  if (options === 'help') {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  for await (const finding of examine(options)) {
    process.stdout.write(`${lineOf(finding)}\n`)
    if (finding.isFine === false) process.exitCode = 1
  }
}

function lineOf({ subject, isFine, text }: Finding): string {
  const mark = isFine === undefined ? '?' : isFine ? '✓' : '✗'
  return `${mark} ${subject}: ${text}`
}

function readCommandLine(args: readonly string[]): DoctorOptions | 'help' {
  const { help, 'client-id': clientID, 'redirect-uri': redirectURI, 'base-url': baseURL, 'api-version': apiVersion = 'v1' } = parse(args)
  if (help) return 'help'
  if (clientID === undefined) throw new UsageError(`--client-id is missing.\n\n${USAGE}`)
  if (redirectURI === undefined) throw new UsageError(`--redirect-uri is missing.\n\n${USAGE}`)
  if (!URL.canParse(redirectURI)) throw new UsageError(`--redirect-uri must be an absolute URI such as http://localhost:3000/auth/twilio/callback, not ${redirectURI}.`)
  if (!isApiVersion(apiVersion)) throw new UsageError(`--api-version must be v1 or v2, not ${apiVersion}.`)
  return { clientID, clientSecret: process.env.TWILIO_CLIENT_SECRET, redirectURI, baseURL, apiVersion, environment: process.env }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'client-id': { type: 'string' },
        'redirect-uri': { type: 'string' },
        'base-url': { type: 'string' },
        'api-version': { type: 'string' },
        help: { type: 'boolean', short: 'h' }
      }
    })
    return values
  } catch (error) {
    throw new UsageError(`${messageOf(error)}\n\n${USAGE}`)
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
})
