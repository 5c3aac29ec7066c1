import { isRedisClient, runScript, type RedisClient } from './redis-client'
import type { Acquired, AcquireRequest, Refreshes, RefreshRecord, ReleaseRequest, SaveRequest } from './refreshes'

/** Options for {@link redisRefreshes}. */
export interface RedisRefreshesOptions {
  /** Before the names of its keys. Default: `twilio:login:`. */
  readonly prefix?: string | undefined
}

/** A record is `GENERATION:VALUE`. A lock is `owner:OWNER`, `failure:NOTE`, or `released`. */
const GENERATION = `local function generation(record) return tonumber(string.match(record, '^%d+')) end`

const ACQUIRE = `
${GENERATION}
local record = redis.call('GET', KEYS[1])
if record and generation(record) > tonumber(ARGV[1]) then return { 'recorded', record } end
local lock = redis.call('GET', KEYS[2])
if lock and lock ~= 'released' and lock ~= ARGV[2] then return { 'taken', lock, redis.call('PTTL', KEYS[2]) } end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return { 'locked', lock == 'released' and 1 or 0 }`

const SAVE = `
${GENERATION}
local record = redis.call('GET', KEYS[1])
if redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('DEL', KEYS[2]) end
if record and generation(record) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[4])
return 1`

const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3] ~= '' and ARGV[3] or redis.call('PTTL', KEYS[1]))
return 1`

const READ = `return redis.call('GET', KEYS[1])`

/**
 * Records in Redis, through a connected client of `redis` (node-redis) or `ioredis`.
 *
 * @throws {TypeError} when `client` is no such client
 */
export function redisRefreshes(client: RedisClient, options: RedisRefreshesOptions = {}): Refreshes {
  if (!isRedisClient(client)) throw new TypeError('redisRefreshes needs a connected client of redis (node-redis) or ioredis.')
  return new RedisRefreshes(client, options)
}

class RedisRefreshes implements Refreshes {
  readonly #client: RedisClient
  readonly #prefix: string

  constructor(client: RedisClient, { prefix = 'twilio:login:' }: RedisRefreshesOptions) {
    this.#client = client
    this.#prefix = prefix
  }

  async read(name: string): Promise<RefreshRecord | undefined> {
    const [record] = this.#keysOf(name)
    const reply = await runScript(this.#client, READ, [record], [])
    return reply === null || reply === undefined ? undefined : parseRecord(reply)
  }

  async acquire(name: string, { generation, owner, ttl }: AcquireRequest): Promise<Acquired> {
    const reply = await runScript(this.#client, ACQUIRE, this.#keysOf(name), [String(generation), `owner:${owner}`, String(ttl)])
    const [outcome, detail, expiresIn] = Array.isArray(reply) ? (reply as unknown[]).map(String) : []
    if (outcome === 'recorded') return { outcome, ...parseRecord(detail) }
    if (outcome === 'locked') return { outcome, isReleased: detail === '1' }
    if (outcome !== 'taken' || detail === undefined) throw unexpected(reply)
    if (detail.startsWith('failure:')) return { outcome: 'failed', failure: detail.slice('failure:'.length) }
    return { outcome: 'busy', expiresIn: Math.max(1, Number(expiresIn)) }
  }

  async save(name: string, { generation, value, owner, ttl }: SaveRequest): Promise<boolean> {
    const reply = await runScript(this.#client, SAVE, this.#keysOf(name), [String(generation), value, `owner:${owner}`, String(ttl)])
    return Number(reply) === 1
  }

  async release(name: string, { owner, failure }: ReleaseRequest): Promise<void> {
    const [, lock] = this.#keysOf(name)
    await runScript(this.#client, RELEASE, [lock], [`owner:${owner}`, failure ? `failure:${failure.note}` : 'released', failure ? String(failure.ttl) : ''])
  }

  /** The braces keep the keys of a login together in Redis Cluster. */
  #keysOf(name: string): readonly [record: string, lock: string] {
    const key = `${this.#prefix}{${name}}`
    return [`${key}:record`, `${key}:lock`]
  }
}

/** Clients with a type mapping of their own may give text as a Buffer. */
function parseRecord(reply: unknown): RefreshRecord {
  const [, generation, value] = /^(\d+):(.*)$/s.exec(String(reply)) ?? []
  if (generation === undefined || value === undefined) throw unexpected(reply)
  return { generation: Number(generation), value }
}

function unexpected(reply: unknown): Error {
  return new Error(`Redis replied with ${reply === null ? 'null' : typeof reply}, which is no record of a login. Does something else use its keys?`)
}
