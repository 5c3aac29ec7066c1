import { App } from '../app.ts'
import { HERE } from '../package.ts'
import { Provider } from '../provider.ts'
import { inGenerations, inRounds } from '../rounds.ts'
import { ratioOf, spreadOf, type Ratio, type Spread } from '../statistics.ts'
import { costOfLogins, wholeLogin, type LoginSizes } from './logins.ts'
import type { GuardSizes } from './guards.ts'
import { withBuildOf } from '../build-of.ts'

/** What a login and a guarded request cost in this checkout, compared with another commit. */

export interface AgainstFigures {
  readonly login: ComparisonFigures
  readonly 'guarded request': ComparisonFigures
}

interface ComparisonFigures {
  /** µs of CPU in the app's process. */
  readonly before: Spread
  readonly now: Spread
  readonly ratio: Ratio
}

interface Cost {
  readonly login: number
  readonly guarded: number
}
type Name = 'before' | 'now'

export async function measureAgainst(ref: string, { logins, guards }: { logins: LoginSizes; guards: GuardSizes }): Promise<AgainstFigures> {
  return withBuildOf(ref, async (folder) => {
    const provider = await Provider.start()
    const costs = await inGenerations(logins.generations, async () => {
      const apps = new Map<Name, App>()
      for (const [name, packageFolder] of [['before', folder], ['now', HERE]] as const) apps.set(name, await App.start('passport-twilio v1', { issuer: provider.issuer, packageFolder }))
      const measure = async (app: App): Promise<Cost> => {
        const login = wholeLogin(await costOfLogins(app, logins.logins))
        const visitor = await app.logIn()
        return { login, guarded: await app.cpuOf(guards.requests, () => visitor.visit()) }
      }
      await inRounds(Math.ceil(logins.warmUp / logins.logins), apps, measure)
      const measured = await inRounds(logins.rounds, apps, measure)
      for (const app of apps.values()) await app.stop()
      return measured
    })
    await provider.stop()
    const compare = (figure: (cost: Cost) => number): ComparisonFigures => {
      const figures = (name: Name) => (costs.get(name) ?? []).map((measured) => measured.map(figure))
      return { before: spreadOf(figures('before').flat()), now: spreadOf(figures('now').flat()), ratio: ratioOf(figures('now'), figures('before')) }
    }
    return { login: compare(({ login }) => login), 'guarded request': compare(({ guarded }) => guarded) }
  })
}
