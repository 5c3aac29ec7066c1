import { isObject } from '../../util/is-object'
import { TwilioNetworkError, TwilioTokenError } from '../../errors'
import type { Refreshed, SpentTokens } from './refreshes'
import { open, seal, sealingKey } from '../sealing'
import { fromStored, toStored } from '../stored-tokens'

/** Only those who hold the spent token can read what became of it. */
function keyOf({ refreshToken }: SpentTokens) {
  return sealingKey(refreshToken, 'refresh record')
}

export function sealRefreshed(spent: SpentTokens, { tokens, at }: Refreshed): Promise<string> {
  return seal({ tokens: toStored(tokens), at }, keyOf(spent))
}

/** What came of a refresh; `undefined` for anything that cannot be read. */
export async function openRefreshed(spent: SpentTokens, sealed: unknown): Promise<Refreshed | undefined> {
  const record = await openObject(spent, sealed)
  const tokens = fromStored(record?.tokens)
  return tokens && typeof record?.at === 'number' ? { tokens, at: record.at } : undefined
}

export function sealFailure(spent: SpentTokens, error: unknown): Promise<string> {
  const { message } = error instanceof Error ? error : { message: 'unknown' }
  const details = error instanceof TwilioTokenError ? (({ code, status, twilioCode, moreInfo, retryAt }) => ({ code, status, twilioCode, moreInfo, retryAt }))(error) : undefined
  return seal({ message, details }, keyOf(spent))
}

/** Why a refresh in another process failed, as an error of the same meaning; `undefined` for anything that cannot be read. */
export async function openFailure(spent: SpentTokens, sealed: unknown): Promise<Error | undefined> {
  const record = await openObject(spent, sealed)
  if (typeof record?.message !== 'string') return undefined
  const { message, details } = record
  if (!isObject(details) || typeof details.code !== 'string' || typeof details.status !== 'number') return new TwilioNetworkError(message)
  const { code, status, twilioCode, moreInfo, retryAt } = details
  return new TwilioTokenError(message, { code, status, twilioCode: numberOrNothing(twilioCode), moreInfo: textOrNothing(moreInfo), retryAt: numberOrNothing(retryAt) })
}

async function openObject(spent: SpentTokens, sealed: unknown): Promise<Record<string, unknown> | undefined> {
  const opened = typeof sealed === 'string' ? await open(sealed, [keyOf(spent)]) : undefined
  return isObject(opened?.value) ? opened.value : undefined
}

function numberOrNothing(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
