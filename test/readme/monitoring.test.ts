import assert from 'node:assert/strict'
import { isBuiltin } from 'node:module'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { compose, importedBy } from './compose'
import { Newcomer, type Command } from './newcomer'
import { Page } from './page'
import { expire, quickStart, runApp } from './quick-start'
import type { Visitor } from './visitor'

const page = new Page('docs/monitoring.md')
describe('docs/monitoring.md', () => {
  let newcomer: Newcomer
  let sandbox: Sandbox
  beforeEach(async () => {
    newcomer = await Newcomer.arrive()
    sandbox = await startSandbox()
  })
  afterEach(async () => {
    await newcomer.leave()
    await sandbox.stop()
  })

  /** Runs the quick start with a recipe's changes, and the browser of somebody who has logged in. */
  async function run(...changes: readonly string[]): Promise<{ visitor: Visitor; command: Command }> {
    const { visitor, command } = await runApp(newcomer, sandbox, compose(quickStart, ...changes, expire))
    await visitor.logIn((url) => sandbox.login(url))
    return { visitor, command }
  }

  /** A request whose refresh fails, since Twilio has a problem. */
  async function failToRefresh(visitor: Visitor): Promise<void> {
    await visitor.request('/expire', { method: 'POST' })
    for (let attempt = 0; attempt < 3; attempt++) sandbox.failNext('token', 'server error')
    assert.equal((await visitor.request('/account')).status, 503)
  }

  describe('Logs with pino', () => {
    page.take('Logs with pino', 'sh')
    const changes = page.take('Logs with pino', 'js')

    it('writes a line for each login and each failed refresh, with the ID of the request', async () => {
      const { visitor, command } = await run(changes)
      await failToRefresh(visitor)
      await command.prints('could not be refreshed')
      await visitor.request('/auth/twilio/callback?code=c&state=s')
      await command.prints('login with Twilio failed')
      const lines = command.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown> & { err?: { code: string } }] : []))
      assert.deepEqual(lines.map(({ msg, level, outcome, err }) => ({ msg, level, outcome, code: err?.code })), [
        { msg: 'A login with Twilio ended', level: 30, outcome: 'success', code: undefined },
        { msg: 'Twilio tokens could not be refreshed', level: 50, outcome: 'failed', code: 'server_error' },
        { msg: 'A login with Twilio failed', level: 50, outcome: 'failed', code: 'ERR_TWILIO_LOGIN_STATE' }
      ])
      assert.equal(new Set(lines.map(({ requestID }) => requestID)).size, 3)
      assert.ok(lines.every(({ requestID, duration }) => typeof requestID === 'string' && typeof duration === 'number'))
    })
  })

  describe('Metrics with Prometheus', () => {
    page.take('Metrics with Prometheus', 'sh')
    const changes = page.take('Metrics with Prometheus', 'js')

    it('counts logins, refreshes and logouts by outcome, and measures calls to the token endpoint', async () => {
      const { visitor } = await run(changes)
      await failToRefresh(visitor)
      await visitor.request('/logout', { method: 'POST' })
      const metrics = (await visitor.request('/metrics')).text
      for (const line of [
        'twilio_logins_total{outcome="success"} 1',
        'twilio_refreshes_total{outcome="failed"} 1',
        'twilio_logouts_total{reason="dropped"} 1',
        'twilio_token_call_seconds_count{grant_type="authorization_code",status="201"} 1',
        'twilio_token_call_seconds_count{grant_type="refresh_token",status="500"} 3'
      ]) {
        assert.ok(metrics.includes(`${line}\n`), `${line} is missing in:\n${metrics}`)
      }
    })
  })

  describe('Traces with OpenTelemetry', () => {
    page.take('Traces with OpenTelemetry', 'sh')
    const changes = page.take('Traces with OpenTelemetry', 'js')
    /** The SDK, a span for each request, and a page that shows the finished spans. */
    const sdk = `
      import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
      const exporter = new InMemorySpanExporter()
      new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
      app.use((req, res, next) => {
        tracer.startActiveSpan(req.path, (span) => {
          res.on('finish', () => span.end())
          next()
        })
      })
      app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
      app.get('/spans', (req, res) => res.json(exporter.getFinishedSpans().map((span) => ({ name: span.name, id: span.spanContext().spanId, parent: span.parentSpanContext?.spanId, status: span.status.code, attributes: span.attributes }))))`

    it('has a span for each call to the token endpoint, below the span of its request', async () => {
      const { visitor } = await run(changes, sdk)
      await failToRefresh(visitor)
      const spans = JSON.parse((await visitor.request('/spans')).text) as { name: string; id: string; parent?: string; status: number; attributes: Record<string, unknown> }[]
      const calls = spans.filter(({ name }) => name.startsWith('Twilio '))
      assert.deepEqual(calls.map(({ name, status, attributes }) => [name, status, attributes['http.response.status_code']]), [
        ['Twilio authorization_code', 0, 201],
        ['Twilio refresh_token', 2, 500],
        ['Twilio refresh_token', 2, 500],
        ['Twilio refresh_token', 2, 500]
      ])
      const nameOf = (id?: string) => spans.find((span) => span.id === id)?.name
      assert.deepEqual(calls.map(({ parent }) => nameOf(parent)), ['/auth/twilio/callback', '/account', '/account', '/account'])
    })
  })

  it('installs, above each recipe, what it imports', () => {
    for (const { heading, code } of page.blocks.filter(({ language }) => language === 'js')) {
      const installed = page.blocks.find((block) => block.heading === heading && block.language === 'sh')?.code ?? ''
      assert.deepEqual(importedBy(code).filter((module) => !isBuiltin(module) && !installed.split(' ').includes(module)), [], heading)
    }
  })

  it('has no block without a test', () => {
    assert.deepEqual(page.untaken, [])
  })
})
