import { setTimeout as pause } from 'node:timers/promises'
import { PROTOTYPE_PATH } from './app'
import type { AppHost, HostedApp } from './app-host'
import type { ReportedError } from './app-process'
import { leaksIn } from './leaks'
import { Provider } from './provider'
import type { Account, ContenderName, Row, Visit } from './row'
import { Visitor, type ReceivedResponse } from './visitor'

/** The result of running a row. */
export interface Observed {
  /** The response to check, or why there was none. */
  readonly response: ReceivedResponse | string
  /** The visitor's account after that, if they are logged in. */
  readonly account: Account | undefined
  readonly errors: readonly ReportedError[]
  readonly isAlive: boolean
  /** The result of another visitor's login after that. */
  readonly nextLogin: string
  /** The names of changed properties of `Object.prototype`; empty unless a prototype was polluted. */
  readonly changedPrototype: string
  /** The places where a secret was found. */
  readonly leaks: readonly string[]
}

export const WORKS = 'logged in'

/** ms; long enough for a slow machine. Rows about timeouts set their own. */
const TIMEOUT = 8000

export async function runRow(row: Row, host: AppHost, contender: ContenderName, apiVersion: 'v1' | 'v2', maxWait?: number): Promise<Observed> {
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
      const visitor = new Visitor(url, maxWait)
      visitors.push(visitor)
      return visitor
    }
    const visitor = visitorOf(app)
    provider.fault = row.fault
    const visit: Visit = { visitor, provider, stranger: () => visitorOf(app) }
    const response = await (row.fault.visit ?? logIn)(visit).catch((error: unknown) => String(error))
    // If the process is crashing, its connections may close before it exits.
    if (typeof response === 'string') await pause(PAUSE)
    const account = await accountOf(visitor)
    const changedPrototype = await changedPrototypeIn(visitor)
    provider.fault = {}
    // These faults are part of the app's setup, so the next login uses a correct app in the same process.
    const cannotRecover = settings.tokenServer !== undefined || settings.session === 'none'
    const next = cannotRecover && host.isAlive ? await open(false) : app
    const nextLogin = await tryLogin(provider, () => visitorOf(next))
    const leaks = leaksIn(provider.secrets, {
      'the output of the process': [host.output],
      'an error': app.errors.map(({ printed }) => printed),
      'a response to the visitor': visitors.flatMap(({ responses }) => responses.map(({ headers, body }) => `${JSON.stringify(headers)}\n${body}`))
    })
    for (const one of new Set([app, next])) one.close()
    return { response, account, errors: app.errors, isAlive: host.isAlive, nextLogin, changedPrototype, leaks }
  } finally {
    await provider.stop()
  }
}

/** Logs in. Returns the response to the callback, or to the login route if that is not a redirect. */
export async function logIn({ visitor, provider }: Pick<Visit, 'visitor' | 'provider'>): Promise<ReceivedResponse> {
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

/** If the app can no longer respond, the next login reports that. */
async function changedPrototypeIn(visitor: Visitor): Promise<string> {
  try {
    return (await visitor.get(PROTOTYPE_PATH)).body
  } catch {
    return ''
  }
}

const MAX_ATTEMPTS = 4
/** ms. Keys are fetched at most once a second, so several attempts must take longer than that. */
const PAUSE = 500

/** On a slow machine, even a correct login may exceed a row's short timeout, so it is retried. */
async function tryLogin(provider: Provider, newVisitor: () => Visitor): Promise<string> {
  let failure = ''
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const visitor = newVisitor()
    try {
      const { status, body } = await logIn({ visitor, provider })
      if (await accountOf(visitor)) return WORKS
      failure = `status ${status} ${body}`
    } catch (error) {
      failure = String(error)
    }
    await pause(PAUSE)
  }
  return failure
}
