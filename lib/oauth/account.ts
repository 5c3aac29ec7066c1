import { textClaim } from './claims'
import { isObject } from '../util/is-object'
import { TwilioResponseError } from '../errors'
import { callHttp, type CallLimits, type Endpoint } from './http'
import type { TwilioAccount } from './profile'

/**
 * The first account that a token reaches, from Twilio's Accounts resource (`GET /2010-04-01/Accounts.json`).
 *
 * @throws {TwilioResponseError} when Twilio refuses, or lists no account
 * @throws {TwilioTimeoutError} when it does not answer within `timeout`
 * @throws {TwilioNetworkError} when it cannot be reached
 */
export async function lookUpAccount(accessToken: string, accounts: Endpoint, limits: CallLimits): Promise<TwilioAccount> {
  const { status, body } = await callHttp(
    { method: 'GET', endpoint: accounts, headers: { Accept: 'application/json', Authorization: `Bearer ${accessToken}` } },
    limits
  )
  if (status !== 200) {
    throw new TwilioResponseError(`Twilio's Accounts resource answered ${status}. Does the scope let the app read accounts? If not, leave lookUpAccount out.`)
  }
  const account = firstAccount(body)
  const sid = account && textClaim(account, 'sid')
  if (!sid) throw new TwilioResponseError("Twilio's Accounts resource listed no account for this token.")
  return { sid, friendlyName: textClaim(account, 'friendly_name'), json: withoutSecrets(account) }
}

function firstAccount(body: string): Record<string, unknown> | undefined {
  try {
    const list: unknown = JSON.parse(body)
    const accounts: unknown = isObject(list) ? list.accounts : undefined
    const account: unknown = Array.isArray(accounts) ? accounts[0] : undefined
    return isObject(account) ? account : undefined
  } catch {
    return undefined
  }
}

/** The Accounts resource carries the account's Auth Token, which has no place in a profile. */
function withoutSecrets({ auth_token: _authToken, ...account }: Record<string, unknown>): Record<string, unknown> {
  return account
}
