import { App } from './app.ts'
import type { Provider } from './provider.ts'
import { ratios, spreadOf, type Spread } from './statistics.ts'
import { rotated } from './rotated.ts'

/** The cost of a guarded request with a valid token. */

export interface GuardFigures {
  /** µs of CPU in the app's process per request. */
  readonly cpu: Spread
  readonly cpuAgainstIsAuthenticated: Spread
}

interface Guard {
  readonly app: 'guards' | 'express-openid-connect'
  readonly page: string
  /** A prefix for the paths of the login and the callback. */
  readonly login?: string
}

const GUARDS = {
  'isAuthenticated()': { app: 'guards', page: '/isAuthenticated' },
  'requireLogin()': { app: 'guards', page: '/requireLogin' },
  'requireLogin() and fresh()': { app: 'guards', page: '/fresh' },
  'requireLogin() and fresh(), encrypted': { app: 'guards', page: '/sealed/fresh', login: '/sealed' },
  "express-openid-connect's requiresAuth()": { app: 'express-openid-connect', page: '/account' }
} satisfies Record<string, Guard>
type GuardName = keyof typeof GUARDS

export async function measureGuards(provider: Provider, { rounds, requests }: { rounds: number; requests: number }): Promise<Record<string, GuardFigures>> {
  const apps = { guards: await App.start('guards', provider), 'express-openid-connect': await App.start('express-openid-connect', provider) }
  const visits = new Map<GuardName, (times: number) => Promise<number>>()
  for (const [name, guard] of Object.entries<Guard>(GUARDS)) {
    const app = apps[guard.app]
    const visitor = await app.logIn(guard.login)
    visits.set(name as GuardName, async (times) => (await app.measure(times, () => visitor.visit(guard.page))).cpu)
  }
  for (const visit of visits.values()) await visit(5000)

  const measured = new Map<GuardName, number[]>([...visits.keys()].map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, visit] of rotated(visits, round)) measured.get(name)?.push(await visit(requests))
  }
  for (const app of Object.values(apps)) app.stop()
  const plain = measured.get('isAuthenticated()') ?? []
  return Object.fromEntries([...measured].map(([name, cpu]) => [name, { cpu: spreadOf(cpu), cpuAgainstIsAuthenticated: ratios(cpu, plain) }]))
}
