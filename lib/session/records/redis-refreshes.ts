import { optionError } from '../../errors'
import { explainRedisError, isRedisClient, RedisScripts, UnexpectedReplyError, type RedisClient } from './redis-client'
import { StoreCalls } from './store-calls'
import type { Acquired, AcquireRequest, Refreshes, RefreshRecord, ReleaseRequest, SaveRequest } from './refresh-store'

/** Options for {@link redisRefreshes}. */
export interface RedisRefreshesOptions {
  /** Prefix of the Redis keys. Default: `twilio:login:`. */
  readonly prefix?: string | undefined
}

/** A record is `GENERATION:VALUE`. */
const GENERATION = `local function generation(record) return tonumber(string.match(record, '^%d+')) end`

/** A lock is `owner|OWNER|SERIES`, `released|SERIES`, or `failure|NOTE`. */
const LOCK = `
local lock = redis.call('GET', KEYS[#KEYS])
local owner, series = string.match(lock or '', '^owner|([^|]*)|(.*)$')`

const ACQUIRE = `
${GENERATION}
local record = redis.call('GET', KEYS[1])
if record and generation(record) > tonumber(ARGV[1]) then return { 'recorded', record } end
${LOCK}
local released = string.match(lock or '', '^released|(.*)$')
if owner and owner ~= ARGV[2] then return { 'busy', series, redis.call('PTTL', KEYS[2]) } end
if lock and not owner and not released then return { 'failed', string.match(lock, '^failure|(.*)$') } end
series = series or released or ARGV[2]
redis.call('SET', KEYS[2], 'owner|' .. ARGV[2] .. '|' .. series, 'PX', ARGV[3])
return { 'locked', series }`

const SAVE = `
${GENERATION}
local record = redis.call('GET', KEYS[1])
${LOCK}
if owner == ARGV[3] then redis.call('DEL', KEYS[2]) end
local saved = ARGV[1] .. ':' .. ARGV[2]
if record and generation(record) >= tonumber(ARGV[1]) then return record == saved and 1 or 0 end
redis.call('SET', KEYS[1], saved, 'PX', ARGV[4])
return 1`

const RELEASE = `
${LOCK}
if owner ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], 'released|' .. series, 'PX', math.max(1, redis.call('PTTL', KEYS[1])))
else
  redis.call('SET', KEYS[1], 'failure|' .. ARGV[2], 'PX', ARGV[3])
end
return 1`

const READ = `return redis.call('GET', KEYS[1])`

/**
 * Keeps the refresh records in Redis, through a connected client of `redis` (node-redis), `ioredis` or `iovalkey`.
 *
 * @throws {TypeError} if `client` is not such a client
 */
export function redisRefreshes(client: RedisClient, options: RedisRefreshesOptions = {}): Refreshes {
  if (!isRedisClient(client)) throw optionError('redisRefreshes needs a connected client of redis (node-redis) or ioredis.')
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
    return this.#run(ACQUIRE, this.#keysOf(name), [String(generation), owner, String(ttl)], parseAcquired)
  }

  save(name: string, { generation, value, owner, ttl }: SaveRequest): Promise<boolean> {
    return this.#run(SAVE, this.#keysOf(name), [String(generation), value, owner, String(ttl)], parseFlag)
  }

  async release(name: string, { owner, failure }: ReleaseRequest): Promise<void> {
    const [, lock] = this.#keysOf(name)
    await this.#run(RELEASE, [lock], [owner, failure?.note ?? '', failure ? String(failure.ttl) : ''], parseFlag)
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

function parseAcquired(reply: unknown): Acquired {
  const [outcome, detail, expiresIn] = Array.isArray(reply) ? (reply as unknown[]).map(textOf) : []
  if (outcome === 'recorded') return { outcome, ...parseRecord(detail) }
  if (detail === undefined) throw new UnexpectedReplyError(reply)
  if (outcome === 'locked') return { outcome, series: detail }
  if (outcome === 'failed') return { outcome, failure: detail }
  if (outcome === 'busy') return { outcome, series: detail, expiresIn: Math.max(1, Number(expiresIn) || 1) }
  throw new UnexpectedReplyError(reply)
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
