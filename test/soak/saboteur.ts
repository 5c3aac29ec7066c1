import { setTimeout as pause } from 'node:timers/promises'
import type { Sandbox, SandboxEndpoint, SandboxFault } from '../../lib/sandbox'
import type { Random } from './random'

/** Twilio's error when it recognizes neither the app nor the token. */
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

/** With these faults, Twilio has used up the refresh token, but its response with the new tokens is lost. */
const LOSING_RESPONSES: readonly SandboxFault[] = ['silent after issuing', 'silent after headers', 'cut short']

/** Causes every kind of fault at every endpoint that the app or a browser uses. */
export class Saboteur {
  /** How often each fault was caused. */
  readonly counts: Record<string, number> = {}
  /** Whether token responses may be lost. */
  mayLoseResponses = false
  /** How many token responses were lost, at most. */
  lostResponses = 0
  /** How many refreshes the token endpoint refused without a reason, at most. The next refresh works. */
  refusedRefreshes = 0
  readonly #sandbox: Sandbox
  readonly #random: Random

  constructor(sandbox: Sandbox, random: Random) {
    this.#sandbox = sandbox
    this.#random = random
  }

  /** @param interval average ms between two faults */
  async work(isOver: () => boolean, interval: number): Promise<void> {
    while (!isOver()) {
      const [endpoint, fault] = [this.#random.one(ENDPOINTS), this.#random.one(FAULTS)]
      const isLosing = endpoint === 'token' && LOSING_RESPONSES.includes(fault)
      if (isLosing && !this.mayLoseResponses) continue
      this.#sandbox.failNext(endpoint, fault)
      const name = `${endpoint}: ${typeof fault === 'string' ? fault : `${fault.status}`}`
      this.counts[name] = (this.counts[name] ?? 0) + 1
      if (isLosing) this.lostResponses++
      if (endpoint === 'token' && fault === UNAUTHORIZED) this.refusedRefreshes++
      await pause(this.#random.fraction() * 2 * interval)
    }
  }
}
