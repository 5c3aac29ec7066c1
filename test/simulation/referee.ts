import type { TwilioUnavailableError } from '../../lib/errors'
import type { TwilioTokens } from '../../lib/oauth/tokens'
import { isAlive } from '../../lib/session/freshness'
import { fromJSON, type KeptLogin } from '../../lib/session/kept-login'
import type { SimulatedRequest } from './app-process'
import type { RecordStore } from './record-store'
import type { Change } from './session-store'
import { readToken, type Send, type Twilio } from './twilio'
import type { SimulatedProcess, World } from './world'

/** What is promised, whatever the order of events. */
export type Invariant =
  | 'a refresh token is spent once'
  | 'a logout is final'
  | 'whoever is logged in stays logged in'
  | 'nobody waits while a token lives'
  | 'a request gets the tokens of its own login'
  | 'every request ends'

/** A process that stands still for longer counts as frozen: what it was about to do is not waited for. In ms. */
const FROZEN = 2000

/** ms for which a call to the record store may be on its way. */
const ON_ITS_WAY = 1000

/** Instead of a generation, where the session store has no tokens. */
const NONE = -1

interface LoginFacts {
  /** Why nobody can keep this login alive: a token was lost with a crashed process, for one. */
  doom?: string | undefined
  /** The last refresh token that Twilio has refused after a process without the record store had sent it. */
  refusedAlone: number
  isLogoutBegun: boolean
  /** Whether a request whose session the app changed has saved its old copy since: nothing that refreshing could prevent. */
  isBroughtBackByApp: boolean
  logout?: { readonly at: number; readonly isRecorded: boolean } | undefined
  /** A refresh that began before the logout has stored the session, which it undoes once it has looked at the record. */
  broughtBack?: { readonly by: SimulatedProcess; undoneAt: number } | undefined
  /** Which of Twilio's refresh tokens the session store has, and since when. */
  stored: { readonly generation: number; readonly since: number }
}

export interface Answer {
  readonly req: SimulatedRequest
  readonly held: KeptLogin | undefined
  readonly tokens?: TwilioTokens | undefined
  readonly error?: TwilioUnavailableError | undefined
  readonly waited?: number
  readonly mayWait?: boolean
}

/** Watches a schedule, and notes where a promise is broken. */
export class Referee {
  /** Called with the answer to each request for tokens. */
  onAnswer: (answer: Answer) => void = () => undefined
  readonly violations: { readonly invariant: Invariant; readonly details: string }[] = []
  readonly #world: World
  readonly #twilio: Twilio
  readonly #records: RecordStore
  readonly #logins = new Map<string, LoginFacts>()
  readonly #open = new Map<string, SimulatedProcess>()
  #expected: string | undefined

  constructor(world: World, twilio: Twilio, records: RecordStore) {
    this.#world = world
    this.#twilio = twilio
    this.#records = records
    twilio.onSend = (send, earlier) => this.#tokenSent(send, earlier)
    twilio.onRefusal = (send) => this.#refused(send)
  }

  /** The login that the session holds, by what the app has saved; not what the refresher made of it. */
  get expectedLogin(): string | undefined {
    return this.#expected
  }

  loginBegins(login: string): void {
    this.#logins.set(login, { isLogoutBegun: false, isBroughtBackByApp: false, refusedAlone: NONE, stored: { generation: 0, since: 0 } })
  }

  sessionHolds(login: string): void {
    this.#expected = login
  }

  /** @returns what to call when the request ends */
  requestBegins(process: SimulatedProcess, name: string): () => void {
    this.#open.set(name, process)
    return () => this.#open.delete(name)
  }

  logoutBegins(login: string): void {
    this.#factsOf(login).isLogoutBegun = true
  }

  loggedOut(login: string, at: number, isRecorded: boolean): void {
    this.#factsOf(login).logout ??= { at, isRecorded }
  }

