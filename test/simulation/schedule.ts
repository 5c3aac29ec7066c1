import { AppProcess, type Surroundings, type Visit } from './app-process'
import { NO_FAULTS, randomFaults, type Faults } from './faults'
import { Random } from './random'
import { RecordStore } from './record-store'
import { Referee, type Answer, type Invariant } from './referee'
import { SessionStore } from './session-store'
import { Twilio } from './twilio'
import { SimulatedProcess, World } from './world'

export interface Verdict {
  readonly seed: number
  readonly violations: readonly { readonly invariant: Invariant; readonly details: string }[]
  /** What happened, line by line, where it was asked for. */
  readonly trace: readonly string[]
}

const SESSION = 'session'
/** ms after the last event at which locks, failure notes and back-offs are over. */
const RECOVERY = 60_000

/** Runs the schedule of a seed: a few processes, one session, requests, and whatever goes wrong. */
export async function runSchedule(seed: number, { isTraced = false } = {}): Promise<Verdict> {
  const trace: string[] = []
  const schedule = new Schedule(new Random(seed), isTraced ? trace : undefined)
  await schedule.run().catch((error: unknown) => {
    throw Object.assign(new Error(`The schedule with the seed ${seed} failed`, { cause: error }), { trace })
  })
  return { seed, violations: schedule.violations, trace }
}

class Schedule {
  readonly #random: Random
  readonly #world: World
  readonly #around: Surroundings
  readonly #processes: AppProcess[] = []
  readonly #lifetime: number
  readonly #faults: Faults
  readonly #hasFailover: boolean
  readonly #hasOutage: boolean
  /**
   * Whether records are saved, and while their locks live. Otherwise, expire() may replace what another process has refreshed, and
   * processes that refresh without the store give the same generation to different tokens.
   */
  readonly #isStoreReliable: boolean
  /** ms in which requests come in. */
  readonly #span: number
  #logins = 0

