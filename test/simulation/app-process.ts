import { TwilioUnavailableError } from '../../lib/errors'
import type { TwilioTokens } from '../../lib/oauth/tokens'
import { Freshness, isUsable } from '../../lib/session/freshness'
import { newLogin, type KeptLogin } from '../../lib/session/kept-login'
import { plainCodec } from '../../lib/session/login-codec'
import { LiveLogins } from '../../lib/session/live-logins'
import { LoginSessions, type LoginSession } from '../../lib/session/login-session'
import { LoginRefresher } from '../../lib/session/records/refresh-once'
import { RecordCodec } from '../../lib/session/records/record-codec'
import type { RefreshRecord } from '../../lib/session/records/refresh-store'
import type { RecordStore, RecordStoreConnection } from './record-store'
import type { Referee } from './referee'
import type { SavingRequest, SessionStore, Writer } from './session-store'
import type { Twilio } from './twilio'
import type { SimulatedProcess, World } from './world'

const RECORD_TTL = 24 * 3600 * 1000
/** ms that a lock lives: LOCK_MARGIN of LoginRecords beyond the time limit of a call to Twilio. */
const LOCK_MARGIN = 5000

export interface AppSettings {
  /** ms that a call to Twilio may take. */
  readonly timeout: number
  readonly refreshInBackground: boolean
}

export interface Surroundings {
  readonly world: World
  readonly twilio: Twilio
  readonly records: RecordStore
  readonly sessions: SessionStore
  readonly referee: Referee
  readonly settings: AppSettings
}

/** What a request does with its session besides asking for tokens. */
export interface Visit {
  readonly sessionID: string
  /** ms that the request works before each time that it asks for tokens: once, or more often, as a WebSocket does. */
  readonly asksAfter: readonly number[]
  /** ms that it works at the end. */
  readonly worksFor: number
  readonly changesSession: boolean
  /** Whether a browser asks for a page, to which it comes back after a login. */
  readonly isForPage: boolean
  /** Whether Twilio refuses the access token before its time, and the app says so. */
  readonly expiresToken: boolean
}

type Session = Record<string, unknown>

/** A request as express-session sets it up: with a copy of the session, and the way to the store. */
export interface SimulatedRequest extends SavingRequest {
  readonly process: SimulatedProcess
  /** ms since the beginning. */
  readonly startedAt: number
  readonly sessionID: string
  readonly sessionStore: ReturnType<SessionStore['connect']>
  readonly session: Session
  isChangedByApp: boolean
  /** A login that has ended, after which the page to return to was put into the session. */
  ended?: KeptLogin
  /** The session as it was loaded, or last saved. */
  savedAs: string
}

/** The records unencrypted: what the simulator explores is their order, and encryption would take most of its time. */
class PlainRecordCodec extends RecordCodec {
  override nameOf(loginID: string): string {
    return loginID
  }

  override encode(login: KeptLogin): string {
    return JSON.stringify(plainCodec.encode(login))
  }

  override decode(_loginID: string, { value }: RefreshRecord): KeptLogin | undefined {
    return plainCodec.decode(JSON.parse(value))
  }

  override encodeFailure(_loginID: string, error: unknown): string {
    return String(error)
  }

  override decodeFailure(_loginID: string, note: string): Error {
    return new Error(note)
  }
}

/** A process of the app: the real sessions, decisions and refreshes, behind the request life cycle of express-session and Passport. */
export class AppProcess {
  readonly process: SimulatedProcess
  readonly #around: Surroundings
  readonly #connection: RecordStoreConnection
  readonly #refresher: LoginRefresher
  readonly #liveLogins: LiveLogins
  readonly #logins: LoginSessions
  /** When it last went on without the record store, and whether it was allowed to. */
  #alone = { since: -1, isAllowed: false }
  #failedLogouts = 0

