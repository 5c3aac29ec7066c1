import { setTimeout as pause } from 'node:timers/promises'
import { PROTOTYPE_PATH } from './app'
import type { AppHost, HostedApp } from './app-host'
import type { ToldError } from './app-process'
import { leaksIn } from './leaks'
import { Provider } from './provider'
import type { Account, ContenderName, Row, Visit } from './row'
import { Visitor, type Seen } from './visitor'

/** What came of a row. */
export interface Observed {
  /** The answer that counts; or why there was none. */
  readonly answer: Seen | string
  /** Who the visitor is to the app after that. */
  readonly account: Account | undefined
  readonly errors: readonly ToldError[]
  readonly isAlive: boolean
  /** How somebody else's login went after that. */
  readonly afterwards: string
  /** What every object of the process has inherited since then, by name: nothing, in a good one. */
  readonly inherited: string
  /** Where a secret of this row was found. */
  readonly leaks: readonly string[]
}

export const WORKS = 'logged in'

/** Long enough for a busy machine; rows about deadlines have their own. */
const TIMEOUT = 8000

export async function runRow(row: Row, host: AppHost, contender: ContenderName, apiVersion: 'v1' | 'v2', patience?: number): Promise<Observed> {
  const { settings = {} } = row
  const provider = await Provider.start(settings.tokenServer)
  const open = (withFault: boolean) =>
    host.open({
      contender,
      apiVersion,
      issuer: provider.url,
      clientID: provider.clientID,
      clientSecret: provider.clientSecret,
      jwksURL: provider.jwksURL,
      tokenURL: withFault ? provider.tokenURL : undefined,
      timeout: settings.timeout ?? TIMEOUT,
      session: withFault ? (settings.session ?? 'memory') : 'memory',
      tokenSecret: settings.tokenSecret,
      strategy: settings.strategy?.(provider) ?? {},
      checksSignature: settings.checksSignature ?? false
    })
  try {
    const app = await open(true)
    const visitors: Visitor[] = []
    const visitorOf = ({ url }: HostedApp) => {
      const visitor = new Visitor(url, patience)
      visitors.push(visitor)
      return visitor
    }
    const visitor = visitorOf(app)
    provider.fault = row.fault
    const visit: Visit = { visitor, provider, stranger: () => visitorOf(app) }
    const answer = await (row.fault.visit ?? logIn)(visit).catch((error: unknown) => String(error))
    // A process that is about to die may still close its connections first.
    if (typeof answer === 'string') await pause(PAUSE)
    const account = await accountOf(visitor)
    const inherited = await inheritedIn(visitor)
    provider.fault = {}
    // A fault that lies in where things are cannot be taken back: the same process logs in with them put right.
    const cannotRecover = settings.tokenServer !== undefined || settings.session === 'none'
    const next = cannotRecover && host.isAlive ? await open(false) : app
    const afterwards = await logsIn(provider, () => visitorOf(next))
    const leaks = leaksIn(provider.secrets, {
      'the output of the process': [host.output],
      'an error': app.errors.map(({ told }) => told),
      'an answer to the visitor': visitors.flatMap(({ seen }) => seen.map(({ headers, body }) => `${JSON.stringify(headers)}\n${body}`))
    })
    for (const one of new Set([app, next])) one.close()
    return { answer, account, errors: app.errors, isAlive: host.isAlive, afterwards, inherited, leaks }
  } finally {
    await provider.stop()
  }
}

/** A whole login, as far as it goes. */
export async function logIn({ visitor, provider }: Pick<Visit, 'visitor' | 'provider'>): Promise<Seen> {
  const begun = await visitor.get('/login')
  const { location } = begun.headers
  return begun.status === 302 && location !== undefined ? visitor.get(provider.approve(location)) : begun
}

async function accountOf(visitor: Visitor): Promise<Account | undefined> {
  try {
    const { status, body } = await visitor.get('/account', { headers: { Accept: 'application/json' } })
    return status === 200 ? (JSON.parse(body) as Account) : undefined
  } catch {
    return undefined
  }
}

/** An app that cannot even say so any more is told by its next login. */
async function inheritedIn(visitor: Visitor): Promise<string> {
  try {
    return (await visitor.get(PROTOTYPE_PATH)).body
  } catch {
    return ''
  }
}

const TRIES = 4
/** ms; keys are asked for anew at most once a second. */
const PAUSE = 500

/** On a busy machine even a good login may be slower than a row's short deadline. */
async function logsIn(provider: Provider, newVisitor: () => Visitor): Promise<string> {
  let last = ''
  for (let tried = 0; tried < TRIES; tried++) {
    const visitor = newVisitor()
    try {
      const { status, body } = await logIn({ visitor, provider })
      if (await accountOf(visitor)) return WORKS
      last = `answered ${status} ${body}`
    } catch (error) {
      last = String(error)
    }
    await pause(PAUSE)
  }
  return last
}
