import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import type { Provider } from './provider.ts'

/** One contender's app in a process of its own, which tells what it has cost. */

export interface Start {
  readonly contender: ContenderName
  readonly provider: Provider
}

export interface Cost {
  /** CPU of the whole process, in µs. */
  readonly cpu: number
  /** Bytes of heap in use, after garbage collection where that is exposed. */
  readonly heap: number
}

const app = express()
const server = app.listen(0, '127.0.0.1')
server.keepAliveTimeout = 60_000

const [{ contender, provider }] = (await once(process, 'message')) as [Start]
const appURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
await CONTENDERS[contender](app, provider, `${appURL}/callback`)

process.on('message', (message) => {
  if (message === 'collect') globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system, heap: process.memoryUsage().heapUsed } satisfies Cost)
})
process.send?.({ appURL })
