import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

/** A request that the server was sent, whole. */
export interface HeardRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly form: URLSearchParams
}

/** What to do with a request: answer it, or misbehave with its socket. */
export type Behaviour = (request: HeardRequest, response: ServerResponse, socket: Socket) => void

/** A Twilio that does what a test tells it to. */
export class TwilioServer {
  /** The origin. Empty until the server is started. */
  url = ''
  readonly requests: HeardRequest[] = []
  connections = 0
  behave: Behaviour
  readonly #server = createServer()

  constructor(behave: Behaviour = json(200, {})) {
    this.behave = behave
    this.#server.on('connection', () => this.connections++)
    this.#server.on('request', (request, response) => void this.#hear(request, response))
  }

  static async start(behave?: Behaviour): Promise<TwilioServer> {
    const twilio = new TwilioServer(behave)
    await twilio.start()
    return twilio
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url)
    const heard = { method: request.method ?? '', path: pathname, query: searchParams, headers: request.headers, body, form: new URLSearchParams(body) }
    this.requests.push(heard)
    this.behave(heard, response, request.socket)
  }
}

/** Answers JSON. */
export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Behaviour {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value))
  }
}

/** Answers text. */
export function text(status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Behaviour {
  return (_request, response) => {
    response.writeHead(status, headers).end(body)
  }
}

/** Writes bytes as they are, and leaves the connection open or ends it. */
export function raw(bytes: string | readonly (string | Buffer)[], { end = false }: { end?: boolean } = {}): Behaviour {
  return (_request, _response, socket) => {
    for (const part of typeof bytes === 'string' ? [bytes] : bytes) socket.write(part)
    if (end) socket.end()
  }
}

/** One behaviour after the other; the last one stays. */
export function inTurn(first: Behaviour, ...others: Behaviour[]): Behaviour {
  const left = [first, ...others]
  return (request, response, socket) => {
    const [next = first] = left.length > 1 ? left.splice(0, 1) : left
    next(request, response, socket)
  }
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Whether somebody listens on a port. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
