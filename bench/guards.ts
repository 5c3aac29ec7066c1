import { App } from './app.ts'
import type { ContenderName } from './contenders.ts'
import { turned } from './logins.ts'
import type { Provider } from './provider.ts'
import { ratios, spreadOf, type Spread } from './statistics.ts'

/** A guarded request with a live token. */

const CONTENDERS: readonly ContenderName[] = ['isAuthenticated()', 'requireLogin()', 'requireLogin() and fresh()', 'requireLogin() and fresh(), encrypted', 'express-openid-connect']

export interface GuardFigures {
  /** µs of CPU in the app's process for a request. */
  readonly cpu: Spread
  readonly cpuAgainstIsAuthenticated: Spread
}

export async function measureGuards(provider: Provider, { rounds, requests }: { rounds: number; requests: number }): Promise<Record<string, GuardFigures>> {
  const apps = new Map<ContenderName, App>()
  for (const name of CONTENDERS) apps.set(name, await App.start(name, provider))
  const visitors = new Map(await Promise.all([...apps].map(async ([name, app]) => [name, await app.logIn()] as const)))
  const visits = (name: ContenderName, app: App) => app.measure(requests, async () => visitors.get(name)?.visit())
  for (const [name, app] of apps) await visits(name, app)

  const measured = new Map<ContenderName, number[]>(CONTENDERS.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, app] of turned(apps, round)) measured.get(name)?.push((await visits(name, app)).cpu)
  }
  for (const app of apps.values()) app.stop()
  const plain = measured.get('isAuthenticated()') ?? []
  return Object.fromEntries([...measured].map(([name, cpu]) => [name, { cpu: spreadOf(cpu), cpuAgainstIsAuthenticated: ratios(cpu, plain) }]))
}
