import { App, type Measured } from './app.ts'
import type { ContenderName } from './contenders.ts'
import type { Provider } from './provider.ts'
import { ratios, spreadOf, type Spread } from './statistics.ts'
import { rotated } from './rotated.ts'
import { Visitor } from './visitor.ts'

/** The cost of a whole login, and of its parts. */

/** So close to each other that many measurements are needed to tell them apart. */
const CLOSE: readonly ContenderName[] = ['hand-written minimum', 'the minimum on Passport', 'passport-twilio v1', 'passport-twilio v2, PKCE', 'passport-oauth2']
const FURTHER_OFF: readonly ContenderName[] = ['grant', "openid-client's strategy", 'express-openid-connect']
const PARTS = ['login redirect', 'callback', 'first guarded page'] as const
type Part = (typeof PARTS)[number]

export interface LoginFigures {
  /** µs of CPU in the app's process for a whole login. */
  readonly cpu: Spread
  /** µs of wall time, eight at once. */
  readonly wall: Spread
  readonly parts: Readonly<Record<Part, Spread>>
  readonly cpuAgainstMinimum: Spread
  readonly cpuAgainstPassportOAuth2: Spread
}

interface Round {
  readonly parts: Readonly<Record<Part, Measured>>
}

const cpuOf = ({ parts }: Round) => PARTS.reduce((sum, part) => sum + parts[part].cpu, 0)
const wallOf = ({ parts }: Round) => PARTS.reduce((sum, part) => sum + parts[part].wall, 0)

export interface LoginSizes {
  /** How often each contender gets a new process, because the memory layout of a process affects the results. */
  readonly generations: number
  /** In how many of these generations the contenders in `FURTHER_OFF` are measured. */
  readonly generationsFurtherOff: number
  /** Logins in each process before the first measurement, because Node optimizes code several times before it is stable. */
  readonly warmUp: number
  readonly rounds: number
  /** Logins per round. */
  readonly logins: number
}

export async function measureLogins(provider: Provider, { generations, generationsFurtherOff, ...sizes }: LoginSizes): Promise<Record<string, LoginFigures>> {
  const measured = new Map<ContenderName, Round[]>([...CLOSE, ...FURTHER_OFF].map((name) => [name, []]))
  for (let generation = 0; generation < generations; generation++) {
    const contenders = generation < generationsFurtherOff ? [...measured.keys()] : CLOSE
    for (const [name, results] of await measureGeneration(provider, contenders, sizes)) measured.get(name)?.push(...results)
  }
  const cpu = (name: ContenderName) => (measured.get(name) ?? []).map(cpuOf)
  return Object.fromEntries(
    [...measured].map(([name, results]) => [
      name,
      {
        cpu: spreadOf(cpu(name)),
        wall: spreadOf(results.map(wallOf)),
        parts: Object.fromEntries(PARTS.map((part) => [part, spreadOf(results.map(({ parts }) => parts[part].cpu))])) as Record<Part, Spread>,
        cpuAgainstMinimum: ratios(cpu(name), cpu('hand-written minimum')),
        cpuAgainstPassportOAuth2: ratios(cpu(name), cpu('passport-oauth2'))
      }
    ])
  )
}

async function measureGeneration(
  provider: Provider,
  contenders: readonly ContenderName[],
  { warmUp, rounds, logins }: Pick<LoginSizes, 'warmUp' | 'rounds' | 'logins'>
): Promise<Map<ContenderName, Round[]>> {
  const apps = new Map<ContenderName, App>()
  for (const name of contenders) apps.set(name, await App.start(name, provider))
  for (let done = 0; done < warmUp; done += logins) for (const app of apps.values()) await measureRound(app, logins)

  const measured = new Map<ContenderName, Round[]>(contenders.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, app] of rotated(apps, round)) measured.get(name)?.push(await measureRound(app, logins))
  }
  for (const app of apps.values()) app.stop()
  return measured
}

async function measureRound(app: App, logins: number): Promise<Round> {
  const visitors = Array.from({ length: logins }, () => new Visitor(app.url))
  const callbacks: string[] = []
  const redirect = await app.measure(logins, async (index) => {
    const { location } = (await visitors[index]?.get(app.loginPath)) ?? { location: '' }
    callbacks[index] = app.callbackOf(location)
  })
  const callback = await app.measure(logins, async (index) => visitors[index]?.finish(callbacks[index] ?? ''))
  const page = await app.measure(logins, async (index) => visitors[index]?.visit())
  return { parts: { 'login redirect': redirect, callback, 'first guarded page': page } }
}
