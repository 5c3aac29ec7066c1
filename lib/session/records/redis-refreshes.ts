import { randomUUID } from 'node:crypto'
import { TwilioNetworkError, TwilioTimeoutError } from '../../errors'
import { checkCount, checkNumber } from '../../oauth/options'
import { setTimeout as pause } from 'node:timers/promises'
import type { TwilioTokens } from '../../oauth/tokens'
import { DEFAULT_KEPT_FOR, MemoryRefreshes, nameOf } from './memory-refreshes'
import { isRedisClient, RedisUnavailableError, runNow, type RedisClient } from './redis-client'
import { openFailure, openRefreshed, sealFailure, sealRefreshed } from './refresh-record'
import type { Refreshed, Refreshes, RefreshLimits, SpentTokens } from './refreshes'

/** What {@link redisRefreshes} may be told. */
export interface RedisRefreshesOptions {
  /** Before the names of its keys. Default: `twilio:refresh:`. */
  readonly prefix?: string | undefined
  /** ms that what came of a refresh is remembered, a whole number. Default: 10 minutes. */
  readonly keptFor?: number | undefined
  /** Is told, in words, when Redis is gone. Default: `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
}

/**
 * {@link Refreshes} across processes, through a connected client of `redis` (node-redis) or `ioredis`: whoever takes
 * the lock asks Twilio, and leaves the answer, encrypted, where the others find it. While Redis is gone,
 * each process sees to its own.
 *
 * @throws {TypeError} when `client` is no such client, or `keptFor` no whole number of ms
 */
export function redisRefreshes(client: RedisClient, options: RedisRefreshesOptions = {}): Refreshes {
  if (!isRedisClient(client)) throw new TypeError('redisRefreshes needs a connected client of redis (node-redis) or ioredis.')
  return new RedisRefreshes(client, options)
}

/** ms that a process remembers what Redis remembers too: long enough for a short outage, and not so long that memory fills with it. */
const KEPT_IN_PROCESS = 60_000
/** How long a lock holds unless its owner says that it still lives, in ms. */
const LOCK_TTL = 3000
const LOCK_RENEWAL = LOCK_TTL / 3
/** How long what is for those alone who waited for it is there, in ms: a failure, or tokens that spent nothing. */
const SHORT_TTL = 2000
/** How often a waiting process looks, in ms: soon at first, and then less often, so that nobody waits much longer than the answer takes. */
const FIRST_LOOK = 4
const LAST_LOOK = 64
const LOOKS_PER_WAIT = 8
/** How long an answer is tried to be left while Redis is in trouble, in ms, and how often. */
const LEAVING = 10_000
const LEAVING_AGAIN = 50

/** The answer; or the lock, and why the last owner failed; or neither, when somebody else has it. */
const TAKE = `
local answer = redis.call('GET', KEYS[1])
if answer then return { 'answer', answer } end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return { 'lock', redis.call('GET', KEYS[3]) } end
return { 'wait' }`

const RENEW = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`

/** Leaves an answer or a failure, and the lock. */
const LEAVE = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('DEL', KEYS[2]) end
return 1`

interface Keys {
  readonly answer: string
  readonly lock: string
  readonly failure: string
}

class RedisRefreshes implements Refreshes {
  readonly #client: RedisClient
  readonly #prefix: string
  readonly #keptFor: number
  readonly #warn: (message: string) => void
  readonly #inProcess: MemoryRefreshes
  #isGone = false

  constructor(client: RedisClient, { prefix = 'twilio:refresh:', keptFor = DEFAULT_KEPT_FOR, warn }: RedisRefreshesOptions) {
    this.#client = client
    this.#prefix = prefix
    this.#keptFor = checkCount('keptFor', checkNumber('keptFor', keptFor, 'ms'))
    this.#warn = warn ?? ((message) => process.emitWarning(message, 'PassportTwilioWarning'))
    this.#inProcess = new MemoryRefreshes(Math.min(keptFor, KEPT_IN_PROCESS))
  }

  once(spent: SpentTokens, refresh: () => Promise<TwilioTokens>, limits: RefreshLimits): Promise<Refreshed> {
    return this.#inProcess.share(spent, () => this.#acrossProcesses(spent, refresh, limits))
  }

  async #acrossProcesses(spent: SpentTokens, refresh: () => Promise<TwilioTokens>, limits: RefreshLimits): Promise<Refreshed> {
    const keys = this.#keysOf(spent)
    const owner = randomUUID()
    const refreshed = await this.#answerOrLock(spent, keys, owner, limits)
    return refreshed ?? this.#refreshWithLock(spent, keys, owner, refresh)
  }