  constructor(random: Random, trace: string[] | undefined) {
    this.#random = random
    this.#world = new World(random, trace)
    this.#lifetime = random.pick([25_000, 60_000, 3_600_000])
    this.#faults = randomFaults(random)
    this.#hasFailover = random.chance(0.1)
    this.#hasOutage = random.chance(0.1)
    const { late, failed, refused } = this.#faults
    this.#isStoreReliable = !this.#hasFailover && !this.#hasOutage && late + failed + refused === 0
    this.#span = random.pick([50, 2000, 20_000, 90_000])
    const settings = { timeout: random.pick([1000, 3000]), refreshInBackground: random.chance(0.7) }
    const twilio = new Twilio(this.#world, { timeout: settings.timeout, lifetime: this.#lifetime, revokesOnReuse: random.chance(0.7) })
    const records = new RecordStore(this.#world)
    const sessions = new SessionStore(this.#world)
    const referee = new Referee(this.#world, twilio, records)
    sessions.onChange = (id, session, change) => {
      if (id === SESSION) referee.sessionChanged(session, change)
    }
    this.#around = { world: this.#world, twilio, records, sessions, referee, settings }
  }

  get violations() {
    return this.#around.referee.violations
  }

  async run(): Promise<void> {
    this.#world.note(() => `faults ${JSON.stringify(Object.fromEntries(Object.entries(this.#faults).filter(([, probability]) => probability > 0)))}, ${JSON.stringify(this.#around.settings)}, lifetime ${this.#lifetime} ms`)
    const count = this.#random.pick([1, 2, 2, 3])
    for (let n = 0; n < count; n++) this.#startProcess()
    this.#logIn()
    this.#setFaults(this.#faults)
    this.#planRequests()
    this.#planTroubles()
    await this.#world.runUntilQuiet()
    this.#setFaults(NO_FAULTS)
    await this.#checkAtEnd()
  }

  #startProcess(): AppProcess {
    const { world, referee } = this.#around
    const process = new SimulatedProcess(world, `process ${this.#processes.length + 1}`, this.#random.between(-3000, 3000))
    process.onGone = () => {
      referee.processGone(process)
      if (this.#random.chance(0.5)) world.after(this.#random.between(100, 5000), () => this.#startProcess())
    }
    const app = new AppProcess(process, this.#around)
    this.#processes.push(app)
    return app
  }

  /** The session to begin with: its token is fresh, stale, about to expire, or expired. */
  #logIn(): void {
    const { referee, sessions, twilio } = this.#around
    const app = this.#anyProcess()
    const now = app.process.clock.now()
    const expiresAt = now + this.#random.pick([-5000, 0, 5000, 11_000, 12_000, this.#lifetime])
    const login = this.#nextLogin()
    const tokens = twilio.issue(login, expiresAt)
    referee.loginBegins(login)
    referee.sessionHolds(login)
    sessions.put(SESSION, app.sessionWith(login, tokens, expiresAt - this.#lifetime))
  }

  #planRequests(): void {
    const moments = Array.from({ length: this.#random.integer(0, 2) }, () => this.#moment())
    const momentOfRequest = () => (moments.length > 0 && this.#random.chance(0.6) ? this.#random.pick(moments) + this.#random.between(0, 20) : this.#moment())
    for (let n = this.#random.integer(2, 8); n > 0; n--) this.#plan(momentOfRequest(), (app) => app.visit(this.#randomVisit()))
    if (this.#random.chance(0.4)) this.#plan(momentOfRequest(), (app) => app.logOut(SESSION))
    if (this.#random.chance(0.1)) {
      this.#plan(momentOfRequest(), (app) => {
        const login = this.#nextLogin()
        this.#around.referee.loginBegins(login)
        return app.logInAgain(SESSION, login, this.#around.twilio.issue(login, app.process.clock.now() + this.#lifetime))
      })
    }
  }

  #randomVisit(): Visit {
    const random = this.#random
    const work = () => random.pick([0, random.between(0, 100), random.between(0, 3000), random.between(0, this.#span)])
    const isSocket = random.chance(0.15)
    return {
      sessionID: SESSION,
      asksAfter: Array.from({ length: isSocket ? random.integer(2, 4) : 1 }, work),
      worksFor: work(),
      changesSession: random.chance(0.2),
      isForPage: random.chance(0.3),
      expiresToken: this.#isStoreReliable && random.chance(0.05)
    }
  }

  #planTroubles(): void {
    const { records, twilio } = this.#around
    const random = this.#random
    const login = `login-${this.#logins}`
    if (random.chance(0.05)) this.#world.after(this.#moment(), () => twilio.revoke(login))
    if (this.#hasOutage) {
      const isSilent = random.chance(0.5)
      const duration = random.pick([500, 5000, 30_000])
      const isForAll = random.chance(0.5)
      this.#world.after(this.#moment(), () => {
        for (const { process } of isForAll ? this.#processes : [this.#anyProcess()]) records.interrupt(process, duration, isSilent)
      })
    }
    if (this.#hasFailover) this.#world.after(this.#moment(), () => void records.failOver(random.pick([100, 1000, 5000])))
    if (random.chance(0.1)) {
      this.#world.after(this.#moment(), () => {
        const jump = random.pick([-30_000, -5000, 5000, 30_000])
        const { process } = this.#anyProcess()
        process.clockOffset += jump
        this.#world.note(() => `the clock of ${process.name} jumps by ${jump} ms`)
      })
    }
  }

  /** A request to each process that is left, and to a new one, now that nothing fails any more. */
  async #checkAtEnd(): Promise<void> {
    const { referee, sessions, world } = this.#around
    referee.settled(sessions.peek(SESSION))
    this.#startProcess()
    world.note(() => 'everything is well again')
    for (const app of this.#processes) {
      if (app.process.isGone) continue
      let answer: Answer | undefined
      referee.onAnswer = (given) => (answer = given)
      world.after(RECOVERY, () => void app.visit({ sessionID: SESSION, asksAfter: [0], worksFor: 0, changesSession: false, isForPage: false, expiresToken: false }), app.process)
      await world.runUntilQuiet()
      referee.checkedAtEnd(app.process, answer)
    }
    referee.settled(sessions.peek(SESSION))
  }

  #plan(moment: number, request: (app: AppProcess) => Promise<void>): void {
    this.#world.after(moment, () => {
      const app = this.#anyProcess()
      this.#world.after(0, () => void request(app), app.process)
    })
  }

  #moment(): number {
    return this.#random.between(0, this.#span)
  }

  #anyProcess(): AppProcess {
    const alive = this.#processes.filter(({ process }) => !process.isGone)
    return alive.length > 0 ? this.#random.pick(alive) : this.#startProcess()
  }

  #nextLogin(): string {
    return `login-${++this.#logins}`
  }

  #setFaults(faults: Faults): void {
    const { records, sessions, twilio } = this.#around
    records.faults = sessions.faults = twilio.faults = faults
  }
}
