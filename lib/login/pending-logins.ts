import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { isObject } from '../util/is-object'
import { LoginStateError } from '../errors'
import { BoundedMap } from '../util/bounded-map'
import { sessionIDOf, sessionOf } from '../request/session'
import { withoutUndefined } from '../util/without-undefined'

/** What a login carries from its beginning to its callback. */
export interface LoginBaggage {
  /** What the application passed as `state`. */
  readonly state?: unknown
  /** The page the person wanted. */
  readonly returnTo?: string | undefined
}

export interface PendingLoginsOptions {
  /** Where in the session they are kept. */
  readonly sessionKey: string
  /** How many may wait in one session; the oldest goes first. */
  readonly max: number
  /** How long one may wait, in ms. */
  readonly ttl: number
  /** Signs the one-time values; the same in every process of the app. */
  readonly secret: string
}

/** A login that waits, as the session holds it. */
interface PendingLogin extends LoginBaggage {
  /** The one-time value that Twilio was given as `state`. */
  readonly nonce: string
}

/** What the session holds. */
interface LoginRecord {
  /** Oldest first. */
  readonly logins: readonly PendingLogin[]
  /** IDs of logins that came back, oldest first. */
  readonly used: readonly string[]
  /** Logins begun at or before this moment (epoch ms), and not listed above, have been forgotten. */
  readonly forgotten: number
}

const ID_BYTES = 16
const TIME_BYTES = 6
/** 16 bytes in base64url. */
const ID_LENGTH = 22
const SIGNATURE_LENGTH = 22
const NONCE_LENGTH = ID_LENGTH + SIGNATURE_LENGTH
/** How many characters of pages that were wanted a session carries; a session may have to fit into a cookie. */
const PAGES_MAX = 2048
/** How many logins that came back a process remembers at least, against a callback that comes twice at once. */
const JUST_USED_MAX = 10_000

/**
 * The logins that wait for their callback: in the session, an entry each.
 *
 * Tabs that begin logins at the same moment each load the session, add their own entry, and save it: the last one
 * wins, and the others' entries are gone. So the one-time value does not depend on its entry alone: it tells when
 * it was made, and is signed for the session it was made in. A login whose entry was lost in that way is still known,
 * unless the application's own `state` was lost with it. PKCE's verifier is derived from the value, and never stored.
 */
export class PendingLogins {
  readonly #options: PendingLoginsOptions
  readonly #signingKey: Uint8Array
  readonly #verifierKey: Uint8Array
  readonly #justUsed = new BoundedMap<string, true>(JUST_USED_MAX)

  constructor(options: PendingLoginsOptions) {
    this.#options = options
    this.#signingKey = keyFor(options.secret, 'state')
    this.#verifierKey = keyFor(options.secret, 'code_verifier')
  }

