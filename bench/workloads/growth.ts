import { App } from '../app.ts'
import { Provider } from '../provider.ts'
import { inGenerations, inRounds } from '../rounds.ts'
import { ratioOf, spreadOf, type Ratio, type Spread } from '../statistics.ts'
import { Visitor } from '../visitor.ts'

/** Whether logins and guarded requests become slower as sessions accumulate, and how much memory a pending login takes. */

export interface GrowthSizes {
  readonly generations: number
  /** Number of sessions that accumulate. */
  readonly sessions: number
  /** Logins in each process before the first measurement. */
  readonly warmUpLogins: number
  readonly rounds: number
  /** Logins per round. */
  readonly logins: number
}

export interface GrowthFigures {
  readonly sessions: number
  readonly login: CostFigures
  readonly guardedRequest: CostFigures
  /** Bytes of heap for each login that was started and never finished. */
  readonly heapPerPendingLogin: number
}

interface CostFigures {
  /** µs of CPU, before the sessions accumulate. */
  readonly before: Spread
  /** µs of CPU, with the sessions. */
  readonly after: Spread
  readonly ratio: Ratio
}

interface Cost {
  readonly login: number
  readonly guardedRequest: number
}

/** One round of two processes. Sessions accumulate only in the first. The second shows how much the speed of the machine changes. */
type Round = readonly [growing: Cost, steady: Cost]
type Phase = 'before' | 'after'

/** Requests per login. */
const REQUESTS = 5
const PENDING_LOGINS = 20_000

export async function measureGrowth({ generations, sessions, warmUpLogins, rounds, logins }: GrowthSizes): Promise<GrowthFigures> {
  const provider = await Provider.start()
  const measured = await inGenerations(generations, async () => {
    const apps = [await App.start('growing', provider), await App.start('growing', provider)] as const
    const [growing] = apps
    const costAndForget = async (app: App) => {
      const cost = await costOf(app, logins)
      await forgetSessions(app)
      return cost
    }
    for (const app of apps) await warmUp(app, warmUpLogins)
    const before = await inTurn(rounds, apps, costAndForget)
    await beginLogins(growing, 1)
    await new Visitor(growing.url).get(`/copies/${sessions}`, 'POST')
    const after = await inTurn(rounds, apps, (app) => (app === growing ? costOf(app, logins) : costAndForget(app)))
    for (const app of apps) await app.stop()
    return new Map<Phase, Round[]>([['before', before], ['after', after]])
  })
  const heapPerPendingLogin = await heapOfPendingLogin(provider, warmUpLogins)
  await provider.stop()

  const figures = (name: keyof Cost): CostFigures => {
    const inPhase = (phase: Phase, figure: (round: Round) => number) => (measured.get(phase) ?? []).map((rounds) => rounds.map(figure))
    const ofGrowing = ([growing]: Round) => growing[name]
    const againstSteady = ([growing, steady]: Round) => growing[name] / steady[name]
    return {
      before: spreadOf(inPhase('before', ofGrowing).flat()),
      after: spreadOf(inPhase('after', ofGrowing).flat()),
      ratio: ratioOf(inPhase('after', againstSteady), inPhase('before', againstSteady))
    }
  }
  return { sessions, login: figures('login'), guardedRequest: figures('guardedRequest'), heapPerPendingLogin }
}

async function inTurn(rounds: number, [growing, steady]: readonly [App, App], cost: (app: App) => Promise<Cost>): Promise<Round[]> {
  const costs = await inRounds(rounds, new Map([['growing', growing], ['steady', steady]]), cost)
  const costsOfSteady = costs.get('steady') ?? []
  return (costs.get('growing') ?? []).flatMap((cost, round) => {
    const costOfSteady = costsOfSteady[round]
    return costOfSteady ? [[cost, costOfSteady] as const] : []
  })
}

async function warmUp(app: App, logins: number): Promise<void> {
  await costOf(app, logins)
  await beginLogins(app, PENDING_LOGINS)
  await forgetSessions(app)
}

async function costOf(app: App, logins: number): Promise<Cost> {
  const visitors: Visitor[] = []
  const login = await app.cpuOf(logins, async () => visitors.push(await app.logIn()))
  const guardedRequest = await app.cpuOf(logins * REQUESTS, async (index) => visitors[index % logins]?.visit())
  return { login, guardedRequest }
}

async function forgetSessions(app: App): Promise<void> {
  await new Visitor(app.url).get('/forget', 'POST')
}

async function beginLogins(app: App, times: number): Promise<void> {
  await app.cpuOf(times, () => app.beginLogin(new Visitor(app.url)))
}

async function heapOfPendingLogin(provider: Provider, warmUpLogins: number): Promise<number> {
  const app = await App.start('growing', provider)
  await warmUp(app, warmUpLogins)
  const { heap: heapBefore } = await app.cost({ collect: true })
  await beginLogins(app, PENDING_LOGINS)
  const { heap } = await app.cost({ collect: true })
  await app.stop()
  return Math.round((heap - heapBefore) / PENDING_LOGINS)
}
