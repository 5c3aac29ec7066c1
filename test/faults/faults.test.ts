import assert from 'node:assert/strict'
import { AppHost } from './app-host'
import { CATALOGUE } from './catalogue'
import { limitConcurrency } from './limit-concurrency'
import type { Row } from './row'
import { runRow, type Observed } from './run-row'
import { describeOutcome, problemsOfOurs } from './verdict'

const VERSIONS = ['v1', 'v2'] as const
/** Most rows spend their time waiting, so many of them can run at the same time. */
const MAX_CONCURRENT_ROWS = 16

describe('faults', function () {
  this.timeout(120_000)
  let host: AppHost | undefined
  const observations = new Map<Row, Promise<Observed>>()

  after(() => host?.stop())

  for (const version of VERSIONS) {
    describe(`with ${version}`, () => {
      const rows = Object.values(CATALOGUE).flat().filter(({ settings }) => (settings?.apiVersion ?? version) === version)
      before(() => {
        const inHost = (host ??= AppHost.start())
        const run = limitConcurrency(MAX_CONCURRENT_ROWS)
        for (const row of rows) {
          const running = run(() => runRow(row, inHost, 'passport-twilio', version))
          // The row's own test reports the error.
          running.catch(() => undefined)
          observations.set(row, running)
        }
      })

      for (const [where, all] of Object.entries(CATALOGUE)) {
        describe(where, () => {
          for (const row of all.filter((one) => rows.includes(one))) {
            it(`${row.name}: ${describeOutcome(row.outcome)}${row.id === undefined ? '' : ` (${row.id})`}`, async () => {
              const observed = await observations.get(row)
              assert.ok(observed)
              assert.deepEqual(problemsOfOurs(row, observed), [], row.why)
            })
          }
        })
      }
    })
  }

  describe('on diagnostics channels', () => {
    it('are published on all of them, so that the search for secrets covers the messages', async () => {
      await Promise.all(observations.values())
      for (const event of ['login', 'token', 'refresh', 'logout']) assert.ok(host?.output.includes(`\npassport-twilio:${event} `), event)
    })
  })
})