  sessionChanged(session: Record<string, unknown> | undefined, { process, writer, isRaced }: Change): void {
    const login = loginIn(session)
    for (const [id, facts] of this.#logins) {
      const generation = login?.id === id ? tokenGenerationOf(login) : NONE
      const isRemoved = writer === 'refresher' && generation === NONE && facts.stored.generation !== NONE
      if (isRemoved && facts.stored.generation <= facts.refusedAlone) facts.doom ??= 'Twilio refused the token in the session, and the record store could not tell of a newer one'
      if (generation !== facts.stored.generation) facts.stored = { generation, since: this.#world.now }
      if (session === undefined && facts.broughtBack) facts.broughtBack.undoneAt = Math.min(facts.broughtBack.undoneAt, this.#world.now)
    }
    if (writer === 'refresher') {
      const user = userIn(session)
      const facts = user === undefined ? undefined : this.#factsOf(user)
      if (facts?.isLogoutBegun) facts.broughtBack = { by: process, undoneAt: Infinity }
      const expected = this.#expected === undefined ? undefined : this.#factsOf(this.#expected)
      // Session stores only know whole sessions: a write that is based on an older one undoes what came in between.
      if (expected && isRaced && login?.id !== this.#expected) expected.doom ??= 'its session was overwritten'
      return
    }
    const isExpectedOver = this.#expected !== undefined && this.#factsOf(this.#expected).isLogoutBegun
    // What only the package has changed must not take the login out of the session.
    if (writer.isChangedByApp || isExpectedOver || this.#logins.size > 1) this.#expected = login?.id
    const facts = login && this.#factsOf(login.id)
    if (facts?.isLogoutBegun && writer.isChangedByApp) facts.isBroughtBackByApp = true
    const user = userIn(session)
    if (writer.ended && user !== undefined && this.#factsOf(user).isLogoutBegun) this.#factsOf(user).broughtBack = { by: process, undoneAt: Infinity }
  }

  /** What a process knew is lost with it. */
  processGone(process: SimulatedProcess): void {
    for (const [login, facts] of this.#logins) {
      const newest = this.#twilio.newestGeneration(login)
      const isHolder = this.#twilio.sendsOf(login).some((send) => send.process === process && send.isSpent && send.generation === newest - 1)
      if (!isHolder || facts.stored.generation === newest) continue
      void this.#records.peek(login).then((record) => {
        if (!record?.value.includes(`refresh:${login}:${newest}`)) facts.doom ??= `${process.name} disappeared with the newest tokens`
      })
    }
  }

  answered(answer: Answer): void {
    this.onAnswer(answer)
    const { req, held, tokens, error, waited = 0, mayWait = true } = answer
    const now = req.process.clock.now()
    const name = `the request on ${req.process.name} that began at ${req.startedAt.toFixed(1)} ms`
    if (!held) return
    if (!mayWait && waited > 0 && req.process.longestStallSince(this.#world.now - waited) === 0) this.#violate('nobody waits while a token lives', `${name} waited ${waited.toFixed(0)} ms with a usable token`)
    if (error && isAlive(held, now)) this.#violate('nobody waits while a token lives', `${name} got an error although its token lives`)
    if (!tokens) return
    const { login } = readToken(tokens.accessToken)
    if (login !== held.id) this.#violate('a request gets the tokens of its own login', `${name} got tokens of ${login} instead of ${held.id}`)
    const { logout, broughtBack, isBroughtBackByApp } = this.#factsOf(login)
    const isMeanwhile = broughtBack !== undefined && (broughtBack.by.isGone || req.startedAt < broughtBack.undoneAt)
    if (logout?.isRecorded && req.startedAt > logout.at && !isMeanwhile && !isBroughtBackByApp) this.#violate('a logout is final', `${name} got tokens after the logout`)
  }

  /** Everything has settled: no faults any more, and nothing is pending. */
  settled(session: Record<string, unknown> | undefined): void {
    for (const [name, process] of this.#open) if (!process.isGone) this.#violate('every request ends', `${name} has not ended`)
    const user = userIn(session)
    for (const [login, { logout, isBroughtBackByApp, broughtBack }] of this.#logins) {
      if (!logout?.isRecorded || isBroughtBackByApp || broughtBack?.by.isGone) continue
      if (user === login || loginIn(session)?.id === login) this.#violate('a logout is final', `the session of ${login} is back: ${JSON.stringify(session)}`)
    }
  }

  /** The last requests, when everything is well again. */
  checkedAtEnd(process: SimulatedProcess, answer: Answer | undefined): void {
    const login = this.#expected
    if (login === undefined) return
    const { doom, isLogoutBegun } = this.#factsOf(login)
    if (doom !== undefined || isLogoutBegun || this.#twilio.isRevoked(login)) return
    if (!answer?.tokens) this.#violate('whoever is logged in stays logged in', `${process.name} has no live token for ${login} at the end`)
  }

  #tokenSent(send: Send, earlier: readonly Send[]): void {
    const { login, process } = send
    const facts = this.#factsOf(login)
    const { logout, broughtBack, isBroughtBackByApp } = facts
    const begunAt = send.grounds.lock?.acquiredAt ?? 0
    if (logout && begunAt > logout.at && !broughtBack && !isBroughtBackByApp) this.#violate('a logout is final', `${process.name} began to refresh after the logout`)
    for (const other of earlier) {
      if (other.hasFailed) continue
      const excuse = this.#excuseFor(send, other, facts)
      if (excuse === undefined) this.#violate('a refresh token is spent once', `${process.name} sent the token ${send.generation} of ${login}, which ${other.process.name} had sent`)
      else this.#world.note(() => `sent before by ${other.process.name}, since ${excuse}`)
      if (this.#twilio.isRevoked(login)) facts.doom ??= excuse ?? 'its token was spent twice'
    }
  }

  /** Why a token may be sent again; `undefined` if nothing excuses it. */
  #excuseFor(send: Send, other: Send, facts: LoginFacts): string | undefined {
    if (facts.doom !== undefined) return facts.doom
    if (other.isLost) return "Twilio's answer was lost"
    if (other.process.isGone && other.deliveredAt === undefined) return 'the process that sent it first disappeared'
    if (other.process.longestStallSince(other.calledAt) > FROZEN) return 'the process that sent it first was frozen'
    if ([send, other].some(({ grounds }) => grounds.isAllowedAlone)) return 'a process was alone without the record store'
    if (this.#isUnknown(send, other, facts)) return 'the record could not be saved, and the session does not have the new tokens'
    if (this.#isLockLost(send, other)) return 'the lock was lost in a failover before anybody else saw it'
    return undefined
  }

  /** Whether a failover lost the lock of one of them, and the other had not seen it before. */
  #isLockLost(send: Send, other: Send): boolean {
    const { failover } = this.#records
    const [one, two] = [send.grounds.lock, other.grounds.lock]
    if (!failover || !one || !two) return false
    const [lost, later] = one.acquiredAt < two.acquiredAt ? [one, two] : [two, one]
    const hasSeen = later.busyAt.some((at) => at > lost.acquiredAt && at < failover.at)
    return lost.acquiredAt < failover.at && failover.at < later.acquiredAt + ON_ITS_WAY && !hasSeen
  }

  /** Whether neither the record nor the session could tell that the token is spent. */
  #isUnknown(send: Send, other: Send, facts: LoginFacts): boolean {
    const isInSession = facts.stored.generation > other.generation && facts.stored.since < (send.grounds.lock?.acquiredAt ?? send.calledAt)
    return !isInSession && this.#records.hasFailedToSave(other.process, other.login)
  }

  #refused({ login, generation }: Send): void {
    const facts = this.#factsOf(login)
    if (this.#twilio.sendsOf(login).some((send) => send.generation === generation && send.grounds.isAllowedAlone)) facts.refusedAlone = generation
    // Where newer tokens are in the session already, a refusal of the old one is no reason to end the login.
    if (this.#twilio.isRevoked(login) || facts.stored.generation <= generation) facts.doom ??= 'Twilio refused the refresh'
  }

  #factsOf(login: string): LoginFacts {
    const facts = this.#logins.get(login)
    if (!facts) throw new Error(`There is no login ${login}.`)
    return facts
  }

  #violate(invariant: Invariant, details: string): void {
    this.#world.note(() => `VIOLATION: ${invariant}: ${details}`)
    this.violations.push({ invariant, details })
  }
}

function loginIn(session: Record<string, unknown> | undefined): KeptLogin | undefined {
  return fromJSON(session?.['twilioTokens:AC'])
}

function userIn(session: Record<string, unknown> | undefined): string | undefined {
  return (session?.passport as { user?: string } | undefined)?.user
}

function tokenGenerationOf({ tokens: { refreshToken } }: KeptLogin): number {
  return refreshToken === undefined ? NONE : readToken(refreshToken).generation
}
