import { hasUser, PASSPORT_KEY, peekSession, replaceContent, sessionOf } from '../request/session'
import { StoredSession, type Session } from '../request/session-store'
import type { Clock } from '../util/clock'
import { newerOf, type KeptLogin } from './kept-login'
import type { LoginCodec } from './login-codec'

/** The session key that earlier versions used for all clients. */
const LEGACY_KEY = 'twilioTokens'

/** Why a login has ended. */
export type EndReason = 'logged out' | 'refused' | 'session gone'

/** Reads and writes the login of one client in sessions. */
export class LoginSessions {
  readonly #key: string
  readonly #codec: LoginCodec
  readonly #clock: Clock
  readonly #onUnreadable: () => void

  constructor(clientID: string, codec: LoginCodec, clock: Clock, onUnreadable: () => void) {
    this.#key = `${LEGACY_KEY}:${clientID}`
    this.#codec = codec
    this.#clock = clock
    this.#onUnreadable = onUnreadable
  }

  of(req: object): LoginSession {
    return new LoginSession(this, req, StoredSession.of(req, this.#clock))
  }

  read(session: Session | undefined): KeptLogin | undefined {
    const stored = session?.[this.#key] ?? session?.[LEGACY_KEY]
    if (stored === undefined) return undefined
    const login = this.#codec.decode(stored)
    if (!login) this.#onUnreadable()
    return login
  }

  /** Whether a session contains a login, even one that can't be decoded. */
  isIn(session: Session): boolean {
    return session[this.#key] !== undefined || session[LEGACY_KEY] !== undefined
  }

  write(session: Session, login: KeptLogin): void {
    remove(session, [LEGACY_KEY])
    session[this.#key] = this.#codec.encode(login)
  }

  remove(session: Session): void {
    remove(session, [this.#key, LEGACY_KEY])
  }
}

/** The login in the session of one request: in the request's own copy, and in the session store. */
export class LoginSession {
  readonly #sessions: LoginSessions
  readonly #req: object
  readonly #stored: StoredSession | undefined
  /** Whether the session continues without the login, so that saving the request's copy of it could undo what has happened since. */
  #isOutdated = false

  constructor(sessions: LoginSessions, req: object, stored: StoredSession | undefined) {
    this.#sessions = sessions
    this.#req = req
    this.#stored = stored
  }

  /** Whether there is a session store, so that the request's session is only a copy. cookie-session has none. */
  get hasStore(): boolean {
    return this.#stored !== undefined
  }

  /** The login in the request's own copy of the session. */
  get copy(): KeptLogin | undefined {
    return this.#sessions.read(peekSession(this.#req))
  }

  /** Whether a person is logged in with Passport, by the request's own copy of the session. */
  get hasUser(): boolean {
    return hasUser(peekSession(this.#req))
  }

  /** Writes the login to the request's own copy, which is saved with the response. */
  setCopy(login: KeptLogin): void {
    this.#sessions.write(sessionOf(this.#req), login)
  }

  /** Removes the login from the request's own copy. */
  forget(): void {
    const session = peekSession(this.#req)
    if (session) this.#sessions.remove(session)
  }

  /**
   * Loads the login from the session store; `undefined` if it is gone or has been replaced by another login.
   *
   * Rejects with the store's error.
   */
  async load(login: KeptLogin): Promise<KeptLogin | undefined> {
    return this.#loginIn(await this.#loadSession(), login)
  }

  /**
   * Replaces the login in the session store, and keeps everything else that other requests have stored there. Does nothing if the
   * stored login is gone, is another one, or is newer.
   *
   * Rejects with the store's error.
   */
  async replace(login: KeptLogin): Promise<void> {
    await this.#change(login, (session) => this.#sessions.write(session, login))
  }

  /** Removes the login from the session store, under the same conditions. Rejects with the store's error. */
  async remove(login: KeptLogin): Promise<void> {
    await this.#change(login, (session) => this.#sessions.remove(session))
  }

  /** Destroys the session in the store, unless it belongs to another login by now. Rejects with the store's error. */
  async destroy({ id }: KeptLogin): Promise<void> {
    const session = await this.#loadSession()
    const login = this.#sessions.read(session)
    if (session && (!login || login.id === id)) await this.#stored?.destroy()
  }

  /**
   * Removes a login that has ended from the request's own copy, if the person has logged out. The request may save its copy when it
   * ends, which must not undo the logout.
   *
   * A copy of a session that continues is left unchanged. Changing it would cause it to be saved, which could undo a logout that happens in
   * between, or overwrite another login.
   */
  async abandon(login: KeptLogin, reason: EndReason): Promise<void> {
    const copy = peekSession(this.#req)
    if (!copy) return
    if (!this.hasStore) {
      if (reason === 'logged out') remove(copy, [PASSPORT_KEY])
      this.#sessions.remove(copy)
      return
    }
    let stored: Session | undefined
    try {
      stored = await this.#loadSession()
    } catch {
      this.#isOutdated = true
      return
    }
    if (!stored) {
      replaceContent(copy)
    } else if (this.#isLoggedOut(stored, login, reason)) {
      remove(copy, [PASSPORT_KEY])
      this.#sessions.remove(copy)
    } else {
      this.#isOutdated = reason !== 'refused' || this.#sessions.isIn(stored)
    }
  }

  /**
   * Prepares the request's own copy to be changed, which causes all of it to be saved: a login that has ended must not be saved.
   *
   * @returns whether it may be changed
   */
  prepareChange(login: KeptLogin | undefined): boolean {
    if (this.copy?.id === login?.id && !this.#isOutdated) this.forget()
    return !this.#isOutdated
  }

  async #change(login: KeptLogin, change: (session: Session) => void): Promise<void> {
    const session = await this.#loadSession()
    const kept = this.#loginIn(session, login)
    if (!session || !kept || newerOf(login, kept) === kept) return
    change(session)
    await this.#stored?.save(session)
  }

  async #loadSession(): Promise<Session | undefined> {
    return this.#stored ? this.#stored.load() : peekSession(this.#req)
  }

  /** Whether the stored session shows a logout that is complete or in progress. */
  #isLoggedOut(stored: Session, { id }: KeptLogin, reason: EndReason): boolean {
    const isLoginStored = this.#sessions.read(stored)?.id === id
    if (isLoginStored) return reason === 'logged out'
    return !hasUser(stored) && !this.#sessions.isIn(stored)
  }

  #loginIn(session: Session | undefined, { id }: KeptLogin): KeptLogin | undefined {
    const copy = peekSession(this.#req)
    // At logout, Passport removes the user from the session before it renews the session.
    if (hasUser(copy) && !hasUser(session)) return undefined
    const login = this.#sessions.read(session)
    return login?.id === id ? login : undefined
  }
}

function remove(session: Session, keys: readonly string[]): void {
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- sessions are plain objects, from which keys can only be removed with delete
  for (const key of keys) delete session[key]
}
