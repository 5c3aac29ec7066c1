import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { CONTENDERS, type ContenderName } from './contenders/index.ts'
import type { Contender } from './contenders/contender.ts'
import { loadPackage } from './package.ts'
import { openStores, type StoreSettings } from './stores.ts'

/** Runs a contender's app in its own process, and reports its CPU time and heap size. */

export interface AppSettings {
  readonly contender: ContenderName
  readonly issuer: string
  readonly stores: StoreSettings
  /** Where passport-twilio is. */
  readonly packageFolder: string
}

export interface Started {
  readonly url: string
}

export interface CostQuestion {
  /** Whether to collect garbage first. */
  readonly collect: boolean
}

export interface Cost {
  /** CPU of the whole process, in µs. */
  readonly cpu: number
  /** Bytes of heap in use. */
  readonly heap: number
}

const app = express()
const server = createServer(app)
server.keepAliveTimeout = 60_000
// A large backlog, so that none of a thousand simultaneous connections has to be retried.
await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const [{ contender, issuer, stores, packageFolder }] = (await once(process, 'message')) as [AppSettings]
const { callbackPath, setUp }: Contender = CONTENDERS[contender]
const twilio = loadPackage(packageFolder)
await setUp({ app, issuer, callbackURL: url + callbackPath, stores: await openStores(stores, twilio), twilio })

process.on('message', ({ collect }: CostQuestion) => {
  if (collect) globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system, heap: process.memoryUsage().heapUsed } satisfies Cost)
})
process.on('disconnect', () => process.exit())
process.send?.({ url } satisfies Started)
