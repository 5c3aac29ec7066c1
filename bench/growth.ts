import passport from 'passport'
import { App } from './app.ts'
import type { Provider } from './provider.ts'
import { spreadOf, type Spread } from './statistics.ts'
import { Visitor } from './visitor.ts'

/** What becomes of the cost of a login as sessions add up, and of memory when nobody finishes theirs. */

const SESSIONS = [1, 1000, 100_000]
const LOGINS = 200
/** Logins before the first reading, whose sessions are forgotten. */
const WARM_UP = 4000

export interface GrowthFigures {
  /** µs of CPU for a whole login when there are so many sessions already. */
  readonly cpuPerLogin: Readonly<Record<number, Spread>>
  /** Bytes of heap for each login that was begun and never finished. */
  readonly heapPerAbandonedLogin: number
  /** Bytes that one more pending login takes in the JSON of a session. */
  readonly bytesPerPendingLogin: number
}

export async function measureGrowth(provider: Provider, { rounds }: { rounds: number }): Promise<GrowthFigures> {
  const app = await App.start('growing', provider)
  // A collection throws compiled code away, so it comes before the warm-up.
  const { heap: heapBefore } = await app.cost('collect')
  await app.measure(WARM_UP, () => visitAfterLogin(app))
  await new Visitor(app.url).get('/forget', 'POST')
  let sessions = 0
  const cpuPerLogin: Record<number, Spread> = {}
  let abandoned = 0
  for (const wanted of SESSIONS) {
    const missing = Math.max(0, wanted - sessions)
    await app.measure(missing, () => new Visitor(app.url).get(app.loginPath))
    sessions += missing
    abandoned += missing
    const readings: number[] = []
    for (let round = 0; round < rounds; round++) readings.push((await app.measure(LOGINS, () => visitAfterLogin(app))).cpu)
    sessions += rounds * LOGINS
    cpuPerLogin[wanted] = spreadOf(readings)
  }
  const { heap } = await app.cost('collect')
  app.stop()
  return { cpuPerLogin, heapPerAbandonedLogin: Math.round((heap - heapBefore) / abandoned), bytesPerPendingLogin: await bytesPerPendingLogin() }
}

async function visitAfterLogin(app: App): Promise<void> {
  const visitor = await app.logIn()
  await visitor.visit()
}

/** What the session's JSON grows by with one more login that waits. */
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
