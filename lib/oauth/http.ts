import { Agent, request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { TwilioNetworkError, TwilioResponseError, TwilioTimeoutError } from '../errors'
import { isObject } from '../util/is-object'
import { redact } from '../util/redact'

/** Where to send a request: a URL, parsed once at construction rather than for each call. */
export interface Endpoint {
  readonly url: string
  readonly secure: boolean
  readonly hostname: string
  readonly port: string
  /** Host name and port, for error messages. */
  readonly host: string
  readonly path: string
}

export interface CallLimits {
  /** ms for a whole call, from DNS lookup to the last byte of the response. */
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
  /** ms; default: the timeout of the limits. */
  readonly timeout?: number | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/**
 * Closes idle connections before a typical server does (after 5 s). A code sent on a connection that the server is
 * just closing would be lost, and it must not be sent twice.
 */
const keepAlive = { keepAlive: true, timeout: 4000 }
const httpAgent = new Agent(keepAlive)
const httpsAgent = new SecureAgent(keepAlive)

export function endpointOf(url: string): Endpoint {
  const { protocol, hostname, port, pathname, search } = new URL(url)
  const secure = protocol === 'https:'
  return {
    url,
    secure,
    // Node's http expects IPv6 addresses without the brackets they have in a URL.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    host: `${hostname}:${port || (secure ? 443 : 80)}`,
    path: pathname + search
  }
}

/**
 * Sends one HTTP request and reads the whole response. Redirects are not followed. A request whose deadline has passed
 * before it could be sent is never sent.
 *
 * @throws {TwilioTimeoutError} without a complete response within `timeout`
 * @throws {TwilioNetworkError} when the host cannot be reached, or the connection breaks before a response
 * @throws {TwilioResponseError} when the response is cut short, too long, compressed, or not UTF-8, or a proxy requires authentication
 */
export function callHttp(call: HttpRequest, limits: CallLimits): Promise<HttpResponse> {
  const { method, endpoint, headers, body, signal, timeout = limits.timeout } = call
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()

    const deadline = Date.now() + timeout
    let socket: Socket | undefined

    const request = (endpoint.secure ? requestHttps : requestHttp)({
      method,
      hostname: endpoint.hostname,
      port: endpoint.port,
      path: endpoint.path,
      agent: limits.agent ?? (endpoint.secure ? httpsAgent : httpAgent),
      headers: { ...headers, ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }), 'Accept-Encoding': 'identity' }
    })
    // A response that arrived while the process was stopped or busy is read first: it may hold the only copy of new tokens.
    let afterPendingInput: NodeJS.Immediate | undefined
    const timer = setTimeout(() => (afterPendingInput = setImmediate(failOnTimeout)), timeout)

    function settle(): void {
      clearTimeout(timer)
      clearImmediate(afterPendingInput)
      signal?.removeEventListener('abort', abort)
      socket?.off('connect', failIfLate).off('secureConnect', failIfLate)
    }
    function fail(error: unknown): void {
      settle()
      request.destroy()
      reject(error)
    }
    function abort(): void {
      fail(signal?.reason)
    }
    function failOnTimeout(): void {
      fail(new TwilioTimeoutError(`${endpoint.host} did not send a complete response within ${limits.timeout} ms. Try again. If it happens often, check the network or raise timeout.`))
    }
    function failIfLate(): void {
      if (Date.now() >= deadline) failOnTimeout()
    }
    function failOnNetwork(error: unknown): void {
      const cause = connectionErrorOf(error)
      fail(new TwilioNetworkError(`${endpoint.host} could not be reached, or the connection broke (${reasonOf(cause, limits.agent)}). Try again.`, { cause }))
    }
    function failCutShort(error: unknown): void {
      fail(new TwilioResponseError(`The response from ${endpoint.host} was cut short. Try again.`, { cause: connectionErrorOf(error) }))
    }

    signal?.addEventListener('abort', abort, { once: true })
    request.on('error', failOnNetwork)
    // While the process is stopped or busy, timers don't fire. These listeners run before Node's own, which send the request.
    request.on('socket', (assigned) => {
      socket = assigned.once('connect', failIfLate).once('secureConnect', failIfLate)
      failIfLate()
    })
    // Without a listener, Node closes the connection without an error.
    request.on('upgrade', (_response, upgraded) => {
      upgraded.destroy()
      fail(new TwilioResponseError(`The response from ${endpoint.host} switches to another protocol (101), which was not requested. Check any proxy between this machine and Twilio.`))
    })
    request.on('response', (response) => {
      const reason = reasonToReject(response, endpoint, limits)
      if (reason) {
        fail(new TwilioResponseError(reason))
        return
      }
      const chunks: Buffer[] = []
      let length = 0
      // Node reports a closed connection as an error of the response, and a reset one as an error of the request.
      response.on('error', failCutShort)
      request.off('error', failOnNetwork).on('error', (error: NodeJS.ErrnoException) => {
        if (error.syscall === undefined) failOnNetwork(error)
        else failCutShort(error)
      })
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > limits.maxResponseBytes) fail(new TwilioResponseError(tooLong(endpoint, limits)))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        const text = decodeUTF8(Buffer.concat(chunks))
        if (text === undefined) {
          fail(new TwilioResponseError(`The response from ${endpoint.host} is not valid UTF-8. Check any proxy between this machine and Twilio.`))
          return
        }
        settle()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
      })
    })
    request.end(body)
  })
}

