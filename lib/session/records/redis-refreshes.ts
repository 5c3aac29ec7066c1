import { explainRedisError, isRedisClient, RedisScripts, UnexpectedReplyError, type RedisClient } from './redis-client'
import { StoreCalls } from './store-calls'
import type { Acquired, AcquireRequest, Refreshes, RefreshRecord, ReleaseRequest, SaveRequest } from './refresh-store'

/** Options for {@link redisRefreshes}. */
export interface RedisRefreshesOptions {
  /** Prefix of the Redis keys. Default: `twilio:login:`. */
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
local saved = ARGV[1] .. ':' .. ARGV[2]
if record and generation(record) >= tonumber(ARGV[1]) then return record == saved and 1 or 0 end
redis.call('SET', KEYS[1], saved, 'PX', ARGV[4])
return 1`

const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3] ~= '' and ARGV[3] or math.max(1, redis.call('PTTL', KEYS[1])))
return 1`

const READ = `return redis.call('GET', KEYS[1])`

/**
 * Keeps the refresh records in Redis, through a connected client of `redis` (node-redis) or `ioredis`.
 *
 * @throws {TypeError} if `client` is not such a client
 */
export function redisRefreshes(client: RedisClient, options: RedisRefreshesOptions = {}): Refreshes {
  if (!isRedisClient(client)) throw new TypeError('redisRefreshes needs a connected client of redis (node-redis) or ioredis.')
  return new RedisRefreshes(client, options)
}

class RedisRefreshes implements Refreshes {
  readonly #scripts: RedisScripts
  readonly #prefix: string
  readonly #calls = new StoreCalls(explainRedisError)

  constructor(client: RedisClient, { prefix = 'twilio:login:' }: RedisRefreshesOptions) {
    this.#scripts = new RedisScripts(client)
    this.#prefix = prefix
  }

  read(name: string): Promise<RefreshRecord | undefined> {
    const [record] = this.#keysOf(name)
    return this.#run(READ, [record], [], (reply) => (reply === null ? undefined : parseRecord(reply)))
  }

  acquire(name: string, { generation, owner, ttl }: AcquireRequest): Promise<Acquired> {
    return this.#run(ACQUIRE, this.#keysOf(name), [String(generation), ownedBy(owner), String(ttl)], parseAcquired)
  }

  save(name: string, { generation, value, owner, ttl }: SaveRequest): Promise<boolean> {
    return this.#run(SAVE, this.#keysOf(name), [String(generation), value, ownedBy(owner), String(ttl)], parseFlag)
  }

  async release(name: string, { owner, failure }: ReleaseRequest): Promise<void> {
    const [, lock] = this.#keysOf(name)
    await this.#run(RELEASE, [lock], [ownedBy(owner), failure ? `failure:${failure.note}` : 'released', failure ? String(failure.ttl) : ''], parseFlag)
  }

  #run<Result>(script: string, keys: readonly string[], parameters: readonly string[], parse: (reply: unknown) => Result): Promise<Result> {
    return this.#calls.run(async () => parse(await this.#scripts.run(script, keys, parameters)))
  }

  /** The braces are a hash tag, which puts both keys of a login into the same slot of a Redis Cluster. */
  #keysOf(name: string): readonly [record: string, lock: string] {
    const key = `${this.#prefix}{${name}}`
    return [`${key}:record`, `${key}:lock`]
  }
}

function ownedBy(owner: string): string {
  return `owner:${owner}`
}

function parseAcquired(reply: unknown): Acquired {
  const [outcome, detail, expiresIn] = Array.isArray(reply) ? (reply as unknown[]).map(textOf) : []
  if (outcome === 'recorded') return { outcome, ...parseRecord(detail) }
  if (outcome === 'locked' && (detail === '0' || detail === '1')) return { outcome, isReleased: detail === '1' }
  if (outcome !== 'taken' || detail === undefined) throw new UnexpectedReplyError(reply)
  if (detail.startsWith('failure:')) return { outcome: 'failed', failure: detail.slice('failure:'.length) }
  return { outcome: 'busy', expiresIn: Math.max(1, Number(expiresIn) || 1) }
}

function parseRecord(reply: unknown): RefreshRecord {
  const [, generation, value] = /^(\d+):(.*)$/s.exec(textOf(reply) ?? '') ?? []
  if (generation === undefined || value === undefined) throw new UnexpectedReplyError(reply)
  return { generation: Number(generation), value }
}

function parseFlag(reply: unknown): boolean {
  const flag = textOf(reply)
  if (flag !== '0' && flag !== '1') throw new UnexpectedReplyError(reply)
  return flag === '1'
}

/** A client with a custom type mapping may return strings as Buffers, and numbers as strings. */
function textOf(reply: unknown): string | undefined {
  if (typeof reply === 'string' || reply instanceof Uint8Array) return Buffer.from(reply).toString()
  return typeof reply === 'number' || typeof reply === 'bigint' ? String(reply) : undefined
}
