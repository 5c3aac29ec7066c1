import { App } from '../app.ts'
import { Provider } from '../provider.ts'
import { ratioOf, spreadOf, type Ratio, type Spread } from '../statistics.ts'
import { Visitor } from '../visitor.ts'

/** Whether logins and guarded requests become slower as sessions accumulate, and how much memory a session takes. */

export interface GrowthSizes {
  /** How often the sessions are deleted and grow again. */
  readonly times: number
  readonly sessions: readonly number[]
  readonly warmUp: number
  /** Measurements per number of sessions. */
  readonly rounds: number
  /** Logins per measurement. */
  readonly logins: number
}

export interface GrowthFigures {
  /** By the number of sessions. */
  readonly bySessions: Readonly<Record<number, CostFigures>>
  /** Bytes of heap for each login that was started and never finished. */
  readonly heapPerPendingLogin: number
}

interface CostFigures {
  /** µs of CPU. */
  readonly login: Spread
  readonly guardedRequest: Spread
  /** Compared with a single session. */
  readonly loginRatio: Ratio
  readonly guardedRequestRatio: Ratio
}

interface Cost {
  readonly login: number
  readonly guardedRequest: number
}

/** Requests per login. */
const REQUESTS = 5
const PENDING_LOGINS = 20_000

export async function measureGrowth({ times, sessions, warmUp, rounds, logins }: GrowthSizes): Promise<GrowthFigures> {
  const provider = await Provider.start()
  const app = await App.start('growing', provider)
  // Garbage collection discards compiled code, so it comes before the warm-up.
  await app.cost({ collect: true })
  await costOf(app, warmUp)
  const readings = new Map<number, Cost[][]>(sessions.map((count) => [count, []]))
  // All sizes are measured in one process and in turn, because processes differ, and change over time.
  for (let time = 0; time < times; time++) {
    await forgetSessions(app)
    // The deleted sessions are garbage-collected during these logins.
    await costOf(app, warmUp)
    await forgetSessions(app)
    let existing = 0
    for (const [count, costs] of readings) {
      await abandonLogins(app, count - existing)
      const measured: Cost[] = []
      while (measured.length < rounds) measured.push(await costOf(app, logins))
      costs.push(measured)
      existing = count + rounds * logins
    }
  }
  const heapPerPendingLogin = await heapOfPendingLogin(app)
  await app.stop()
  await provider.stop()

  const figuresOf = (name: keyof Cost, count: number | undefined) => (readings.get(count ?? NaN) ?? []).map((measured) => measured.map((cost) => cost[name]))
  const bySessions = sessions.map((count): [number, CostFigures] => [
    count,
    {
      login: spreadOf(figuresOf('login', count).flat()),
      guardedRequest: spreadOf(figuresOf('guardedRequest', count).flat()),
      loginRatio: ratioOf(figuresOf('login', count), figuresOf('login', sessions[0])),
      guardedRequestRatio: ratioOf(figuresOf('guardedRequest', count), figuresOf('guardedRequest', sessions[0]))
    }
  ])
  return { bySessions: Object.fromEntries(bySessions), heapPerPendingLogin }
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

async function abandonLogins(app: App, times: number): Promise<void> {
  await app.cpuOf(Math.max(0, times), () => app.beginLogin(new Visitor(app.url)))
}

async function heapOfPendingLogin(app: App): Promise<number> {
  await forgetSessions(app)
  const { heap: heapBefore } = await app.cost({ collect: true })
  await abandonLogins(app, PENDING_LOGINS)
  const { heap } = await app.cost({ collect: true })
  return Math.round((heap - heapBefore) / PENDING_LOGINS)
}
