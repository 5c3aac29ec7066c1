import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CERTIFICATE } from '../../test/support/certificate.ts'
import { App } from '../app.ts'
import { PEERS, type PeerName } from '../contenders/index.ts'
import { Provider } from '../provider.ts'
import { inRounds } from '../rounds.ts'
import { ratioOf, spreadOf, type Ratio, type Spread } from '../statistics.ts'
import { DistantProxy, ROUND_TRIP } from '../distant-proxy.ts'
import { Visitor } from '../visitor.ts'

/** How long a person waits for the callback if the provider is 40 ms away and uses TLS. */

export interface LatencySizes {
  readonly rounds: number
}

export interface LatencyFigures {
  /** ms of network delay per round trip. */
  readonly roundTrip: number
  readonly contenders: Readonly<Record<PeerName, Readonly<Record<Connection, CallbackFigures>>>>
}

export interface CallbackFigures {
  /** ms until the last redirect of the login. */
  readonly time: Spread
  readonly againstPassportOAuth2: Ratio
}

const CONNECTIONS = ['warm', 'cold'] as const
/** Whether there is a connection from a previous login. */
export type Connection = (typeof CONNECTIONS)[number]

export async function measureLatency({ rounds }: LatencySizes): Promise<LatencyFigures> {
  const provider = await Provider.start()
  const proxy = await DistantProxy.start(provider)
  await provider.set({ issuer: proxy.url })
  const folder = mkdtempSync(join(tmpdir(), 'passport-twilio-bench-'))
  const certificate = join(folder, 'ca.pem')
  writeFileSync(certificate, CERTIFICATE)

  const apps = new Map<PeerName, App>()
  for (const name of PEERS) apps.set(name, await App.start(name, { issuer: proxy.url, env: { NODE_EXTRA_CA_CERTS: certificate } }))
  const measureOnce = async (app: App): Promise<Record<Connection, number>> => {
    await proxy.closeConnections()
    const cold = await callbackTime(app)
    return { cold, warm: await callbackTime(app) }
  }
  await inRounds(3, apps, measureOnce)
  const times = await inRounds(rounds, apps, measureOnce)
  for (const app of apps.values()) await app.stop()
  await proxy.stop()
  await provider.stop()
  rmSync(folder, { recursive: true })

  const timesOf = (name: PeerName, connection: Connection) => (times.get(name) ?? []).map((time) => time[connection])
  const figuresOf = (name: PeerName, connection: Connection): CallbackFigures => ({
    time: spreadOf(timesOf(name, connection)),
    againstPassportOAuth2: ratioOf([timesOf(name, connection)], [timesOf('passport-oauth2', connection)])
  })
  const contenders = PEERS.map((name) => [name, Object.fromEntries(CONNECTIONS.map((connection) => [connection, figuresOf(name, connection)]))])
  return { roundTrip: ROUND_TRIP, contenders: Object.fromEntries(contenders) as LatencyFigures['contenders'] }
}

/** ms from the callback's request to the last redirect. */
async function callbackTime(app: App): Promise<number> {
  const visitor = new Visitor(app.url)
  const callback = await app.beginLogin(visitor)
  const started = performance.now()
  await visitor.finish(callback)
  return performance.now() - started
}
