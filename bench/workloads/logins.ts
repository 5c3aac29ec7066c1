import { App } from '../app.ts'
import { PEERS, type PeerName } from '../contenders/index.ts'
import { Provider } from '../provider.ts'
import { inGenerations, inRounds } from '../rounds.ts'
import { ratioOf, spreadOf, type Ratio, type Spread } from '../statistics.ts'
import { Visitor } from '../visitor.ts'

/** How much server CPU a whole login costs. */

export interface LoginSizes {
  /** How often each contender gets a new process. */
  readonly generations: number
  /** Logins in each process before the first measurement, because Node optimizes code several times before it is stable. */
  readonly warmUp: number
  readonly rounds: number
  /** Logins per round. */
  readonly logins: number
}

export interface LoginFigures {
  /** µs of CPU in the app's process for a whole login. */
  readonly cpu: Spread
  /** The same for the parts of a login, in µs. */
  readonly parts: Readonly<Record<Part, Spread>>
  readonly againstPassportOAuth2: Ratio
}

const PARTS = ['redirect', 'callback', 'first page'] as const
type Part = (typeof PARTS)[number]
/** µs of CPU per login. */
export type LoginCost = Readonly<Record<Part, number>>

export async function measureLogins({ generations, warmUp, rounds, logins }: LoginSizes): Promise<Record<PeerName, LoginFigures>> {
  const provider = await Provider.start()
  const costs = await inGenerations(generations, async () => {
    const apps = new Map<PeerName, App>()
    for (const name of PEERS) apps.set(name, await App.start(name, provider))
    await inRounds(Math.ceil(warmUp / logins), apps, (app) => costOfLogins(app, logins))
    const measured = await inRounds(rounds, apps, (app) => costOfLogins(app, logins))
    for (const app of apps.values()) await app.stop()
    return measured
  })
  await provider.stop()
  const costsOf = (name: PeerName) => costs.get(name) ?? []
  const cpuOf = (name: PeerName) => costsOf(name).map((costsOfRounds) => costsOfRounds.map(wholeLogin))
  const figures = PEERS.map((name): [PeerName, LoginFigures] => [
    name,
    {
      cpu: spreadOf(cpuOf(name).flat()),
      parts: Object.fromEntries(PARTS.map((part) => [part, spreadOf(costsOf(name).flat().map((cost) => cost[part]))])) as Record<Part, Spread>,
      againstPassportOAuth2: ratioOf(cpuOf(name), cpuOf('passport-oauth2'))
    }
  ])
  return Object.fromEntries(figures) as Record<PeerName, LoginFigures>
}

export function wholeLogin(cost: LoginCost): number {
  return PARTS.reduce((sum, part) => sum + cost[part], 0)
}

export async function costOfLogins(app: App, logins: number): Promise<LoginCost> {
  const visitors = Array.from({ length: logins }, () => ({ visitor: new Visitor(app.url), callback: '' }))
  const cpuOf = (task: (login: (typeof visitors)[number]) => Promise<void>) =>
    app.cpuOf(logins, async (index) => {
      const login = visitors[index]
      if (login) await task(login)
    })
  return {
    redirect: await cpuOf(async (login) => {
      login.callback = await app.beginLogin(login.visitor)
    }),
    callback: await cpuOf(({ visitor, callback }) => visitor.finish(callback)),
    'first page': await cpuOf(({ visitor }) => visitor.visit())
  }
}
