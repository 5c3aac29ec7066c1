import type { Socket } from 'node:net'
import { json, text, type Behaviour } from '../support/twilio-server'
import type { GoodAnswer, TokenAnswer } from './provider'
import type { Fault } from './row'

/** Ways to spoil the token endpoint's answer. */

type TokenFault = NonNullable<Fault['token']>

/** The good answer with some fields changed, or left out where they are `undefined`. */
export function but(change: TokenAnswer): TokenFault {
  return ({ status, answer }) => json(status, { ...answer, ...change })
}

export function body(make: (good: GoodAnswer) => string | Buffer, headers: Readonly<Record<string, string>> = {}): (good: GoodAnswer) => Behaviour {
  return (good) => text(good.status, make(good), { 'Content-Type': 'application/json', ...headers })
}

export function answers(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): TokenFault {
  return () => json(status, value, headers)
}

export function page(status: number, html: string): TokenFault {
  return () => text(status, html, { 'Content-Type': 'text/html' })
}

export const goodJSON = ({ answer }: GoodAnswer): string => JSON.stringify(answer)

/** Has the socket to itself: what a server of HTTP would not send. */
export function wire(misbehave: (socket: Socket, good: GoodAnswer) => void): TokenFault {
  return (good) => (_request, _response, socket) => {
    socket.on('error', () => undefined)
    misbehave(socket, good)
  }
}

/** Bytes as they are, after which the connection stays open, or ends. */
export function bytes(make: (good: GoodAnswer) => string | Buffer | readonly (string | Buffer)[], { end = false }: { end?: boolean } = {}): TokenFault {
  return wire((socket, good) => {
    const made = make(good)
    for (const part of typeof made === 'string' || Buffer.isBuffer(made) ? [made] : made) socket.write(part)
    if (end) socket.end()
  })
}

export function head(good: GoodAnswer, ...headers: string[]): string {
  return [`HTTP/1.1 ${good.status} OK`, 'Content-Type: application/json', ...headers, '', ''].join('\r\n')
}

/** The good answer as HTTP, with a length. */
export function whole(good: GoodAnswer, ...headers: string[]): string {
  const json = goodJSON(good)
  return `${head(good, `Content-Length: ${Buffer.byteLength(json)}`, ...headers)}${json}`
}

export function chunk(part: string): string {
  return `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`
}

/** The same again and again until the other side has had enough. */
export function again(socket: Socket, part: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(part), everyMs)
  socket.once('close', () => clearInterval(timer))
}

export const silent: Behaviour = () => undefined

/** As fast as the other side takes it. */
export function flood(socket: Socket, part: string): void {
  const pour = () => {
    while (!socket.destroyed && socket.write(part));
  }
  socket.on('drain', pour)
  pour()
}
