import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { CONTENDERS, type Contender, type ContenderName } from './contenders.ts'
import type { Provider } from './provider.ts'

/** Runs a contender's app in its own process, and reports its CPU time and heap size. */

export interface Start {
  readonly contender: ContenderName
  readonly provider: Provider
  /** Empty for contenders that don't use Redis. */
  readonly redisURL: string
}

export interface Started {
  readonly appURL: string
}

export interface Cost {
  /** CPU of the whole process, in µs. */
  readonly cpu: number
  /** Bytes of heap in use, after garbage collection if it was requested. */
  readonly heap: number
}

const app = express()
const server = createServer(app)
server.keepAliveTimeout = 60_000
// A large backlog, so that none of a thousand simultaneous connections has to be retried.
await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
const appURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const [{ contender, provider, redisURL }] = (await once(process, 'message')) as [Start]
const chosen: Contender = CONTENDERS[contender]
await chosen.setUp(app, provider, appURL + chosen.callbackPath, redisURL)

process.on('message', (message) => {
  if (message === 'stop') process.exit()
  if (message === 'collect') globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system, heap: process.memoryUsage().heapUsed } satisfies Cost)
})
process.send?.({ appURL } satisfies Started)
