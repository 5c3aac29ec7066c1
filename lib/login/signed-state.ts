import { randomBytes, timingSafeEqual } from 'node:crypto'
import { keyedHash, type KeyedHash } from './keyed-hash'

/** What a `state` belongs to. It is refused for anything else. */
export interface StateBinding {
  /** Identifies the session. */
  readonly sessionSecret: string
  readonly callbackURL: string
  /** Whether the application passed a `state` of its own, which is kept in the session only. */
  readonly hasApplicationState: boolean
}

const TIME_BYTES = 6
const ID_BYTES = 16
/** 16 bytes in base64url. */
export const ID_LENGTH = 22
const SIGNATURE_LENGTH = 22
export const STATE_LENGTH = ID_LENGTH + SIGNATURE_LENGTH

/** Issues and checks the one-time value that Twilio is given as `state`: the ID of a login, and a signature. */
export class SignedStates {
  readonly #clientID: string
  readonly #hash: KeyedHash

  /** @param secret the same in every process of the app */
  constructor(clientID: string, secret: string) {
    this.#clientID = clientID
    this.#hash = keyedHash(secret, 'state')
  }

  issue(binding: StateBinding): string {
    const id = newID(Date.now())
    return id + this.#signature(id, binding)
  }

  isValid(state: string, binding: StateBinding): boolean {
    if (state.length !== STATE_LENGTH) return false
    const given = Buffer.from(state.slice(ID_LENGTH))
    const expected = Buffer.from(this.#signature(idOf(state), binding))
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  #signature(id: string, { sessionSecret, callbackURL, hasApplicationState }: StateBinding): string {
    return this.#hash(id, sessionSecret, this.#clientID, callbackURL, hasApplicationState ? 'with state' : 'without state').slice(0, SIGNATURE_LENGTH)
  }
}

/** The ID of the login that a state belongs to. */
export function idOf(state: string): string {
  return state.slice(0, ID_LENGTH)
}

/** When the login began that an ID or a state belongs to, in epoch ms. */
export function beginningOf(idOrState: string): number {
  const bytes = Buffer.from(idOf(idOrState), 'base64url')
  return bytes.length === ID_BYTES ? bytes.readUIntBE(0, TIME_BYTES) : 0
}

/** The time in epoch ms, then random bytes. */
function newID(now: number): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(now, 0, TIME_BYTES)
  return Buffer.concat([time, randomBytes(ID_BYTES - TIME_BYTES)]).toString('base64url')
}
