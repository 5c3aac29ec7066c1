import type { Socket } from 'node:net'
import { json, text, type Behaviour } from '../support/twilio-server'
import type { GoodResponse, TokenFields } from './provider'
import type { Fault } from './row'

/** Faulty responses of the token endpoint. */

type TokenFault = NonNullable<Fault['token']>

/** The correct response with some fields changed, or removed if they are `undefined`. */
export function withFields(changes: TokenFields): TokenFault {
  return ({ status, fields }) => json(status, { ...fields, ...changes })
}

export function body(make: (good: GoodResponse) => string | Buffer, headers: Readonly<Record<string, string>> = {}): (good: GoodResponse) => Behaviour {
  return (good) => text(good.status, make(good), { 'Content-Type': 'application/json', ...headers })
}

export function respondWith(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): TokenFault {
  return () => json(status, value, headers)
}

export function html(status: number, markup: string): TokenFault {
  return () => text(status, markup, { 'Content-Type': 'text/html' })
}

export const goodJSON = ({ fields }: GoodResponse): string => JSON.stringify(fields)

/** Writes to the socket directly, to send what an HTTP server would not send. */
export function rawSocket(misbehave: (socket: Socket, good: GoodResponse) => void): TokenFault {
  return (good) => (_request, _response, socket) => {
    socket.on('error', () => undefined)
    misbehave(socket, good)
  }
}

/** Sends raw bytes. Then the connection stays open, or is closed with `end`. */
export function rawBytes(make: (good: GoodResponse) => string | Buffer | readonly (string | Buffer)[], { end = false }: { end?: boolean } = {}): TokenFault {
  return rawSocket((socket, good) => {
    const data = make(good)
    for (const part of typeof data === 'string' || Buffer.isBuffer(data) ? [data] : data) socket.write(part)
    if (end) socket.end()
  })
}

export function head(good: GoodResponse, ...headers: string[]): string {
  return [`HTTP/1.1 ${good.status} OK`, 'Content-Type: application/json', ...headers, '', ''].join('\r\n')
}

/** The correct response as raw HTTP, with Content-Length. */
export function completeResponse(good: GoodResponse, ...headers: string[]): string {
  const json = goodJSON(good)
  return `${head(good, `Content-Length: ${Buffer.byteLength(json)}`, ...headers)}${json}`
}

export function chunk(part: string): string {
  return `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`
}

/** Sends the same part repeatedly until the client closes the connection. */
export function repeatedly(socket: Socket, part: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(part), everyMs)
  socket.once('close', () => clearInterval(timer))
}

export const neverResponds: Behaviour = () => undefined

/** Sends the same part repeatedly, as fast as the client reads it. */
export function flood(socket: Socket, part: string): void {
  const write = () => {
    while (!socket.destroyed && socket.write(part));
  }
  socket.on('drain', write)
  write()
}