  constructor(process: SimulatedProcess, around: Surroundings) {
    const { records, twilio, settings } = around
    this.process = process
    this.#around = around
    this.#connection = records.connect(process)
    this.#logins = new LoginSessions('AC', plainCodec, process.clock, () => this.#note('found an unreadable login'))
    const shared = {
      freshness: new Freshness(),
      timeout: settings.timeout,
      clock: process.clock,
      warn: (message: string) => this.#onWarning(message)
    }
    this.#refresher = new LoginRefresher({
      ...shared,
      refreshTokens: (refreshToken) => twilio.refresh(process, refreshToken, (login) => this.#rightToRefresh(login)),
      refreshes: this.#connection,
      codec: new PlainRecordCodec('AC', [])
    })
    this.#liveLogins = new LiveLogins({ ...shared, refresher: this.#refresher, refreshInBackground: settings.refreshInBackground })
  }

  /** A request, from the loading of its session to its end. */
  async visit({ sessionID, asksAfter, worksFor, changesSession, isForPage, expiresToken }: Visit): Promise<void> {
    await this.#request('a request', sessionID, async (req) => {
      for (const ms of asksAfter) {
        await this.process.clock.sleep(ms)
        // Whoever is asked to log in again gets that answer at once.
        if (!(await this.#askForTokens(req, isForPage))) return
        if (expiresToken) await this.#expireToken(req)
      }
      if (changesSession) {
        req.session.cart = `filled at ${req.startedAt.toFixed(1)}`
        req.isChangedByApp = true
      }
      await this.process.clock.sleep(worksFor)
    })
  }

  /** `tokens.drop()`, then Passport's `req.logout()`: the user taken out, the session saved, and destroyed for a new one. */
  async logOut(sessionID: string): Promise<void> {
    const { referee, world } = this.#around
    await this.#request('a logout', sessionID, async (req) => {
      const session = this.#logins.of(req)
      const login = session.copy
      if (login) referee.logoutBegins(login.id)
      const isRecorded = await this.#drop(session, login)
      delete req.session.passport
      await this.#save(req)
      await finished((done) => this.#storeFor(req).destroy(req.sessionID, done))
      if (login) referee.loggedOut(login.id, world.now, isRecorded)
    })
  }

  /** The same person logs in once more, and the app keeps the session ID. */
  async logInAgain(sessionID: string, login: string, tokens: TwilioTokens): Promise<void> {
    await this.#request('a new login', sessionID, async (req) => {
      this.#logins.of(req).setCopy({ ...newLogin(tokens, this.process.clock.now()), id: login })
      req.session.passport = { user: login }
      req.isChangedByApp = true
      await this.#save(req)
    })
  }

  /** A session that holds a login. */
  sessionWith(login: string, tokens: TwilioTokens, receivedAt: number): Session {
    const session: Session = { cookie: {}, passport: { user: login } }
    this.#logins.write(session, { id: login, generation: 0, receivedAt, tokens })
    return session
  }

  async #request(what: string, sessionID: string, handle: (req: SimulatedRequest) => Promise<void>): Promise<void> {
    const { world, referee, sessions } = this.#around
    const startedAt = world.now
    const ended = referee.requestBegins(this.process, `${what} on ${this.process.name} that began at ${startedAt.toFixed(1)} ms`)
    this.#note(`begins ${what}`)
    try {
      const loader = sessions.connect(this.process, 'refresher')
      const found = await finished<Session>((done) => loader.get(sessionID, done))
      const session = found ?? { cookie: {} }
      // A session that isn't found gets a new ID.
      const id = found ? sessionID : `new session at ${startedAt.toFixed(1)}`
      const req: SimulatedRequest = { process: this.process, sessionID: id, sessionStore: loader, session, startedAt, isChangedByApp: false, savedAs: JSON.stringify(session) }
      await handle(req)
      if (JSON.stringify(session) !== req.savedAs) await this.#save(req)
      if (req.ended) void this.#refresher.destroyIfLoggedOut(req.ended, this.#logins.of(req))
    } catch (error) {
      // The app's error handler answers.
      this.#note(`${what} fails: ${String(error)}`)
    } finally {
      ended()
    }
  }

  async #save(req: SimulatedRequest): Promise<void> {
    req.savedAs = JSON.stringify(req.session)
    await finished((done) => this.#storeFor(req).set(req.sessionID, req.session, done))
  }

  /** `tokens.fresh()`: the tokens, unless the request has been answered with 401 or 503. */
  async #askForTokens(req: SimulatedRequest, isForPage: boolean): Promise<TwilioTokens | undefined> {
    const { referee, settings, world } = this.#around
    const session = this.#logins.of(req)
    const held = this.#liveLogins.held(session)
    if (!held) {
      referee.answered({ req, held })
      return undefined
    }
    const askedAt = world.now
    const now = this.process.clock.now()
    const mayWait = !settings.refreshInBackground || !isUsable(held, now)
    try {
      const live = await this.#liveLogins.get(held, session, RECORD_TTL)
      const tokens = live?.tokens
      this.#note(`answers with ${tokens?.accessToken ?? 'a request to log in'}`)
      referee.answered({ req, held, tokens, waited: world.now - askedAt, mayWait })
      if (!tokens && isForPage && session.prepareChange(held)) {
        req.session.returnTo = '/page'
        if (session.hasUser) req.ended = held
      }
      return tokens
    } catch (error) {
      if (!(error instanceof TwilioUnavailableError)) throw error
      this.#note(`answers 503: ${String(error.cause)}`)
      referee.answered({ req, held, error, waited: world.now - askedAt, mayWait })
      return undefined
    }
  }

  async #expireToken(req: SimulatedRequest): Promise<void> {
    await this.#liveLogins.expire(undefined, this.#logins.of(req), RECORD_TTL).catch((error: unknown) => this.#note(`expire() fails: ${String(error)}`))
  }

  /** @returns whether the logout has been recorded */
  async #drop(session: LoginSession, login: KeptLogin | undefined): Promise<boolean> {
    const failed = this.#failedLogouts
    session.forget()
    if (login) await this.#refresher.logOut(login, RECORD_TTL)
    return failed === this.#failedLogouts
  }

  /** On what grounds this process is about to spend a refresh token. */
  #rightToRefresh(login: string) {
    const lock = this.#connection.lockSeen(login)
    return this.#alone.since > (lock?.acquiredAt ?? -1) ? { isAlone: true, isAllowedAlone: this.#alone.isAllowed, lock: undefined } : { isAlone: false, isAllowedAlone: false, lock }
  }

  #onWarning(message: string): void {
    this.#note(`warns: ${message}`)
    if (message.startsWith('A logout could not be recorded')) this.#failedLogouts++
    if (!message.startsWith("The store of the refresh records can't be used")) return
    const { world, settings } = this.#around
    const isSilent = world.now - this.#connection.lastReplyAt >= settings.timeout + LOCK_MARGIN
    this.#alone = { since: world.now, isAllowed: this.#connection.isRefused || isSilent }
  }

  #storeFor(writer: Writer) {
    return this.#around.sessions.connect(this.process, writer)
  }

  #note(message: string): void {
    this.#around.world.note(() => `${this.process.name} ${message}`)
  }
}

function finished<Result>(start: (done: (error?: unknown, result?: Result) => void) => void): Promise<Result | undefined> {
  return new Promise((resolve, reject) =>
    start((error, result) => {
      if (error instanceof Error) reject(error)
      else resolve(result)
    })
  )
}
