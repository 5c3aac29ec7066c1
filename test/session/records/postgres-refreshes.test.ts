import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Pool, types } from 'pg'
import { postgresRefreshes, type PostgresPool, type PostgresRefreshesOptions, type Refreshes } from '../../../lib'
import { PostgresServer } from '../../support/postgres'
import { closedPort } from '../../support/twilio-server'
import { itConforms } from './conformance'

const ignore = () => undefined

describe('records in PostgreSQL', () => {
  let postgres: PostgresServer
  const pools: Pool[] = []

  before(async function () {
    this.timeout(60_000)
    postgres = await PostgresServer.start(this)
  })
  after(async () => {
    await Promise.all(pools.filter(({ ended }) => !ended).map((pool) => pool.end()))
    await (postgres as PostgresServer | undefined)?.remove()
  })

  function connect(options: ConstructorParameters<typeof Pool>[0] = {}): Pool {
    const pool = new Pool({ connectionString: postgres.url, ...options })
    pool.on('error', ignore)
    pools.push(pool)
    return pool
  }

  const as = (user: string, database = 'postgres') => postgres.url.replace('//postgres@', `//${user}@`).replace(/postgres$/, database)
  const name = () => randomBytes(32).toString('base64url')
  const acquire = (refreshes: Refreshes, login = name()) => refreshes.acquire(login, { generation: 0, owner: 'one', ttl: 60_000 })

  async function isRefused(pool: PostgresPool, message: RegExp, options: PostgresRefreshesOptions = {}): Promise<void> {
    await assert.rejects(acquire(postgresRefreshes(pool, options)), (error: Error) => {
      assert.equal(error.name, 'RefreshStoreError', String(error))
      assert.match(error.message, message)
      assert.ok(error.cause instanceof Error)
      return true
    })
  }

  describe('through a pool', () => {
    let one: Refreshes
    let other: Refreshes
    before(() => {
      one = postgresRefreshes(connect(), { createTableIfMissing: true })
      other = postgresRefreshes(connect(), { createTableIfMissing: true })
    })
    itConforms(() => ({ one, other }))
  })

  describe('through a pool with one connection, whose bigints are bigints, in a schema', () => {
    let one: Refreshes
    before(async () => {
      await connect().query('CREATE SCHEMA "Logins"')
      const getTypeParser = (id: number, format?: 'text' | 'binary') => (id === 20 ? BigInt : (types.getTypeParser as (...parameters: unknown[]) => unknown)(id, format))
      one = postgresRefreshes(connect({ max: 1, types: { getTypeParser } }), { createTableIfMissing: true, tableName: 'Logins.of_Twilio' })
    })
    itConforms(() => ({ one, other: one }))
  })

  it('are in a table that 20 processes may create at once', async () => {
    const stores = Array.from({ length: 20 }, () => postgresRefreshes(connect({ max: 1 }), { createTableIfMissing: true, tableName: 'made_by_many' }))
    const login = name()
    const acquired = await Promise.all(stores.map((store, index) => store.acquire(login, { generation: 0, owner: `owner ${index}`, ttl: 60_000 })))
    assert.equal(acquired.filter(({ outcome }) => outcome === 'locked').length, 1)
    const { rows } = await connect().query<{ count: string }>('SELECT count(*) FROM made_by_many')
    assert.equal(rows[0]?.count, '1')
  })

  it('are removed some time after they have expired', async () => {
    const pool = connect()
    const store = postgresRefreshes(pool, { createTableIfMissing: true, tableName: 'cleaned' })
    await store.save('expired', { generation: 1, value: '', owner: 'one', ttl: 1 })
    await store.acquire('expired lock', { generation: 1, owner: 'one', ttl: 1 })
    await store.save('kept', { generation: 1, value: '', owner: 'one', ttl: 60_000 })
    await store.acquire('locked', { generation: 1, owner: 'one', ttl: 60_000 })
    await pool.query('SELECT pg_sleep(0.01)')
    // Another process starts, which removes them at its first use.
    await postgresRefreshes(pool, { tableName: 'cleaned' }).read('nothing')
    const { rows } = await pool.query<{ name: string }>('SELECT name FROM cleaned ORDER BY name')
    assert.deepEqual(rows, [{ name: 'kept' }, { name: 'locked' }])
  })

  it('need a pool, and a table whose name can be one', () => {
    for (const pool of [undefined, null, 'postgres://', {}]) assert.throws(() => postgresRefreshes(pool as never), { name: 'TypeError', message: /^postgresRefreshes needs a Pool of pg/ })
    for (const tableName of ['', 'a.b.c', '.a', 'a b', 'a"b', 'a;b', '1a', 'x'.repeat(64), 7]) {
      assert.throws(() => postgresRefreshes({ query: () => Promise.resolve({ rows: [] }) }, { tableName: tableName as string }), { name: 'TypeError', message: /^tableName must be the name of a table/ })
    }
  })

  describe('that cannot be kept', () => {
    it('because the table is missing: the error has the SQL, which works', async () => {
      const pool = connect()
      let sql = ''
      await assert.rejects(acquire(postgresRefreshes(pool, { tableName: 'not_there' })), (error: Error) => {
        assert.equal(error.name, 'RefreshStoreError')
        assert.match(error.message, /relation "not_there" does not exist\. Create the table, with postgresRefreshes\(pool, \{ createTableIfMissing: true \}\) or this SQL: CREATE TABLE/)
        sql = error.message.slice(error.message.indexOf('CREATE TABLE'))
        return true
      })
      await pool.query(sql)
      assert.equal((await acquire(postgresRefreshes(pool, { tableName: 'not_there' }))).outcome, 'locked')
      await isRefused(pool, /Create the table/, { tableName: 'nowhere.logins' })
      await isRefused(pool, /schema "nowhere" does not exist/, { tableName: 'nowhere.logins', createTableIfMissing: true })
    })

    it('because nobody listens, or the host is unknown', async () => {
      await isRefused(connect({ connectionString: `postgres://127.0.0.1:${await closedPort()}/postgres` }), /ECONNREFUSED.* Check the pool's host and port\.$/)
      await isRefused(connect({ connectionString: `postgres://localhost:${await closedPort()}/postgres` }), /ECONNREFUSED.* Check the pool's host and port\.$/)
    })

    it('because the pool has ended', async () => {
      const pool = connect()
      await pool.end()
      await isRefused(pool, /Cannot use a pool after calling end on the pool\. End the pool after the last request\.$/)
    })

    it('because the user or the database is unknown, or has too few rights', async () => {
      const admin = connect()
      await isRefused(connect({ connectionString: as('nobody') }), /role "nobody" does not exist\. Check the pool's user name and password\.$/)
      await isRefused(connect({ connectionString: as('postgres', 'nothing') }), /database "nothing" does not exist\. Check the pool's database\.$/)
      await postgresRefreshes(admin, { createTableIfMissing: true }).read('anything')
      for (const [user, rights] of [['reader', 'SELECT'], ['writer', 'SELECT, INSERT, UPDATE']]) {
        await admin.query(`CREATE USER ${user}; GRANT ${rights} ON twilio_logins TO ${user}`)
        await isRefused(connect({ connectionString: as(user ?? '') }), /permission denied for table twilio_logins\. Grant the pool's user SELECT, INSERT, UPDATE and DELETE on "twilio_logins"/)
        await isRefused(connect({ connectionString: as(user ?? '') }), /permission denied for schema public\. Grant/, { tableName: 'of_a_reader', createTableIfMissing: true })
      }
    })

    it('because the server is read-only', async () => {
      await isRefused(connect({ options: '-c default_transaction_read_only=on' }), /read-only transaction\. This server is a read-only replica.* Connect to the primary\.$/)
    })

    it('because the table belongs to something else', async () => {
      const pool = connect()
      await pool.query('CREATE TABLE taken (name text)')
      await isRefused(pool, /column .* does not exist\. Does "taken" belong to something else\? Choose another name/, { tableName: 'taken' })
    })

    it('because the pool is none of pg', async () => {
      for (const reply of [undefined, {}, { rows: [7] }]) await assert.rejects(acquire(postgresRefreshes({ query: () => Promise.resolve(reply as never) })))
    })
  })

  describe('that have been kept, on a server that is gone', () => {
    const isOpen = (error: Error) => {
      assert.equal(error.name, 'Error', error.message)
      assert.match(error.message, /^PostgreSQL failed: /)
      return true
    }

    it('leave open whether a statement was done whose connection was lost, and work again with the next', async () => {
      const pool = connect({ max: 1 })
      const store = postgresRefreshes(pool, { createTableIfMissing: true })
      const login = name()
      await acquire(store, login)
      const admin = connect()
      const holder = await admin.connect()
      await holder.query('BEGIN')
      await holder.query('SELECT FROM twilio_logins WHERE name = $1 FOR UPDATE', [login])
      const waiting = assert.rejects(acquire(store, login), isOpen)
      for (;;) {
        const { rowCount } = await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        if (rowCount) break
      }
      await waiting
      await holder.query('ROLLBACK')
      holder.release()
      assert.equal((await acquire(store, login)).outcome, 'locked')
    })

    it('leave open what other processes are doing', async () => {
      const pool = connect()
      const store = postgresRefreshes(pool, { createTableIfMissing: true })
      const login = name()
      await acquire(store, login)
      await postgres.stop()
      await assert.rejects(acquire(store, login), isOpen)
      await assert.rejects(store.read(login), isOpen)
      await postgres.start()
      assert.deepEqual(await acquire(store, login), { outcome: 'locked', series: 'one' }, 'the same owner has its lock still')
    })

    it('leave open what a full server does', async () => {
      const pool = connect({ max: 1, connectionTimeoutMillis: 500 })
      const store = postgresRefreshes(pool, { createTableIfMissing: true })
      const busy = await pool.connect()
      await assert.rejects(acquire(store), isOpen)
      busy.release()
      assert.equal((await acquire(store)).outcome, 'locked')
    })
  })
})
