import { setTimeout as pause } from 'node:timers/promises'
import type { Sandbox, SandboxEndpoint, SandboxFault } from '../../lib/sandbox'
import type { Random } from './random'

/** Twilio's way to say that it knows neither app nor token. */
const UNAUTHORIZED: SandboxFault = {
  status: 401,
  headers: { 'Content-Type': 'application/json' },
  body: '{"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}'
}

const FAULTS: readonly [SandboxFault, ...SandboxFault[]] = [
  'silent',
  'silent after issuing',
  'silent after headers',
  'cut short',
  'reset',
  'server error',
  'throttled',
  'html error',
  'empty',
  'not json',
  UNAUTHORIZED,
  { status: 200, headers: { 'Content-Type': 'application/json' }, body: 'null' }
]
const ENDPOINTS: readonly [SandboxEndpoint, ...SandboxEndpoint[]] = ['token', 'token', 'authorize', 'api']

/** With these, Twilio has spent a refresh token, and nobody can know what came of it. */
const LOSING: readonly SandboxFault[] = ['silent after issuing', 'silent after headers', 'cut short']

/** Lets every fault strike, at every endpoint that the app or a browser asks. */
export class Saboteur {
  /** How many of each. */
  readonly struck: Record<string, number> = {}
  /** Whether answers with tokens may be lost on their way. */
  mayLose = false
  /** Answers with tokens that were lost on their way, at most. */
  lost = 0
  /** Refreshes that the token endpoint refused for no reason, at most; the next one works. */
  refused = 0
  readonly #sandbox: Sandbox
  readonly #random: Random

  constructor(sandbox: Sandbox, random: Random) {
    this.#sandbox = sandbox
    this.#random = random
  }

  /** @param pace ms between two faults */
  async work(isOver: () => boolean, pace: number): Promise<void> {
    while (!isOver()) {
      const [endpoint, fault] = [this.#random.one(ENDPOINTS), this.#random.one(FAULTS)]
      const isLosing = endpoint === 'token' && LOSING.includes(fault)
      if (isLosing && !this.mayLose) continue
      this.#sandbox.failNext(endpoint, fault)
      const name = `${endpoint}: ${typeof fault === 'string' ? fault : `${fault.status}`}`
      this.struck[name] = (this.struck[name] ?? 0) + 1
      if (isLosing) this.lost++
      if (endpoint === 'token' && fault === UNAUTHORIZED) this.refused++
      await pause(this.#random.fraction() * 2 * pace)
    }
  }
}
