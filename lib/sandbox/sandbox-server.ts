import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { answerOf, deliver, Faults, isDropped, type SandboxEndpoint } from './faults'
import type { Reply, SandboxRequest } from './reply'
import { RequestLog } from './request-log'
import { errorReply, SandboxError } from './twilio-error'

/** What answers at a path. */
export interface Route {
  /** What its faults are queued under; pages have none. */
  readonly endpoint?: SandboxEndpoint | undefined
  readonly methods: Readonly<Record<string, (request: SandboxRequest) => Reply | Promise<Reply>>>
}

export type FindRoute = (path: string) => Route | undefined

const FORM = 'application/x-www-form-urlencoded'
const LONGEST_BODY = 65_536

/** The sandbox's HTTP: reads requests whole, writes them down, lets faults strike, and answers. */
export class SandboxServer {
  readonly faults = new Faults()
  readonly log = new RequestLog()
  readonly url: string
  readonly #server: Server
  readonly #latency: number
  #findRoute: FindRoute = () => undefined

  private constructor(server: Server, latency: number) {
    this.#server = server
    this.#latency = latency
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  /** @throws {Error} when the port is taken */
  static async listen(port: number, latency: number): Promise<SandboxServer> {
    const server = createServer()
    // An app that is busy for seconds must not find the connection just closed that it is about to use.
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'EADDRINUSE' ? new Error(`The sandbox cannot start: port ${port} is taken. Give another, or 0 for a free one.`, { cause: error }) : error)
      })
      server.listen(port, '127.0.0.1', resolve)
    })
    return new SandboxServer(server, latency)
  }

  route(findRoute: FindRoute): void {
    this.#findRoute = findRoute
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming)
    const logged = this.log.add(request)
    const route = this.#findRoute(request.path)
    const fault = route?.endpoint && this.faults.next(route.endpoint)
    if (route?.endpoint === 'token' && this.#latency > 0) await pause(this.#latency)
    const nothing = { status: 500, headers: {}, body: '' }
    const reply = isDropped(fault) ? nothing : (answerOf(fault) ?? (await replyTo(request, route)))
    logged.status = reply.status
    deliver(response, reply, fault)
  }
}

async function replyTo(request: SandboxRequest, route: Route | undefined): Promise<Reply> {
  try {
    if (!route) throw new SandboxError('not_found', `There is nothing at ${request.path}.`)
    const { methods } = route
    const handle = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
    if (!handle) throw new SandboxError('method_not_allowed', `${request.method} is not allowed here.`)
    return await handle(request)
  } catch (error) {
    if (error instanceof SandboxError) return errorReply(error)
    throw error
  }
}

async function read(incoming: IncomingMessage): Promise<SandboxRequest> {
  const { method = 'GET', url = '/', headers } = incoming
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LONGEST_BODY) throw new Error('The body is too long.')
    chunks.push(chunk)
  }
  const { pathname, searchParams } = new URL(url, 'http://sandbox')
  const isForm = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() === FORM
  return {
    method,
    path: pathname,
    query: searchParams,
    form: isForm ? new URLSearchParams(Buffer.concat(chunks).toString()) : undefined,
    authorization: headers.authorization
  }
}
