import type { Clock } from '../../lib/util/clock'
import type { Random } from './random'

/** Epoch ms at which each schedule begins. */
const EPOCH = Date.UTC(2030, 0)
/** No schedule needs as many; one that has more never comes to an end. */
const MAX_EVENTS = 20_000

/** In an event loop that stood still, timers run before what has arrived from outside. */
type Kind = 'timer' | 'io'

interface Event {
  /** When it happens, in ms since the beginning. */
  at: number
  /** When it would have happened, had its process not stood still. */
  readonly due: number
  readonly kind: Kind
  /** Whose event loop runs it. Missing for what happens elsewhere. */
  readonly process: SimulatedProcess | undefined
  readonly run: () => void
}

/** Virtual time, and what is still to happen in it. */
export class World {
  /** ms since the beginning. */
  now = 0
  readonly random: Random
  readonly #trace: string[] | undefined
  /** In order, the next one last. */
  readonly #events: Event[] = []

  constructor(random: Random, trace?: string[]) {
    this.random = random
    this.#trace = trace
  }

  /** Runs a function after so many ms, in the event loop of a process where one is given. */
  after(ms: number, run: () => void, process?: SimulatedProcess, kind: Kind = 'io'): void {
    const at = this.now + Math.max(0, ms)
    this.#insert({ at, due: at, kind, process, run })
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** Lets everything happen that is pending, and what comes of it. */
  async runUntilQuiet(): Promise<void> {
    for (let count = 0; ; count++) {
      const event = this.#events.pop()
      if (!event) return
      if (count > MAX_EVENTS) throw new Error('The schedule never comes to an end.')
      const { process } = event
      if (process?.isGone) continue
      if (process && process.stalledUntil > event.at) {
        event.at = process.stalledUntil
        this.#insert(event)
        continue
      }
      this.now = event.at
      event.run()
      await microtasks()
    }
  }

  note(message: () => string): void {
    this.#trace?.push(`${this.now.toFixed(1).padStart(9)} ms  ${message()}`)
  }

  #insert(event: Event): void {
    let low = 0
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#events[middle]
      if (other && isBefore(event, other)) low = middle + 1
      else high = middle
    }
    this.#events.splice(low, 0, event)
  }
}

function isBefore(one: Event, other: Event): boolean {
  if (one.at !== other.at) return one.at < other.at
  if (one.kind !== other.kind) return one.kind === 'timer'
  return one.due < other.due
}

/** Resolves when all promises that can go on without another event have done so. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)))
}

/** A process of the app, whose event loop may stand still, and which may disappear. */
export class SimulatedProcess {
  readonly name: string
  readonly clock: Clock
  isGone = false
  /** When its event loop goes on, in ms since the beginning. */
  stalledUntil = 0
  /** How far its wall clock is off, in ms. */
  clockOffset: number
  onGone: () => void = () => undefined
  readonly #world: World
  readonly #stalls: { readonly from: number; readonly until: number }[] = []

  constructor(world: World, name: string, clockOffset: number) {
    this.#world = world
    this.name = name
    this.clockOffset = clockOffset
    // As with performance.now(), each process counts from a moment of its own.
    const start = world.random.between(0, 1e6)
    this.clock = {
      now: () => EPOCH + world.now + this.clockOffset,
      elapsed: () => start + world.now,
      sleep: (ms) => new Promise((resolve) => world.after(ms, resolve, this, 'timer'))
    }
  }

  /** Nothing runs in this process for so many ms. */
  stall(ms: number): void {
    const from = this.#world.now
    this.stalledUntil = Math.max(this.stalledUntil, from + ms)
    this.#stalls.push({ from, until: this.stalledUntil })
    this.#world.note(() => `${this.name} stands still for ${ms.toFixed(0)} ms`)
  }

  /** The longest time that it has stood still since a moment, in ms. */
  longestStallSince(moment: number): number {
    return Math.max(0, ...this.#stalls.filter(({ until }) => until > moment).map(({ from, until }) => until - from))
  }

  disappear(): void {
    this.isGone = true
    this.#world.note(() => `${this.name} is gone`)
    this.onGone()
  }
}
