import { App } from '../app.ts'
import { Provider } from '../provider.ts'
import { inGenerations, inRounds } from '../rounds.ts'
import { ratioOf, spreadOf, type Ratio, type Spread } from '../statistics.ts'

/** What a guarded request costs while its access token is valid. */

export interface GuardSizes {
  readonly generations: number
  readonly warmUp: number
  readonly rounds: number
  /** Requests per round. */
  readonly requests: number
}

export interface GuardFigures {
  /** µs of CPU in the app's process per request. */
  readonly cpu: Spread
  readonly againstIsAuthenticated: Ratio
}

/** Pages of the app, and the prefix of the login for each. */
const GUARDS = {
  'isAuthenticated()': { page: '/guarded/isAuthenticated', login: '/fresh' },
  'requireLogin()': { page: '/guarded/requireLogin', login: '/fresh' },
  'requireLogin() and fresh()': { page: '/guarded/fresh', login: '/fresh' },
  'requireLogin() and fresh(), encrypted': { page: '/guarded/encrypted', login: '/encrypted' }
} as const
export type GuardName = keyof typeof GUARDS
const NAMES = Object.keys(GUARDS) as GuardName[]

export async function measureGuards({ generations, warmUp, rounds, requests }: GuardSizes): Promise<Record<GuardName, GuardFigures>> {
  const provider = await Provider.start()
  const cpu = await inGenerations(generations, async () => {
    const app = await App.start('guards', provider)
    const visits = new Map<GuardName, () => Promise<void>>()
    for (const name of NAMES) {
      const { page, login } = GUARDS[name]
      const visitor = await app.logIn(login)
      visits.set(name, () => visitor.visit(page))
    }
    await inRounds(Math.ceil(warmUp / requests), visits, (visit) => app.cpuOf(requests, visit))
    const measured = await inRounds(rounds, visits, (visit) => app.cpuOf(requests, visit))
    await app.stop()
    return measured
  })
  await provider.stop()
  const cpuOf = (name: GuardName) => cpu.get(name) ?? []
  const figures = NAMES.map((name): [GuardName, GuardFigures] => [name, { cpu: spreadOf(cpuOf(name).flat()), againstIsAuthenticated: ratioOf(cpuOf(name), cpuOf('isAuthenticated()')) }])
  return Object.fromEntries(figures) as Record<GuardName, GuardFigures>
}