/** Node's error code. An agent may connect to a proxy, which is then named too. */
function reasonOf(error: ConnectionError, agent: Agent | undefined): string {
  const { code, message, errors: [first = error] = [] } = error
  if (code === undefined) return redact(message, [])
  const place = first.port === undefined ? first.hostname : `${first.address}:${first.port}`
  return agent && place !== undefined ? `${code} at ${place}` : code
}

/** Node's errors of connections. */
interface ConnectionError extends Error {
  readonly code?: string
  readonly address?: string
  readonly port?: number
  /** The host whose address could not be looked up. */
  readonly hostname?: string
  /** One for each address of the host, if it has several. */
  readonly errors?: readonly ConnectionError[]
}

const DETAILS = ['stack', 'code', 'errno', 'syscall', 'address', 'port', 'hostname'] as const

/**
 * A copy of a connection's error with Node's own properties only. Others may be secret: Node's HTTP parser keeps the bytes that it
 * could not parse, an agent its options with the password of the proxy.
 */
function connectionErrorOf(error: unknown): ConnectionError {
  const errors = isObject(error) && Array.isArray(error.errors) ? error.errors.map(withoutOtherProperties) : undefined
  return Object.assign(withoutOtherProperties(error), errors && { errors })
}

function withoutOtherProperties(error: unknown): Error {
  if (!isObject(error)) return new Error(String(error))
  const copy = new Error(typeof error.message === 'string' ? error.message : 'unknown')
  for (const name of DETAILS) if (error[name] !== undefined) Object.assign(copy, { [name]: error[name] })
  return copy
}

/** Anything else is not quoted: it may contain a secret of the request. */
const KNOWN_ENCODING = /^(?:(?:x-)?gzip|br|compress|deflate|zstd)$/i

function reasonToReject({ statusCode, headers }: IncomingMessage, endpoint: Endpoint, limits: CallLimits): string | undefined {
  // Only a proxy sends this status (RFC 9110 §15.5.8).
  if (statusCode === 407) return `A proxy between this machine and ${endpoint.host} requires authentication (407). Check the user name and password in the URL that its agent is given.`
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    const shown = KNOWN_ENCODING.test(encoding) ? encoding : 'in an unknown way'
    return `The response from ${endpoint.host} is compressed (${shown}), although the request asked for no compression (Accept-Encoding: identity). Check any proxy between this machine and Twilio.`
  }
  return Number(headers['content-length']) > limits.maxResponseBytes ? tooLong(endpoint, limits) : undefined
}

function tooLong({ host }: Endpoint, { maxResponseBytes }: CallLimits): string {
  return `The response from ${host} is longer than ${maxResponseBytes} bytes (maxResponseBytes).`
}

/** The text without a byte order mark, or `undefined` for anything but UTF-8. */
function decodeUTF8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The JSON in a response's body, or `undefined` if it is not JSON. */
export function parseJSON({ body }: HttpResponse): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