  /** The answer of another process, or `undefined` once the lock is ours, or Redis is gone. */
  async #answerOrLock(spent: SpentTokens, keys: Keys, owner: string, { deadline }: RefreshLimits): Promise<Refreshed | undefined> {
    const began = Date.now()
    for (let hasWaited = false; ; hasWaited = true) {
      const turn = await this.#take(keys, owner)
      if (turn === undefined) {
        // Whoever has the lock may have spent the token by now.
        if (hasWaited) throw new TwilioNetworkError('Another process refreshes these tokens, and Redis is gone before its answer. Try again.')
        return undefined
      }
      const [kind, content] = turn
      if (kind === 'answer') {
        const refreshed = await openRefreshed(spent, content)
        if (refreshed) return hasWaited ? { ...refreshed, at: Date.now() } : refreshed
        throw new TwilioNetworkError('What another process left of refreshing these tokens cannot be read. Try again.')
      }
      if (kind === 'lock') {
        const failure = hasWaited ? await openFailure(spent, content) : undefined
        if (!failure) return undefined
        await this.#leaveFailure(spent, keys, owner, failure)
        throw failure
      }
      const look = Math.min(Math.max((Date.now() - began) / LOOKS_PER_WAIT, FIRST_LOOK), LAST_LOOK)
      if (Date.now() + look >= deadline) throw new TwilioTimeoutError('Another process refreshes these tokens, and did not finish in time. Try again.')
      await pause(look * (0.5 + Math.random()))
    }
  }

  async #refreshWithLock(spent: SpentTokens, keys: Keys, owner: string, refresh: () => Promise<TwilioTokens>): Promise<Refreshed> {
    const renewal = setInterval(() => {
      runNow(this.#client, RENEW, [keys.lock], [owner, String(LOCK_TTL)]).catch(() => undefined)
    }, LOCK_RENEWAL).unref()
    try {
      const refreshed = { tokens: await refresh(), at: Date.now() }
      await this.#leaveAnswer(spent, keys, owner, refreshed)
      return refreshed
    } catch (error) {
      await this.#leaveFailure(spent, keys, owner, error)
      throw error
    } finally {
      clearInterval(renewal)
    }
  }

  /** `undefined` where Redis is gone. */
  async #take({ answer, lock, failure }: Keys, owner: string): Promise<readonly unknown[] | undefined> {
    try {
      const turn = await runNow(this.#client, TAKE, [answer, lock, failure], [owner, String(LOCK_TTL)])
      this.#isGone = false
      return Array.isArray(turn) ? turn : undefined
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error
      if (!this.#isGone) this.#warn('Redis is gone. Until it is back, each process refreshes Twilio tokens on its own, which may log people out who use several at once.')
      this.#isGone = true
      return undefined
    }
  }

  /** The others need it badly, so it is tried again while Redis comes back; nobody waits for that. */
  async #leaveAnswer(spent: SpentTokens, { answer, lock }: Keys, owner: string, refreshed: Refreshed): Promise<void> {
    const isSpent = nameOf(refreshed.tokens) !== nameOf(spent)
    const parameters = [await sealRefreshed(spent, refreshed), String(isSpent ? this.#keptFor : SHORT_TTL), owner]
    const leave = () => runNow(this.#client, LEAVE, [answer, lock], parameters)
    const leaveAgain = async () => {
      while (Date.now() < refreshed.at + LEAVING) {
        await pause(LEAVING_AGAIN, undefined, { ref: false })
        if (await leave().then(() => true, () => false)) return
      }
    }
    if (this.#isGone) void leaveAgain()
    else await leave().catch(() => void leaveAgain())
  }

  async #leaveFailure(spent: SpentTokens, { failure, lock }: Keys, owner: string, error: unknown): Promise<void> {
    const parameters = [await sealFailure(spent, error), String(SHORT_TTL), owner]
    await runNow(this.#client, LEAVE, [failure, lock], parameters).catch(() => undefined)
  }

  /** In braces is what Redis Cluster puts keys together by. */
  #keysOf(spent: SpentTokens): Keys {
    const name = `${this.#prefix}{${nameOf(spent)}}`
    return { answer: `${name}:answer`, lock: `${name}:lock`, failure: `${name}:failure` }
  }
}
