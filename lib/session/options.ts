import { optionError } from '../errors'
import { TwilioOAuthClient } from '../oauth/client'
import { checkNumber, checkText } from '../oauth/options'
import { freezesAfterResponse } from './platform'
import { memoryRefreshes } from './records/memory-refreshes'
import { isRefreshes, type Refreshes } from './records/refresh-store'
import { emitWarning, type TwilioWarningCode } from './warnings'

/** Options for {@link SessionTokens}. */
export interface SessionTokensOptions {
  /** Encrypts the tokens in the session and in the records: a random string of at least 32 characters, or an array of them, newest first, to rotate the secret. A value of `undefined` is reported to `warn`, since it may be an environment variable that is not set. Default: the tokens in the session are not encrypted. */
  readonly secret?: string | readonly string[] | undefined
  /** How long before its expiry a token is refreshed, in ms. Default: 60 s, but at most half of the token's lifetime. */
  readonly leeway?: number | undefined
  /** The store of the refresh records, one per login, which ensures that each token is refreshed only once across all processes: `redisRefreshes(redis)` or `postgresRefreshes(pool)`. Default: in this process's memory. */
  readonly refreshes?: Refreshes | undefined
  /**
   * Whether a token that is still valid is refreshed in the background, while the request proceeds with it. If `false`, the request
   * waits for the refresh. Default: `true`, except on platforms that freeze a process after its response (AWS Lambda, Vercel,
   * Netlify, Cloud Run, Google and Azure functions).
   */
  readonly refreshInBackground?: boolean | undefined
  /** How long the record of a login is kept after its last change and beyond the expiry of its token, in ms. Default: the `maxAge` of the session cookie, or else 24 hours. */
  readonly recordTTL?: number | undefined
  /** Called with each warning for the app's operator: a message and a code. Each code is reported at most once an hour. Default: `process.emitWarning`. */
  readonly warn?: ((message: string, code: TwilioWarningCode) => unknown) | undefined
}

export interface SessionTokensConfiguration {
  readonly client: TwilioOAuthClient
  /** Newest first; may be empty. */
  readonly secrets: readonly string[]
  readonly leeway: number | undefined
  readonly refreshes: Refreshes
  readonly refreshInBackground: boolean
  readonly recordTTL: number | undefined
  readonly warn: (message: string, code: TwilioWarningCode) => unknown
}

/** @throws {TypeError} naming the option that is wrong, and what it should be */
export function configureSessionTokens(strategyOrClient: unknown, options: SessionTokensOptions): SessionTokensConfiguration {
  for (const name of Object.keys(options)) if (!OPTIONS.includes(name)) throw optionError(`${name} is not an option of SessionTokens. Its options are ${OPTIONS.join(', ')}.`)
  const { secret, leeway, refreshes = memoryRefreshes, refreshInBackground = !freezesAfterResponse(process.env), recordTTL, warn = emitWarning } = options
  if (leeway !== undefined && !(typeof leeway === 'number' && leeway >= 0)) throw optionError('leeway must be a number of ms, 0 or more.')
  if (!isRefreshes(refreshes)) throw optionError('refreshes must be redisRefreshes(redis), postgresRefreshes(pool), or another object with the functions read, acquire, save and release.')
  return {
    client: clientOf(strategyOrClient),
    secrets: secret === undefined ? [] : checkSecrets(secret),
    leeway,
    refreshes,
    refreshInBackground,
    recordTTL: recordTTL === undefined ? undefined : checkNumber('recordTTL', recordTTL, 'ms'),
    warn
  }
}

function clientOf(strategyOrClient: unknown): TwilioOAuthClient {
  const client: unknown = typeof strategyOrClient === 'object' && strategyOrClient !== null && 'client' in strategyOrClient ? strategyOrClient.client : strategyOrClient
  if (client instanceof TwilioOAuthClient) return client
  throw optionError('SessionTokens needs the TwilioStrategy or the TwilioOAuthClient whose tokens it keeps: new SessionTokens(strategy).')
}

const OPTIONS: readonly string[] = ['secret', 'leeway', 'refreshes', 'refreshInBackground', 'recordTTL', 'warn'] satisfies (keyof SessionTokensOptions)[]

const SECRET_LENGTH = 32

function checkSecrets(secret: unknown): string[] {
  const secrets: unknown[] = Array.isArray(secret) ? secret : [secret]
  const meaning = `a random string of ${SECRET_LENGTH} characters or more, or an array of such strings, newest first`
  if (secrets.length === 0) checkText('secret', undefined, meaning)
  return secrets.map((one) => {
    checkText('secret', one, meaning)
    if (one.length < SECRET_LENGTH) throw optionError(`secret is too short: it must be ${meaning}. Create one with: openssl rand -base64 32`)
    return one
  })
}
