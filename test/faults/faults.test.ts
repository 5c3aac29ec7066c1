import assert from 'node:assert/strict'
import { AppHost } from './app-host'
import { CATALOGUE } from './catalogue'
import { atOnce } from './pool'
import type { Row } from './row'
import { runRow, type Observed } from './run-row'
import { inWords, whyNotHeldByUs } from './verdict'

const VERSIONS = ['v1', 'v2'] as const
/** How many rows run at once: most of them wait for something. */
const AT_ONCE = 16

describe('faults', function () {
  this.timeout(120_000)
  let host: AppHost | undefined
  const observed = new Map<Row, Promise<Observed>>()

  after(() => host?.stop())

  for (const version of VERSIONS) {
    describe(`with ${version}`, () => {
      const rows = Object.values(CATALOGUE).flat().filter(({ settings }) => (settings?.apiVersion ?? version) === version)
      before(() => {
        const inHost = (host ??= AppHost.start())
        const run = atOnce(AT_ONCE)
        for (const row of rows) {
          const running = run(() => runRow(row, inHost, 'passport-twilio', version))
          // Told by the row's own test.
          running.catch(() => undefined)
          observed.set(row, running)
        }
      })

      for (const [where, all] of Object.entries(CATALOGUE)) {
        describe(where, () => {
          for (const row of all.filter((one) => rows.includes(one))) {
            it(`${row.name}: ${inWords(row.outcome)}${row.id === undefined ? '' : ` (${row.id})`}`, async () => {
              const came = await observed.get(row)
              assert.ok(came)
              assert.deepEqual(whyNotHeldByUs(row, came), [], row.why)
            })
          }
        })
      }
    })
  }
})
