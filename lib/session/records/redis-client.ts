import { errorMonitor } from 'node:events'
import { helpFor } from '../../errors'
import { systemClock } from '../../util/clock'
import { patiently } from '../../util/patience'
import { asSentence, messageOf } from '../../util/message-of'
import type { StoreFailure } from './store-calls'

/** The part of a node-redis (`redis`) client, cluster, sentinel or pool that is used. */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  /** Whether `connect()` has been called and the client has not been closed since. */
  readonly isOpen?: boolean
  /** Whether commands are sent immediately. A pool doesn't have this property. */
  readonly isReady?: boolean
  withCommandOptions?(options: { abortSignal: AbortSignal }): unknown
}

/** The part of an ioredis or iovalkey client or cluster that is used. */
export interface IORedisClient {
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>
  readonly status: string
  connect(): Promise<unknown>
  defineCommand(...definition: never[]): unknown
}

/** A client of `redis` (node-redis), `ioredis` or `iovalkey`. */
export type RedisClient = NodeRedisClient | IORedisClient

export function isRedisClient(client: unknown): client is RedisClient {
  return typeof client === 'object' && client !== null && 'eval' in client && typeof client.eval === 'function'
}

/** ms that a command waits for a connection. */
const CONNECTION_PATIENCE = 500
const CONNECTION_POLL = 25

/** Runs scripts through a client. A script never waits in the client's own queue for Redis to come back. */
export class RedisScripts {
  readonly #client: RedisClient
  #hasBeenReady = false
  #lastError: unknown

