import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { sandboxFailure } from '../errors'
import { Faults, sendResponse, type SandboxEndpoint } from './faults'
import { errorResponse, handleMethod, type ErrorFormat, type Methods, type SandboxRequest, type SandboxResponse } from './http'
import { forBrowser } from './refusal'
import { RequestLog } from './request-log'
import { SandboxError } from './sandbox-error'

/** How a path is served. */
export interface Route {
  /** The endpoint whose faults apply. Pages have none. */
  readonly endpoint?: SandboxEndpoint | undefined
  /** How long to wait before the request is handled or fails, in ms. Default: 0. */
  readonly latency?: number | undefined
  readonly methods: Methods
}

export type FindRoute = (path: string) => Route | undefined

const FORM = 'application/x-www-form-urlencoded'
const MAX_BODY_BYTES = 65_536

/** The sandbox's HTTP server: reads and logs requests, applies faults, and sends responses. */
export class SandboxServer {
  readonly faults = new Faults()
  readonly log = new RequestLog()
  readonly url: string
  readonly #server: Server
  #findRoute: FindRoute = () => undefined
  #errorFormat: ErrorFormat = 'twilio'

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  /**
   * @param port 0 for a free one
   * @throws {Error} when the port is in use
   */
  static async listen(port: number): Promise<SandboxServer> {
    const server = createServer()
    // With Node's default of 5 s, an app could reuse a connection just as it is being closed.
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'EADDRINUSE' ? sandboxFailure(`The sandbox cannot start: port ${port} is already in use. Choose another port, or 0 for a free one.`, { cause: error }) : error)
      })
      server.listen(port, '127.0.0.1', resolve)
    })
    return new SandboxServer(server)
  }

  /** Until this is called, every path is `not_found`. */
  useRoutes(findRoute: FindRoute, errorFormat: ErrorFormat): void {
    this.#findRoute = findRoute
    this.#errorFormat = errorFormat
  }

  /** Closes the server and all of its connections. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming)
    const logged = this.log.add(request)
    const route = this.#findRoute(request.path)
    const { drop, respond, send = sendResponse } = route?.endpoint ? this.faults.next(route.endpoint) : {}
    if (route?.latency) await pause(route.latency)
    if (drop) {
      drop(response)
      this.log.answered(logged)
      return
    }
    const content = respond ? respond() : dispatch(request, route, this.#errorFormat)
    logged.status = content.status
    send(response, forBrowser(request, logged, content))
    this.log.answered(logged, content)
  }
}

function dispatch(request: SandboxRequest, route: Route | undefined, errorFormat: ErrorFormat): SandboxResponse {
  try {
    if (!route) throw new SandboxError('not_found', `There is nothing at ${request.path}.`)
    return handleMethod(route.methods, request)
  } catch (error) {
    if (error instanceof SandboxError) return errorResponse(error, errorFormat)
    throw error
  }
}

async function readRequest(incoming: IncomingMessage): Promise<SandboxRequest> {
  const { method = 'GET', url = '/', headers } = incoming
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw sandboxFailure(`The request body exceeds ${MAX_BODY_BYTES} bytes.`)
    chunks.push(chunk)
  }
  // On its own, `//v1/token` would be a URL of the host v1.
  const { pathname, searchParams } = new URL(url.startsWith('/') ? `http://sandbox${url}` : url, 'http://sandbox')
  const mediaType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  return {
    method,
    path: pathname,
    query: searchParams,
    form: mediaType === FORM ? new URLSearchParams(Buffer.concat(chunks).toString()) : undefined,
    authorization: headers.authorization,
    accept: headers.accept
  }
}
