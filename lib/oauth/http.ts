import { isUtf8 } from 'node:buffer'
import { Agent, request as requestHttp, type IncomingHttpHeaders } from 'node:http'
import { Agent as SecureAgent, request as requestHttps } from 'node:https'
import { TwilioNetworkError, TwilioResponseError, TwilioTimeoutError } from '../errors'

/** Where a call goes, taken apart once so that no URL is parsed at a call. */
export interface Endpoint {
  readonly url: string
  readonly secure: boolean
  readonly hostname: string
  readonly port: string
  readonly path: string
}

/** What bounds a call. */
export interface CallLimits {
  /** ms, from name look-up to last byte. */
  readonly timeout: number
  readonly maxResponseBytes: number
  agent: Agent | undefined
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly endpoint: Endpoint
  readonly headers: Readonly<Record<string, string | number>>
  readonly body?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** ms, where there is less time left than the limits allow. */
  readonly timeout?: number | undefined
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/**
 * Idle connections are dropped before a usual server drops them (5 s):
 * a code must not be sent on a connection that is just being closed, since it cannot be sent again.
 */
const keepAlive = { keepAlive: true, timeout: 4000 }
const httpAgent = new Agent(keepAlive)
const httpsAgent = new SecureAgent(keepAlive)

export function endpointOf(url: string): Endpoint {
  const { protocol, hostname, port, pathname, search } = new URL(url)
  return {
    url,
    secure: protocol === 'https:',
    // Node's http wants an IPv6 address without the brackets that a URL has around it.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: pathname + search
  }
}

/**
 * The one place that talks to the network. Redirects are not followed, and the whole answer is read or none of it.
 *
 * @throws {TwilioTimeoutError} not answered whole within `timeout`
 * @throws {TwilioNetworkError} refused, unresolvable, or broken before there was an answer
 * @throws {TwilioResponseError} cut short, too long, compressed without being asked, or not UTF-8
 */
export function callHttp(call: HttpRequest, limits: CallLimits): Promise<HttpAnswer> {
  const { method, endpoint, headers, body, signal, timeout = limits.timeout } = call
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()

    const request = (endpoint.secure ? requestHttps : requestHttp)({
      method,
      hostname: endpoint.hostname,
      port: endpoint.port,
      path: endpoint.path,
      agent: limits.agent ?? (endpoint.secure ? httpsAgent : httpAgent),
      headers: body === undefined ? headers : Object.assign({}, headers, { 'Content-Length': Buffer.byteLength(body) })
    })

    const deadline = setTimeout(() => {
      fail(
        new TwilioTimeoutError(
          `${endpoint.hostname} did not answer whole within ${timeout} ms. Try again; if it happens often, look at the network or raise timeout.`
        )
      )
    }, timeout)

    function settle(): void {
      clearTimeout(deadline)
      signal?.removeEventListener('abort', abort)
    }
    function fail(error: unknown): void {
      settle()
      request.destroy()
      reject(error)
    }
    function abort(): void {
      fail(signal?.reason)
    }
    function failOnNetwork(error: NodeJS.ErrnoException): void {
      fail(
        new TwilioNetworkError(`${endpoint.hostname} could not be reached, or the connection broke (${error.code ?? error.message}). Try again.`, {
          cause: withoutAnswer(error)
        })
      )
    }

    signal?.addEventListener('abort', abort, { once: true })
    request.on('error', failOnNetwork)
    // Without a listener Node would close the connection without a word.
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      fail(new TwilioResponseError('The answer changes to another protocol (101), which was not asked for.'))
    })
    request.on('response', (response) => {
      const unreadable = whyUnreadable(response.headers, limits)
      if (unreadable) {
        fail(new TwilioResponseError(unreadable))
        return
      }
      const chunks: Buffer[] = []
      let length = 0
      response.on('error', (error) => {
        fail(new TwilioResponseError('The answer broke off before its end.', { cause: withoutAnswer(error) }))
      })
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > limits.maxResponseBytes) fail(new TwilioResponseError(tooLong(limits)))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
        if (!isUtf8(bytes)) {
          fail(new TwilioResponseError('The answer is not UTF-8, so its text cannot be trusted.'))
          return
        }
        settle()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes.toString() })
      })
    })
    request.end(body)
  })
}

function whyUnreadable(headers: IncomingHttpHeaders, limits: CallLimits): string | undefined {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return 'The answer came compressed, which was not asked for.'
  return Number(headers['content-length']) > limits.maxResponseBytes ? tooLong(limits) : undefined
}

function tooLong({ maxResponseBytes }: CallLimits): string {
  return `The answer is longer than ${maxResponseBytes} bytes (maxResponseBytes).`
}

/** Node's parser keeps the bytes it stumbled over on its error; they may hold a token. */
function withoutAnswer(error: NodeJS.ErrnoException & { rawPacket?: unknown }): Error {
  delete error.rawPacket
  return error
}

/** The JSON in a response's body, or `undefined` for anything else. */
export function parseJSON({ body }: HttpAnswer): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
