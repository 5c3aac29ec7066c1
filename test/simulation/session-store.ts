import { NO_FAULTS, type Faults } from './faults'
import { call, disturb, type Fate } from './network'
import type { SimulatedProcess, World } from './world'

/** Who changes a session: the refresher by itself, or a request, whose copy is saved at its end. */
export type Writer = 'refresher' | SavingRequest

export interface SavingRequest {
  readonly startedAt: number
  /** Whether the app has changed the session, so that express-session saves it whatever the package does. */
  readonly isChangedByApp: boolean
}

type Session = Record<string, unknown>

/** Sessions as an express-session store keeps them: whole, as JSON, the last write wins. */
export class SessionStore {
  faults: Faults = NO_FAULTS
  /** Called with each change, and whether the session had changed since the writer last loaded it. */
  onChange: (id: string, session: Session | undefined, writer: Writer, isRaced: boolean) => void = () => undefined
  readonly #world: World
  readonly #sessions = new Map<string, string>()
  /** Counts the changes. */
  #version = 0

  constructor(world: World) {
    this.#world = world
  }

  /** The store as express-session and `LoginSession` call it, from one process. */
  connect(process: SimulatedProcess, writer: Writer) {
    const reach = (perform: () => Session | undefined, done: (error?: unknown, session?: Session) => void) => {
      const calling = call(this.#world, process, this.#fate(), () => Promise.resolve(perform()))
      disturb(this.#world, process, this.faults)
      calling.then((session) => done(null, session), done)
    }
    let loadedVersion = 0
    const load = (id: string) => {
      loadedVersion = this.#version
      return this.peek(id)
    }
    return {
      get: (id: string, done: (error?: unknown, session?: Session) => void) => reach(() => load(id), done),
      set: (id: string, session: object, done: (error?: unknown) => void) => {
        const json = JSON.stringify(session)
        reach(() => this.#write(id, json, writer, loadedVersion), done)
      },
      destroy: (id: string, done: (error?: unknown) => void) => reach(() => this.#write(id, undefined, writer, loadedVersion), done)
    }
  }

  /** A session as it is stored, without a way over the network. */
  peek(id: string): Session | undefined {
    const json = this.#sessions.get(id)
    return json === undefined ? undefined : (JSON.parse(json) as Session)
  }

  /** Stores a session at once. */
  put(id: string, session: Session): void {
    this.#sessions.set(id, JSON.stringify(session))
  }

  #write(id: string, json: string | undefined, writer: Writer, loadedVersion: number): undefined {
    if (json === undefined) this.#sessions.delete(id)
    else this.#sessions.set(id, json)
    this.#world.note(() => `session store: ${json ?? `${id} destroyed`} by ${writer === 'refresher' ? writer : 'a request'}`)
    this.onChange(id, this.peek(id), writer, this.#version > loadedVersion)
    this.#version++
  }

  #fate(): Fate {
    const { random } = this.#world
    const { sessionFailed, sessionLate, slow } = this.faults
    const quick = () => random.between(0.1, 3)
    if (random.chance(sessionFailed)) {
      const error = { after: random.between(0, 300), reason: new Error('The session store failed.') }
      return random.pick([{ error }, { error, there: random.between(0, error.after) }])
    }
    if (random.chance(sessionLate)) return { there: random.pick([quick(), random.between(0, 8000)]), back: random.between(0, 8000) }
    if (random.chance(slow)) return { there: random.between(0, 500), back: random.between(0, 500) }
    return { there: quick(), back: quick() }
  }
}
