import { createHash } from 'node:crypto'
import { TwilioNetworkError, TwilioTokenError } from '../../errors'
import { isObject } from '../../util/is-object'
import { fromJSON, toJSON, type KeptLogin } from '../kept-login'
import { open, seal, sealingKey, type SealingKey } from '../sealing'
import type { RefreshRecord } from './refresh-store'

/** The generation of a record of a login that has ended because Twilio refused the refresh. */
export const REFUSED = Number.MAX_SAFE_INTEGER - 1
/** The generation of a record of a login that has ended with a logout. */
export const LOGGED_OUT = Number.MAX_SAFE_INTEGER

/**
 * Names and encrypts records. Both require the login's ID, which only the session contains, so the record store alone reveals
 * nothing.
 */
export class RecordCodec {
  readonly #clientID: string
  readonly #secrets: readonly string[]

  /** @param secrets newest first; may be empty */
  constructor(clientID: string, secrets: readonly string[]) {
    this.#clientID = clientID
    this.#secrets = secrets
  }

  nameOf(loginID: string): string {
    return createHash('sha256').update(`passport-twilio record\n${this.#clientID}\n${loginID}`).digest('base64url')
  }

  encode(login: KeptLogin): string {
    return seal(toJSON(login), this.#newestKey(login.id))
  }

  /** The login in a record; `undefined` if it can't be decrypted or belongs to another login. */
  decode(loginID: string, { generation, value }: RefreshRecord): KeptLogin | undefined {
    const login = fromJSON(open(value, this.#keysOf(loginID)))
    return login?.id === loginID && login.generation === generation ? login : undefined
  }

  encodeFailure(loginID: string, error: unknown): string {
    const message = error instanceof Error ? error.message : 'The refresh failed.'
    const details = error instanceof TwilioTokenError ? detailsOf(error) : undefined
    return seal({ message, details }, this.#newestKey(loginID))
  }

  /** The error of another process's failed refresh, with its message and details. */
  decodeFailure(loginID: string, note: string): Error {
    const failure = open(note, this.#keysOf(loginID))
    if (!isObject(failure) || typeof failure.message !== 'string') return new TwilioNetworkError('The refresh in another process failed. Try again.')
    const { message, details } = failure
    if (!isObject(details) || typeof details.code !== 'string' || typeof details.status !== 'number') return new TwilioNetworkError(message)
    const { code, status, twilioStatus, twilioCode, moreInfo, retryAt } = details
    return new TwilioTokenError(message, { code, status, twilioStatus: numberIn(twilioStatus), twilioCode: numberIn(twilioCode), moreInfo: textIn(moreInfo), retryAt: numberIn(retryAt) })
  }

  #newestKey(loginID: string): SealingKey {
    return recordKey(loginID, this.#secrets[0] ?? '')
  }

  #keysOf(loginID: string): readonly SealingKey[] {
    return (this.#secrets.length > 0 ? this.#secrets : ['']).map((secret) => recordKey(loginID, secret))
  }
}

function recordKey(loginID: string, secret: string): SealingKey {
  return sealingKey(`${loginID}\n${secret}`, 'login record')
}

function detailsOf({ code, status, twilioStatus, twilioCode, moreInfo, retryAt }: TwilioTokenError) {
  return { code, status, twilioStatus, twilioCode, moreInfo, retryAt }
}

function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