  constructor(client: RedisClient) {
    this.#client = client
    this.#hasBeenReady = stateOf(client) === 'ready'
    if (!hasEvents(client)) return
    client.on('ready', () => (this.#hasBeenReady = true))
    // Observes the client's errors without handling them, which is up to the app.
    client.on(errorMonitor, (error) => (this.#lastError = error))
  }

  /** Rejects with the client's error, with an error reply, or with a {@link NotConnectedError}. */
  async run(script: string, keys: readonly string[], parameters: readonly string[]): Promise<unknown> {
    await this.#connect()
    if (isIORedis(this.#client)) return this.#client.eval(script, keys.length, ...keys, ...parameters)
    return evalUnlessQueued(this.#client, script, { keys: [...keys], arguments: [...parameters] })
  }

  async #connect(): Promise<void> {
    const client = this.#client
    // With `lazyConnect`, the client would not connect before its first command, which it would put into its queue.
    if (isIORedis(client) && client.status === 'wait') client.connect().catch((error: unknown) => (this.#lastError = error))
    for (let waited = 0; stateOf(client) === 'connecting' && waited < CONNECTION_PATIENCE; waited += CONNECTION_POLL) await systemClock.sleep(CONNECTION_POLL)
    const state = stateOf(client)
    if (state === 'ready') this.#hasBeenReady = true
    else throw new NotConnectedError(state, this.#hasBeenReady, this.#lastError)
  }
}

/** The client has no connection, so nothing was sent. */
class NotConnectedError extends Error {
  readonly code = 'ERR_TWILIO_REFRESH_STORE'
  readonly help = helpFor('RefreshStoreError')
  /** Whether the client has never been connected, and is closed or has failed to connect. */
  readonly isLasting: boolean

  constructor(state: 'connecting' | 'closed', hasBeenReady: boolean, lastError: unknown) {
    const reason = lastError === undefined ? '' : `: ${messageOf(lastError)}`
    const advice = state === 'closed' ? ' Connect it before the first request (await client.connect()), and close it after the last.' : ''
    super(`The Redis client is ${state === 'closed' ? 'closed, or was never connected' : 'not connected'}${reason}.${advice}`, { cause: lastError })
    this.isLasting = !hasBeenReady && (state === 'closed' || lastError !== undefined)
  }
}

function stateOf(client: RedisClient): 'ready' | 'connecting' | 'closed' {
  if (isIORedis(client)) {
    if (client.status === 'ready') return 'ready'
    return client.status === 'end' ? 'closed' : 'connecting'
  }
  if (client.isOpen === false) return 'closed'
  return client.isReady === false ? 'connecting' : 'ready'
}

function isIORedis(client: RedisClient): client is IORedisClient {
  return 'defineCommand' in client && 'status' in client
}

function hasEvents(client: RedisClient): client is RedisClient & { on(event: string | symbol, listener: (value: unknown) => void): unknown } {
  return 'on' in client && typeof client.on === 'function'
}

/**
 * A cluster, sentinel or pool may be ready while the connection that it chooses is not, in which case the command is queued. If it
 * hasn't been sent in time, it is aborted.
 */
async function evalUnlessQueued(client: NodeRedisClient, script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown> {
  const sending = new AbortController()
  const withSignal = client.withCommandOptions?.({ abortSignal: sending.signal })
  const reply = (isRedisClient(withSignal) && !isIORedis(withSignal) ? withSignal : client).eval(script, options)
  if (reply instanceof Promise) {
    patiently(reply, CONNECTION_PATIENCE, systemClock).then(
      (inTime) => inTime ?? sending.abort(),
      () => undefined
    )
  }
  return reply
}

/** Advice about error replies that persist until somebody fixes the cause, by their code. */
const ADVICE: Readonly<Record<string, string>> = {
  READONLY: 'This Redis is a read-only replica. Connect to the master; with Redis Cluster or Sentinel, use the client for it.',
  NOAUTH: 'Give the client its password.',
  WRONGPASS: "Check the client's user name and password.",
  NOPERM: 'Allow its user the commands EVAL, GET, SET, DEL and PTTL on these keys.',
  WRONGTYPE: 'Something else uses these keys. Choose another prefix: redisRefreshes(redis, { prefix }).',
  ERR: 'Redis must allow scripts (EVAL).'
}

/**
 * Explains an error of a client.
 *
 * Of Redis's error replies, only those in {@link ADVICE} are lasting. Others occur during a failover or restart, while another
 * process may hold the lock: CLUSTERDOWN, TRYAGAIN, MOVED, MASTERDOWN, LOADING, BUSY, OOM, MISCONF, NOREPLICAS. A lost connection
 * or a command that timed out leaves open whether the script has run.
 */
export function explainRedisError(error: unknown): StoreFailure {
  const message = messageOf(error)
  if (error instanceof NotConnectedError) {
    const code = codeIn(messageOf(error.cause))
    return { message: code === undefined ? message : `${message} ${ADVICE[code]}`, isLasting: error.isLasting }
  }
  const code = codeIn(message)
  if (code !== undefined) return { message: `Redis replied: ${asSentence(message)} ${ADVICE[code]}`, isLasting: true }
  if (error instanceof UnexpectedReplyError) return { message, isLasting: true }
  return { message: `Redis failed: ${asSentence(message)}`, isLasting: /in (subscriber|monitoring) mode/.test(message) }
}

/** A reply that none of the scripts returns. */
export class UnexpectedReplyError extends Error {
  readonly code = 'ERR_TWILIO_REFRESH_STORE_FAILED'
  readonly help = helpFor('RefreshStoreError')

  constructor(reply: unknown) {
    super(`Redis replied with ${reply === null ? 'null' : typeof reply} instead of a login's record. Is the client one of redis (node-redis) or ioredis, and does nothing else use these keys?`)
  }
}

/** Redis 6 wraps the error of a command in an error of the script that runs it: "ERR Error running script … -READONLY You can't write". */
function codeIn(message: string): string | undefined {
  if (message.includes("user executing the script can't run")) return 'NOPERM'
  const [, inScript] = /^ERR Error running script .*-([A-Z]+) /s.exec(message) ?? []
  const [, code] = /^([A-Z]+) (?!max number of clients)/.exec(message) ?? []
  return [inScript, code].find((one) => one !== undefined && one in ADVICE)
}
