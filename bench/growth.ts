import passport from 'passport'
import { App } from './app.ts'
import type { Provider } from './provider.ts'
import { ratios, spreadOf, type Spread } from './statistics.ts'
import { Visitor } from './visitor.ts'

/** How the cost of a login grows with the number of sessions, and memory with the number of unfinished logins. */

const SESSIONS = [1, 1000, 100_000]
const LOGINS = 400
/** Logins before the first measurement. */
const WARM_UP = 6000
/** Logins between two rounds. */
const SETTLING = 2000
/** Logins that are never finished. */
const ABANDONED = 100_000

export interface GrowthFigures {
  /** µs of CPU for a whole login, by the number of existing sessions. */
  readonly cpuPerLogin: Readonly<Record<number, Spread>>
  /** The same, relative to a login with one session. */
  readonly cpuAgainstOneSession: Readonly<Record<number, Spread>>
  /** Bytes of heap for each login that was started and never finished. */
  readonly heapPerAbandonedLogin: number
  /** Bytes that one more pending login adds to the JSON of a session. */
  readonly bytesPerPendingLogin: number
}

export async function measureGrowth(provider: Provider, { rounds }: { rounds: number }): Promise<GrowthFigures> {
  const app = await App.start('growing', provider)
  // Garbage collection discards compiled code, so it comes before the warm-up.
  await app.cost('collect')
  await app.measure(WARM_UP, () => visitAfterLogin(app))
  const readings = new Map<number, number[]>(SESSIONS.map((sessions) => [sessions, []]))
  // All sizes are measured in one process and in several rounds, because processes differ, and change over time.
  for (let round = 0; round < rounds; round++) {
    await forgetSessions(app)
    // The deleted sessions are garbage-collected during these logins, so that the first measurement does not include it.
    await app.measure(SETTLING, () => visitAfterLogin(app))
    await forgetSessions(app)
    let sessions = 0
    for (const [target, cpu] of readings) {
      await abandonLogins(app, target - sessions)
      cpu.push((await app.measure(LOGINS, () => visitAfterLogin(app))).cpu)
      sessions = target + LOGINS
    }
  }
  await forgetSessions(app)
  const { heap: heapEmpty } = await app.cost('collect')
  await abandonLogins(app, ABANDONED)
  const { heap } = await app.cost('collect')
  app.stop()
  const alone = readings.get(1) ?? []
  const each = (figure: (cpu: readonly number[]) => Spread) => Object.fromEntries([...readings].map(([sessions, cpu]) => [sessions, figure(cpu)]))
  return {
    cpuPerLogin: each(spreadOf),
    cpuAgainstOneSession: each((cpu) => ratios(cpu, alone)),
    heapPerAbandonedLogin: Math.round((heap - heapEmpty) / ABANDONED),
    bytesPerPendingLogin: await bytesPerPendingLogin()
  }
}

async function forgetSessions(app: App): Promise<void> {
  await new Visitor(app.url).get('/forget', 'POST')
}

async function abandonLogins(app: App, times: number): Promise<void> {
  await app.measure(Math.max(0, times), () => new Visitor(app.url).get(app.loginPath))
}

async function visitAfterLogin(app: App): Promise<void> {
  const visitor = await app.logIn()
  await visitor.visit()
}

async function bytesPerPendingLogin(): Promise<number> {
  const { TwilioStrategy } = await import('passport-twilio')
  const options = { clientID: `OQ${'b'.repeat(32)}`, clientSecret: 'a secret', callbackURL: 'http://localhost/callback' }
  const strategy = new TwilioStrategy(options, (_accessToken, _refreshToken, _profile, done) => done(null, {}))
  const session = {}
  const authenticate = new passport.Passport().use(strategy).authenticate('twilio') as (req: object, res: object, next: () => void) => void
  const sizes: number[] = []
  for (let login = 0; login < 3; login++) {
    await new Promise<void>((resolve) => {
      authenticate({ method: 'GET', url: '/', headers: {}, session, sessionID: 'x' }, { setHeader: () => undefined, end: resolve }, resolve)
    })
    sizes.push(JSON.stringify(session).length)
  }
  return (sizes[2] ?? 0) - (sizes[1] ?? 0)
}
