import assert from 'node:assert/strict'
import pg from 'pg'
import request from 'supertest'
import { startSandbox } from '../../lib/sandbox'
import { ExampleProcess, runExample } from '../support/example-process'
import { PostgresServer } from '../support/postgres'

describe("the example app's users in PostgreSQL", () => {
  let postgres: PostgresServer
  before(async function () {
    postgres = await PostgresServer.start(this)
  })
  after(() => (postgres as PostgresServer | undefined)?.remove())

  const startExample = async (env: NodeJS.ProcessEnv = {}) => {
    const sandbox = await startSandbox()
    const { clientID, clientSecret, url } = sandbox
    const example = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url, DATABASE_URL: postgres.url, ...env })
    const logIn = async () => {
      const visitor = request.agent(example.localURL)
      const begun = await visitor.get('/auth/twilio').expect(302)
      const callback = new URL(await sandbox.login(String(begun.headers.location)))
      await visitor.get(callback.pathname + callback.search).expect(302)
      return visitor
    }
    return { sandbox, example, logIn }
  }

  it('are added at the first login, updated at the next, and logged out once they are deleted', async () => {
    const { sandbox, example, logIn } = await startExample({ TWILIO_SCOPE: 'openid profile email offline_access' })
    const database = new pg.Client({ connectionString: postgres.url })
    await database.connect()

    await logIn()
    await database.query("UPDATE switchboard_users SET email = 'old@example.com'")
    const visitor = await logIn()
    const { rows } = await database.query<{ display_name: string; email: string; created_at: Date; last_login_at: Date }>('SELECT * FROM switchboard_users')
    assert.equal(rows.length, 1)
    const [user] = rows
    assert.deepEqual([user?.display_name, user?.email], ['Amara Okafor', 'amara@okafor-couriers.example'])
    assert.ok(user && user.last_login_at > user.created_at)
    await visitor.get('/').expect(200, /Hello, Amara Okafor/)
    await database.query('DELETE FROM switchboard_users')
    await visitor.get('/').expect(200, /Log in with Twilio/)

    await database.end()
    await example.stop()
    await sandbox.stop()
  })

  it('make pages fail with 503 while the database is down, and nobody is logged out', async () => {
    const { sandbox, example, logIn } = await startExample()
    const visitor = await logIn()

    await postgres.stop()
    await visitor.get('/account').expect(503, /We cannot see who you are right now[\s\S]*Try again/)
    await postgres.start()
    await visitor.get('/account').expect(200, /Your account/)
    const line = example.log.find(({ path }) => path === '/account')
    assert.match((line?.err as { message: string }).message, /^The users could not be read or saved\. Check that PostgreSQL is running/)
    await example.stop()
    await sandbox.stop()
  })

  it('make pages fail with 503 within seconds while the database does not reply', async () => {
    const { sandbox, example, logIn } = await startExample()
    const visitor = await logIn()

    const database = new pg.Client({ connectionString: postgres.url })
    await database.connect()
    await database.query('BEGIN; LOCK TABLE switchboard_users')
    await visitor.get('/account').timeout(5000).expect(503, /We cannot see who you are right now/)
    await database.end()
    await visitor.get('/account').expect(200, /Your account/)
    await example.stop()
    await sandbox.stop()
  })

  it('are reported in one line as unavailable if the database cannot be used, and the app exits', async () => {
    for (const [DATABASE_URL, reason] of [
      ['postgres://127.0.0.1:1/none', 'ECONNREFUSED'],
      [postgres.url.replace(/postgres$/, 'no_such_database'), 'database "no_such_database" does not exist']
    ] as const) {
      const { code, output } = await runExample({ PORT: '0', DATABASE_URL })
      assert.equal(code, 1)
      assert.equal(output, `DATABASE_URL cannot be used (${reason}). Check that PostgreSQL is running and DATABASE_URL is right, or leave it out to keep users where the sessions are.\n`)
    }
  })
})
