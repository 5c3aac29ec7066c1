import { createHash } from 'node:crypto'
import { TwilioNetworkError, TwilioTokenError } from '../../errors'
import { isObject } from '../../util/is-object'
import { fromJSON, toJSON, type KeptLogin } from '../kept-login'
import { open, seal, sealingKey, type SealingKey } from '../sealing'
import type { RefreshRecord } from './refresh-store'

/** The generation of a record that says: Twilio refused the refresh, and the login is over. */
export const REFUSED = Number.MAX_SAFE_INTEGER - 1
/** The generation of a record that says: the person has logged out. */
export const LOGGED_OUT = Number.MAX_SAFE_INTEGER

/**
 * How records are named and encrypted. Both take the login's ID, which only the session holds: the store of the records
 * alone reveals nothing.
 */
export class RecordCodec {
  readonly #clientID: string
  readonly #secrets: readonly string[]

  /** @param secrets the app's, newest first; may be empty */
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

  /** The login in a record; `undefined` for anything that isn't this login's. */
  decode(loginID: string, { generation, value }: RefreshRecord): KeptLogin | undefined {
    const login = fromJSON(open(value, this.#keysOf(loginID)))
    return login?.id === loginID && login.generation === generation ? login : undefined
  }

  encodeFailure(loginID: string, error: unknown): string {
    const message = error instanceof Error ? error.message : 'The refresh failed.'
    const details = error instanceof TwilioTokenError ? detailsOf(error) : undefined
    return seal({ message, details }, this.#newestKey(loginID))
  }

  /** Why another process's refresh failed, as an error of the same meaning. */
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
