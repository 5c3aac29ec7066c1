import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createServer as createTLSServer } from 'node:tls'
import { CERTIFICATE, PRIVATE_KEY } from '../test/support/certificate.ts'
import { ROUND_TRIP } from './distant-proxy.ts'

export interface Question {
  /** The URL to forward to; sent once, at the start. */
  readonly target?: string
  /** Whether to close all connections. */
  readonly close?: boolean
}

export interface Answer {
  readonly url: string
}

/** ms until the apps have noticed that their connections are closed. */
const NOTICED = 20

const [{ target = '' }] = (await once(process, 'message')) as [Question]
const { hostname, port } = new URL(target)

const tlsServer = createTLSServer({ key: PRIVATE_KEY, cert: CERTIFICATE, noDelay: true }, (socket) => {
  const upstream = connect({ host: hostname, port: Number(port), noDelay: true })
  socket.pipe(upstream).pipe(socket)
  closeTogether(socket, upstream)
})
const tlsPort = await listen(tlsServer)

/** What the apps connect to. The bytes of the TLS handshake are delayed as well. */
const clients = new Set<Socket>()
const distant = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
  clients.add(client)
  client.on('close', () => clients.delete(client))
  const tls = connect({ host: '127.0.0.1', port: tlsPort, noDelay: true })
  forwardLate(tls, client)
  // Nothing can be sent before TCP's handshake, which takes a round trip.
  setTimeout(() => {
    forwardLate(client, tls)
    client.resume()
  }, ROUND_TRIP)
  closeTogether(client, tls)
})
const url = `https://127.0.0.1:${await listen(distant)}`

process.on('message', ({ close }: Question) => {
  void answer(close ?? false)
})
process.on('disconnect', () => process.exit())
process.send?.({ url } satisfies Answer)

async function answer(close: boolean): Promise<void> {
  if (close) {
    for (const client of clients) client.destroy()
    await pause(NOTICED)
  }
  process.send?.({ url } satisfies Answer)
}

function forwardLate(from: Socket, to: Socket): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), ROUND_TRIP / 2))
  from.on('end', () => setTimeout(() => to.end(), ROUND_TRIP / 2))
}

function closeTogether(one: Socket, other: Socket): void {
  for (const socket of [one, other]) {
    socket.on('error', () => undefined)
    socket.on('close', () => {
      one.destroy()
      other.destroy()
    })
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
