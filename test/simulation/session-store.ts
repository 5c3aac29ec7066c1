import { NO_FAULTS, type Faults } from './faults'
import { call, disturb, type Fate } from './network'
import type { SimulatedProcess, World } from './world'

/** A change of a session. */
export interface Change {
  readonly process: SimulatedProcess
  /** Who changed it: a request, whose copy is saved at its end, or the refresher by itself. */
  readonly writer: Writer
  /** Whether the session had changed since the writer last loaded it. */
  readonly isRaced: boolean
}

export type Writer = 'refresher' | SavingRequest

export interface SavingRequest {
  /** Whether the app has changed the session, so that express-session saves it whatever the package does. */
  readonly isChangedByApp: boolean
  /** Whether the package has changed the session. It destroys it again after a logout. */
  readonly ended?: object
}

type Session = Record<string, unknown>

/** Sessions as an express-session store keeps them: whole, as JSON, the last write wins. */
export class SessionStore {
  faults: Faults = NO_FAULTS
  onChange: (id: string, session: Session | undefined, change: Change) => void = () => undefined
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
    /** The version that the last reply contained. Several calls may be on their way at once. */
    let loadedVersion = 0
    const write = (id: string, json: string | undefined, basedOn: number) => this.#write(id, json, { process, writer, isRaced: this.#version > basedOn })
    return {
      get: (id: string, done: (error?: unknown, session?: Session) => void) => {
        let version = 0
        const load = () => {
          version = this.#version
          return this.peek(id)
        }
        reach(load, (error, session) => {
          loadedVersion = version
          done(error, session)
        })
      },
      set: (id: string, session: object, done: (error?: unknown) => void) => {
        const json = JSON.stringify(session)
        // A later load, while this write is on its way, doesn't count.
        const basedOn = loadedVersion
        reach(() => write(id, json, basedOn), done)
      },
      destroy: (id: string, done: (error?: unknown) => void) => {
        const basedOn = loadedVersion
        reach(() => write(id, undefined, basedOn), done)
      }
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

  #write(id: string, json: string | undefined, change: Change): undefined {
    if (json === undefined) this.#sessions.delete(id)
    else this.#sessions.set(id, json)
    this.#world.note(() => `session store: ${json ?? `${id} destroyed`} by ${change.writer === 'refresher' ? 'the refresher' : 'a request'} of ${change.process.name}`)
    this.onChange(id, this.peek(id), change)
    this.#version++
  }

  #fate(): Fate {
    const { random } = this.#world
    const { sessionFailed, sessionLate, slow } = this.faults
    const quick = () => random.between(0.1, 3)
    if (random.chance(sessionFailed)) {
      const error = { after: random.between(0, 300), reason: () => new Error('The session store failed.') }
      return random.pick([{ error }, { error, there: random.between(0, error.after) }])
    }
    if (random.chance(sessionLate)) return { there: random.pick([quick(), random.between(0, 8000)]), back: random.between(0, 8000) }
    if (random.chance(slow)) return { there: random.between(0, 500), back: random.between(0, 500) }
    return { there: quick(), back: quick() }
  }
}
