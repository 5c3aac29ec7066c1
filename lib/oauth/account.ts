import { TwilioResponseError } from '../errors'
import { isObject } from '../util/is-object'
import { redact } from '../util/redact'
import { textClaim } from './claims'
import { callHttp, parseJSON, type CallLimits, type Endpoint } from './http'
import type { TwilioAccount } from './profile'
import { readErrorBody } from './token-error'

/**
 * Fetches the first account that a token can access from Twilio's Accounts resource (`GET /2010-04-01/Accounts.json`).
 *
 * @throws {TwilioResponseError} when Twilio refuses, or lists no account
 * @throws {TwilioTimeoutError} when there is no complete response within `timeout`
 * @throws {TwilioNetworkError} when Twilio cannot be reached, or the connection breaks
 */
export async function lookUpAccount(accessToken: string, accounts: Endpoint, limits: CallLimits): Promise<TwilioAccount> {
  const response = await callHttp(
    { method: 'GET', endpoint: accounts, headers: { Accept: 'application/json', Authorization: `Bearer ${accessToken}` } },
    limits
  )
  const body = parseJSON(response)
  if (response.status !== 200) {
    const { text } = readErrorBody(body) ?? {}
    const explanation = text === undefined ? '' : `: ${redact(text, [accessToken]).replace(/\.$/, '')}`
    throw new TwilioResponseError(`Twilio's Accounts resource answered ${response.status}${explanation}. Does the scope let the app read accounts? If not, leave out lookUpAccount.`)
  }
  const account = firstAccount(body)
  const sid = account && textClaim(account, 'sid')
  if (!sid) throw new TwilioResponseError("Twilio's Accounts resource listed no account for this token.")
  return { sid, friendlyName: textClaim(account, 'friendly_name'), json: withoutAuthToken(account) }
}

function firstAccount(list: unknown): Record<string, unknown> | undefined {
  const accounts: unknown = isObject(list) ? list.accounts : undefined
  const account: unknown = Array.isArray(accounts) ? accounts[0] : undefined
  return isObject(account) ? account : undefined
}

function withoutAuthToken({ auth_token: _authToken, ...account }: Record<string, unknown>): Record<string, unknown> {
  return account
}
