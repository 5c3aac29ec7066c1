import type { Faults } from './faults'
import type { SimulatedProcess, World } from './world'

/** What becomes of a call to another machine. Times are in ms. */
export interface Fate {
  /** How long the call takes to be carried out. Missing: it never is. */
  readonly there?: number | undefined
  /** How long the reply takes after that. Missing: there is none. */
  readonly back?: number | undefined
  /** The error that the caller gets, unless there is a reply first. */
  readonly error?: { readonly after: number; readonly reason: () => Error; readonly isTimer?: boolean } | undefined
}

/** Calls another machine from a process. What arrives there happens, whatever becomes of the process. */
export function call<Reply>(world: World, process: SimulatedProcess, { there, back, error }: Fate, perform: () => Promise<Reply>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (error) world.after(error.after, () => reject(error.reason()), process, error.isTimer ? 'timer' : 'io')
    if (there === undefined) return
    world.after(there, () => {
      perform().then(
        (reply) => {
          if (back !== undefined) world.after(back, () => resolve(reply), process)
        },
        (reason: unknown) => {
          if (back !== undefined) world.after(back, () => reject(reason), process)
        }
      )
    })
  })
}

/** What may happen to a process just after it has sent something. */
export function disturb(world: World, process: SimulatedProcess, { stall, freeze, crash }: Faults): void {
  const { random } = world
  if (random.chance(crash)) process.disappear()
  else if (random.chance(freeze)) process.stall(random.between(3000, 40_000))
  else if (random.chance(stall)) process.stall(random.between(10, 2000))
}
