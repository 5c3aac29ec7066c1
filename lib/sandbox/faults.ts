import type { ServerResponse } from 'node:http'
import { optionError } from '../errors'
import { twilioErrorResponse, type SandboxResponse } from './http'
import { SandboxError } from './sandbox-error'

/** An endpoint that can be made to fail: either version's authorize or token endpoint, the Twilio API, the public keys, or the metadata. */
export type SandboxEndpoint = 'authorize' | 'token' | 'api' | 'keys' | 'metadata'

/** A response that is sent instead of the real one. The request is not handled. */
export interface FaultAnswer {
  /** The HTTP status. */
  readonly status: number
  /** The body, sent unchanged. */
  readonly body: string
  /** The HTTP headers. Default: none but `Content-Length`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * How a request fails.
 *
 * Without handling the request, so that no code or refresh token is used up:
 * - `silent` never responds.
 * - `reset` resets the connection.
 * - `server error` responds with status 500 and Twilio's error 20500.
 * - `throttled` responds with status 429, Twilio's error 20429, and `Retry-After: 1`.
 * - `html error` responds with status 502 and an HTML page.
 * - `empty` responds with status 200 and no body.
 * - `not json` responds with status 200 and incomplete JSON.
 * - A {@link FaultAnswer} is sent as it is.
 *
 * After handling the request, so that a code or refresh token is used up but the response is lost:
 * - `silent after issuing` never responds.
 * - `silent after headers` sends the headers and nothing more.
 * - `cut short` sends the headers and half of the body, and closes the connection.
 */
export type SandboxFault =
  | 'silent'
  | 'silent after issuing'
  | 'silent after headers'
  | 'cut short'
  | 'reset'
  | 'server error'
  | 'throttled'
  | 'html error'
  | 'empty'
  | 'not json'
  | FaultAnswer

/** What a fault replaces. */
interface FaultBehavior {
  /** Replaces everything. */
  readonly drop?: (response: ServerResponse) => void
  /** Replaces handling the request. */
  readonly respond?: () => SandboxResponse
  /** Replaces sending the response. */
  readonly send?: (response: ServerResponse, content: SandboxResponse) => void
}

/** In seconds. */
const THROTTLED_FOR = 1

const BEHAVIORS: Readonly<Record<Exclude<SandboxFault, FaultAnswer>, FaultBehavior>> = {
  silent: { drop: () => undefined },
  reset: { drop: (response) => response.socket?.resetAndDestroy() },
  'server error': { respond: () => twilioErrorResponse(new SandboxError('server_error', 'Internal server error.')) },
  throttled: {
    respond: () =>
      twilioErrorResponse(
        new SandboxError('temporarily_unavailable', 'Too many requests.'),
        { throttled_until: new Date(Date.now() + THROTTLED_FOR * 1000).toISOString() },
        { 'Retry-After': String(THROTTLED_FOR) }
      )
  },
  'html error': { respond: () => ({ status: 502, headers: { 'Content-Type': 'text/html' }, body: '<html><h1>502 Bad Gateway</h1></html>' }) },
  empty: { respond: () => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: '' }) },
  'not json': { respond: () => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"access_token": ' }) },
  'silent after issuing': { send: () => undefined },
  'silent after headers': {
    send: (response, content) => {
      writeHead(response, content)
      response.flushHeaders()
    }
  },
  'cut short': {
    send: (response, content) => {
      writeHead(response, content)
      response.write(content.body.slice(0, content.body.length / 2), () => response.socket?.destroy())
    }
  }
}

/** The faults that are queued for each endpoint. */
export class Faults {
  readonly #queues: Record<SandboxEndpoint, FaultBehavior[]> = { authorize: [], token: [], api: [], keys: [], metadata: [] }

  /** @throws {TypeError} for an unknown endpoint or fault */
  add(endpoint: SandboxEndpoint, fault: SandboxFault): void {
    const behavior = behaviorOf(fault)
    if (!Object.hasOwn(this.#queues, endpoint) || !behavior) {
      throw optionError('failNext() takes an endpoint (authorize, token, api, keys or metadata) and a fault that is listed in the type SandboxFault.')
    }
    this.#queues[endpoint].push(behavior)
  }

  /** Removes the endpoint's oldest fault from the queue. Without one, nothing is replaced. */
  next(endpoint: SandboxEndpoint): FaultBehavior {
    return this.#queues[endpoint].shift() ?? {}
  }
}

function behaviorOf(fault: SandboxFault): FaultBehavior | undefined {
  if (typeof fault === 'string') return Object.hasOwn(BEHAVIORS, fault) ? BEHAVIORS[fault] : undefined
  const { status, headers = {}, body } = fault
  return { respond: () => ({ status, headers, body }) }
}

function writeHead(response: ServerResponse, { status, headers, body }: SandboxResponse): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) })
}

/** Sends a response without a fault. */
export function sendResponse(response: ServerResponse, content: SandboxResponse): void {
  writeHead(response, content)
  response.end(content.body)
}