  /**
   * Begins a login, and gives its one-time value: Twilio's `state`.
   *
   * @throws {Error} saying what to add, when the request has no session
   */
  begin(request: object, baggage: LoginBaggage): string {
    const session = sessionOf(request)
    const { logins, used, forgotten } = this.#read(session)
    const now = Date.now()
    const id = newID(now)
    const nonce = id + this.#signature(id, sessionIDOf(request), isLaden(baggage))
    const waiting = logins.filter((login) => !this.#isExpired(login.nonce, now))
    this.#write(session, { logins: [...waiting, withoutUndefined<PendingLogin>({ nonce, ...baggage })], used, forgotten })
    return nonce
  }

  /**
   * Takes the login that a `state` belongs to out of the session; it cannot be taken again.
   *
   * @throws {LoginStateError} when there is no such login
   * @throws {Error} saying what to add, when the request has no session
   */
  finish(request: object, state: string | undefined): LoginBaggage {
    const session = sessionOf(request)
    if (state === undefined) throw new LoginStateError('missing')
    const id = state.slice(0, ID_LENGTH)
    const { logins, used, forgotten } = this.#read(session)
    if (this.#justUsed.get(id) || used.includes(id)) throw new LoginStateError('used')

    const login = logins.find(({ nonce }) => nonce === state)
    const wasLost = !login && this.#isSigned(state, request, false)
    if (!login && !wasLost && !this.#isSigned(state, request, true)) throw new LoginStateError('unknown')
    if (this.#isExpired(state, Date.now())) throw new LoginStateError('expired')
    if (!login && !(wasLost && beginningOf(state) > forgotten)) throw new LoginStateError('unknown')

    this.#justUsed.set(id, true)
    this.#write(session, { logins: logins.filter((other) => other !== login), used: [...used, id], forgotten })
    return login ?? {}
  }

  /** PKCE's verifier (RFC 7636 §4.1) of the login that a `state` belongs to. */
  codeVerifier(state: string): string {
    return hmac(this.#verifierKey, state.slice(0, ID_LENGTH))
  }

  #isExpired(nonce: string, now: number): boolean {
    return beginningOf(nonce) + this.#options.ttl <= now
  }

  /** Logins with and without the application's state are signed differently, so that the lack of it shows. */
  #signature(id: string, sessionID = '', laden: boolean): string {
    return hmac(this.#signingKey, `${laden ? 'laden' : 'light'} ${id} ${sessionID}`).slice(0, SIGNATURE_LENGTH)
  }

  #isSigned(state: string, request: object, laden: boolean): boolean {
    const sessionID = sessionIDOf(request)
    // Without a session ID the signature would be the same for everybody.
    if (sessionID === undefined || state.length !== NONCE_LENGTH) return false
    const given = Buffer.from(state.slice(ID_LENGTH))
    const wanted = Buffer.from(this.#signature(state.slice(0, ID_LENGTH), sessionID, laden))
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }

  /** What is in the session may be of another version, or not ours at all. */
  #read(session: Readonly<Record<string, unknown>>): LoginRecord {
    const stored = session[this.#options.sessionKey]
    const { logins, used, forgotten } = isObject(stored) ? stored : {}
    return {
      logins: Array.isArray(logins) ? logins.slice(-this.#options.max).filter(isPendingLogin) : [],
      used: Array.isArray(used) ? used.slice(-this.#options.max).filter(isID) : [],
      forgotten: typeof forgotten === 'number' ? forgotten : 0
    }
  }

  #write(session: Record<string, unknown>, { logins, used, forgotten }: LoginRecord): void {
    const { max, sessionKey } = this.#options
    const dropped = [...logins.slice(0, -max).map(({ nonce }) => nonce), ...used.slice(0, -max)]
    const newlyForgotten = Math.max(forgotten, ...dropped.map(beginningOf))
    session[sessionKey] = withoutUndefined({
      logins: withinPagesMax(logins.slice(-max)),
      used: used.length > 0 ? used.slice(-max) : undefined,
      forgotten: newlyForgotten > 0 ? newlyForgotten : undefined
    })
  }
}

/** A key derived from the secret (RFC 5869), different for each purpose. */
function keyFor(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `passport-twilio ${purpose}`, 32))
}

function hmac(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** When it was made (epoch ms), then chance. */
function newID(now: number): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(now, 0, TIME_BYTES)
  return Buffer.concat([time, randomBytes(ID_BYTES - TIME_BYTES)]).toString('base64url')
}

/** When a login began, in epoch ms. */
function beginningOf(nonce: string): number {
  const bytes = Buffer.from(nonce.slice(0, ID_LENGTH), 'base64url')
  return bytes.length === ID_BYTES ? bytes.readUIntBE(0, TIME_BYTES) : 0
}

/** The oldest lose their pages first. */
function withinPagesMax(logins: readonly PendingLogin[]): readonly PendingLogin[] {
  if (!logins.some(({ returnTo }) => returnTo)) return logins
  let left = PAGES_MAX
  return logins.toReversed().map(({ returnTo = '', ...login }) => ((left -= returnTo.length) >= 0 && returnTo !== '' ? { ...login, returnTo } : login)).reverse()
}

function isLaden({ state }: LoginBaggage): boolean {
  return state !== undefined
}

function isID(value: unknown): value is string {
  return typeof value === 'string' && value.length === ID_LENGTH
}

function isPendingLogin(value: unknown): value is PendingLogin {
  if (!isObject(value) || typeof value.nonce !== 'string' || value.nonce.length !== NONCE_LENGTH) return false
  return value.returnTo === undefined || typeof value.returnTo === 'string'
}
