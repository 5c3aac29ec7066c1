import assert from 'node:assert/strict'
import { Client } from 'pg'
import { PostgresServer } from './postgres'

describe('the PostgreSQL server of the tests', () => {
  let postgres: PostgresServer
  before(async function () {
    postgres = await PostgresServer.start(this)
  })
  after(() => (postgres as PostgresServer | undefined)?.remove())

  async function query(text: string): Promise<unknown[]> {
    const client = new Client({ connectionString: postgres.url })
    await client.connect()
    try {
      return (await client.query(text)).rows as unknown[]
    } finally {
      await client.end()
    }
  }

  it('keeps its data when it is stopped and started again', async () => {
    await query("CREATE TABLE t AS SELECT 'kept' AS value")
    await postgres.stop()
    await assert.rejects(query('SELECT 1'))
    await postgres.start()
    assert.deepEqual(await query('SELECT value FROM t'), [{ value: 'kept' }])
  })
})
