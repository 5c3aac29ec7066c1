import { TwilioNetworkError, TwilioTimeoutError, TwilioTokenError } from '../../lib/errors'
import type { TwilioTokens } from '../../lib/oauth/tokens'
import { NO_FAULTS, type Faults } from './faults'
import { call, disturb, type Fate } from './network'
import type { LockSeen } from './record-store'
import type { SimulatedProcess, World } from './world'

/** On what grounds a process spends a refresh token. */
export interface Grounds {
  /** Whether it has no lock from the shared store. */
  readonly isAlone: boolean
  /** Whether it could know that the shared store can't be reached. */
  readonly isAllowedAlone: boolean
  readonly lock: LockSeen | undefined
}

/** One refresh token on its way to Twilio, and what came of it. */
export interface Send {
  readonly login: string
  readonly generation: number
  readonly process: SimulatedProcess
  readonly calledAt: number
  readonly grounds: Grounds
  /** Whether Twilio took the token and issued new ones. */
  isSpent: boolean
  /** When the process got the new tokens. */
  deliveredAt?: number | undefined
  /** Whether the process got an error instead of an answer, and can't know whether the token is spent. */
  isLost: boolean
  /** Whether Twilio refused, or couldn't refresh now. */
  hasFailed: boolean
}

interface Family {
  /** Counts the refresh tokens; only the last one is good. */
  generation: number
  isRevoked: boolean
  readonly sends: Send[]
}

/** Twilio's token endpoint, which rotates refresh tokens, and takes each of them once. */
export class Twilio {
  faults: Faults = NO_FAULTS
  /** Called when a refresh token arrives, with those sends of the same token that came before. */
  onSend: (send: Send, earlier: readonly Send[]) => void = () => undefined
  /** Called when a process gets told that its refresh token is no good. */
  onRefusal: (send: Send) => void = () => undefined
  readonly #world: World
  readonly #families = new Map<string, Family>()
  readonly #timeout: number
  readonly #lifetime: number
  readonly #revokesOnReuse: boolean

  constructor(world: World, { timeout, lifetime, revokesOnReuse }: { timeout: number; lifetime: number; revokesOnReuse: boolean }) {
    this.#world = world
    this.#timeout = timeout
    this.#lifetime = lifetime
    this.#revokesOnReuse = revokesOnReuse
  }

  /** The tokens of a new login. */
  issue(login: string, expiresAt: number): TwilioTokens {
    this.#families.set(login, { generation: 0, isRevoked: false, sends: [] })
    return tokensOf(login, 0, expiresAt)
  }

  /** The person ends the app's access in Twilio's Console. */
  revoke(login: string): void {
    this.#familyOf(login).isRevoked = true
    this.#world.note(() => `${login} is revoked`)
  }

  isRevoked(login: string): boolean {
    return this.#familyOf(login).isRevoked
  }

  newestGeneration(login: string): number {
    return this.#familyOf(login).generation
  }

  sendsOf(login: string): readonly Send[] {
    return this.#familyOf(login).sends
  }

  /** The refresh grant, as a process calls it. It gives up after the time limit. */
  async refresh(process: SimulatedProcess, refreshToken: string, groundsOf: (login: string) => Grounds): Promise<TwilioTokens> {
    const world = this.#world
    const { login, generation } = readToken(refreshToken)
    const send: Send = { login, generation, process, calledAt: world.now, grounds: groundsOf(login), isSpent: false, isLost: false, hasFailed: false }
    const calling = call(world, process, this.#fate(), () => this.#receive(send))
    disturb(world, process, this.faults)
    try {
      await calling
    } catch (error) {
      if (!(error instanceof TwilioTokenError)) send.isLost = true
      world.note(() => `${process.name}: ${String(error)}`)
      if (error instanceof TwilioTokenError && error.code === 'invalid_grant') this.onRefusal(send)
      throw error
    }
    send.deliveredAt = world.now
    world.note(() => `${process.name} gets the tokens ${generation + 1} of ${login}`)
    return tokensOf(login, generation + 1, process.clock.now() + this.#lifetime)
  }

  async #receive(send: Send): Promise<void> {
    const { login, generation } = send
    const family = this.#familyOf(login)
    const earlier = family.sends.filter((other) => other.generation === generation)
    family.sends.push(send)
    this.#world.note(() => `Twilio gets the refresh token ${generation} of ${login} from ${send.process.name}`)
    if (generation < family.generation && this.#revokesOnReuse) family.isRevoked = true
    this.onSend(send, earlier)
    await Promise.resolve()
    if (family.isRevoked || generation !== family.generation) {
      send.hasFailed = true
      throw new TwilioTokenError('The refresh token is spent.', { code: 'invalid_grant', status: 400 })
    }
    if (this.#world.random.chance(this.faults.twilioDown)) {
      send.hasFailed = true
      throw new TwilioTokenError('Twilio is down.', { code: 'server_error', status: 500 })
    }
    send.isSpent = true
    family.generation++
  }

  #fate(): Fate {
    const { random } = this.#world
    const timeLimit = { after: this.#timeout, reason: () => new TwilioTimeoutError('Twilio did not answer in time.'), isTimer: true }
    if (random.chance(this.faults.twilioLost)) return { there: random.between(5, 100), error: { after: random.between(100, 400), reason: () => new TwilioNetworkError('The connection to Twilio broke.') } }
    if (random.chance(this.faults.twilioLate)) {
      const there = random.pick([random.between(5, 100), random.between(0, this.#timeout)])
      return { there, back: random.between(0.5, 1.01) * (this.#timeout - there), error: timeLimit }
    }
    return { there: random.between(5, 100), back: random.between(5, 200), error: timeLimit }
  }

  #familyOf(login: string): Family {
    const family = this.#families.get(login)
    if (!family) throw new Error(`Twilio knows no login ${login}.`)
    return family
  }
}

function tokensOf(login: string, generation: number, expiresAt: number): TwilioTokens {
  return { accessToken: `access:${login}:${generation}`, refreshToken: `refresh:${login}:${generation}`, tokenType: 'Bearer', expiresAt, claims: {} }
}

/** What a token of this Twilio stands for. */
export function readToken(token: string): { readonly login: string; readonly generation: number } {
  const [, login = '', generation] = token.split(':')
  return { login, generation: Number(generation) }
}
