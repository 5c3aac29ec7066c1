import { TwilioResponseError } from '../errors'
import { isObject } from '../util/is-object'
import { redact } from '../util/redact'
import { isTooDeep, textClaim } from './claims'
import { callHttp, parseJSON, type CallLimits, type Endpoint } from './http'
import type { TwilioAccount } from './profile'
import { sidOf, type TwilioResourceName } from './resource-name'
import { readErrorBody } from './token-error'

/**
 * Fetches the account that a token is for from Twilio's Accounts resource (`GET /2010-04-01/Accounts.json`): the one that it acts
 * for, or the only one of the organization that it acts for. `undefined` if the organization has several, since none of them is
 * the person's. For a token that does not say for whom it acts, the first account.
 *
 * @throws {TwilioResponseError} when Twilio refuses, or lists no account
 * @throws {TwilioTimeoutError} when there is no complete response within `timeout`
 * @throws {TwilioNetworkError} when Twilio cannot be reached, or the connection breaks
 */
export async function lookUpAccount(accessToken: string, accounts: Endpoint, limits: CallLimits, actor?: TwilioResourceName): Promise<TwilioAccount | undefined> {
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
  const listed = accountsIn(body)
  if (listed.length === 0) throw new TwilioResponseError("Twilio's Accounts resource listed no account for this token. Leave out lookUpAccount.")
  return accountOf(actor, listed)
}

function accountOf(actor: TwilioResourceName | undefined, accounts: readonly TwilioAccount[]): TwilioAccount | undefined {
  const accountSid = sidOf(actor, 'AC')
  if (accountSid !== undefined) return accounts.find(({ sid }) => sid === accountSid)
  const isChoice = sidOf(actor, 'OR') !== undefined && accounts.length > 1
  return isChoice ? undefined : accounts[0]
}

function accountsIn(list: unknown): TwilioAccount[] {
  const accounts: unknown[] = isObject(list) && Array.isArray(list.accounts) ? list.accounts : []
  return accounts.filter(isObject).flatMap((account) => {
    const sid = textClaim(account, 'sid')
    return sid === undefined || isTooDeep(account) ? [] : [{ sid, friendlyName: textClaim(account, 'friendly_name'), json: withoutAuthToken(account) }]
  })
}

function withoutAuthToken({ auth_token: _authToken, ...account }: Record<string, unknown>): Record<string, unknown> {
  return account
}
