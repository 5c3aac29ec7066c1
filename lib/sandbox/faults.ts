import type { Socket } from 'node:net'
import type { ServerResponse } from 'node:http'
import type { Reply } from './reply'
import { errorReply, SandboxError } from './twilio-error'

/** Where a fault can strike. */
export type SandboxEndpoint = 'authorize' | 'token' | 'api' | 'keys'

/** An answer made up by a test. */
export interface FaultAnswer {
  /** The HTTP status. */
  readonly status: number
  /** As it goes out. */
  readonly body: string
  /** Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * What goes wrong. `silent` never answers; `silent after issuing` and `cut short` carry the request out first,
 * so that a token is spent; `silent after headers` begins an answer and stops; the others answer what they say.
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

/** How long a throttled app is told to wait, in seconds. */
const THROTTLED_FOR = 1

/** Answers that stand for a fault, by its name. */
const ANSWERS: Readonly<Record<string, () => Reply>> = {
  'server error': () => errorReply(new SandboxError('server_error', 'Internal server error.')),
  throttled: () =>
    errorReply(
      new SandboxError('temporarily_unavailable', 'Too many requests.'),
      { throttled_until: new Date(Date.now() + THROTTLED_FOR * 1000).toISOString() },
      { 'Retry-After': String(THROTTLED_FOR) }
    ),
  'html error': () => ({ status: 502, headers: { 'Content-Type': 'text/html' }, body: '<html><h1>502 Bad Gateway</h1></html>' }),
  empty: () => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: '' }),
  'not json': () => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"access_token": ' })
}

/** How a connection misbehaves with the answer that would have been given. */
const MANNERS: Readonly<Record<string, (response: ServerResponse, reply: Reply, socket: Socket | null) => void>> = {
  silent: () => undefined,
  'silent after issuing': () => undefined,
  'silent after headers': (response, { status, headers, body }) => {
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) })
    response.flushHeaders()
  },
  'cut short': (response, { status, headers, body }, socket) => {
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) })
    response.write(body.slice(0, body.length / 2), () => socket?.destroy())
  },
  reset: (_response, _reply, socket) => {
    socket?.resetAndDestroy()
  }
}

/** What the next requests meet, an endpoint each. */
export class Faults {
  readonly #queued: Record<SandboxEndpoint, SandboxFault[]> = { authorize: [], token: [], api: [], keys: [] }

  add(endpoint: SandboxEndpoint, fault: SandboxFault): void {
    const isKnown = typeof fault === 'object' || Object.hasOwn(ANSWERS, fault) || Object.hasOwn(MANNERS, fault)
    if (!Object.hasOwn(this.#queued, endpoint) || !isKnown) throw new TypeError('failNext() takes an endpoint (authorize, token, api, keys) and one of the faults that SandboxFault lists.')
    this.#queued[endpoint].push(fault)
  }

  next(endpoint: SandboxEndpoint): SandboxFault | undefined {
    return this.#queued[endpoint].shift()
  }
}

/** The answer that a fault gives instead of the right one. */
export function answerOf(fault: SandboxFault | undefined): Reply | undefined {
  if (typeof fault === 'object') return { status: fault.status, headers: fault.headers ?? {}, body: fault.body }
  return fault !== undefined && Object.hasOwn(ANSWERS, fault) ? ANSWERS[fault]?.() : undefined
}

/** Whether a request is dropped before anything is done for it. */
export function isDropped(fault: SandboxFault | undefined): boolean {
  return fault === 'silent' || fault === 'reset'
}

export function deliver(response: ServerResponse, reply: Reply, fault: SandboxFault | undefined): void {
  const misbehave = typeof fault === 'string' && Object.hasOwn(MANNERS, fault) ? MANNERS[fault] : undefined
  if (misbehave) {
    misbehave(response, reply, response.socket)
    return
  }
  response.writeHead(reply.status, { ...reply.headers, 'Content-Length': Buffer.byteLength(reply.body) })
  response.end(reply.body)
}
