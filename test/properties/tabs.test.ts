import assert from 'node:assert/strict'
import { mock } from 'node:test'
import session, { type SessionData } from 'express-session'
import fc from 'fast-check'
import { LoginStateError } from '../../lib'
import type { LoginContext } from '../../lib/login/login-store'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { withClock } from '../support/clock'
import { loginApp, Visitor } from '../support/login-app'
import { TestLogins } from '../support/pending-logins'
import { checkProperty } from './check-property'

const TTL = 1000

/** A request with its own copy of a session, which the store has once it is saved. */
interface Loaded {
  readonly sessionID: string
  readonly session: Record<string, unknown>
}

/** Somebody's browser, and its session. */
class Person {
  readonly #name: string
  #renewals = 0
  #stored = '{}'

  constructor(name: string) {
    this.#name = name
  }

  load(): Loaded {
    return { sessionID: `${this.#name} ${this.#renewals}`, session: JSON.parse(this.#stored) as Record<string, unknown> }
  }

  save({ session }: Loaded): void {
    this.#stored = JSON.stringify(session)
  }

  /** What Passport does at a login. */
  renew(): void {
    this.#renewals++
    this.#stored = '{}'
  }
}

interface Login {
  readonly state: string
  readonly person: Person
  readonly begunAt: number
  readonly context: LoginContext
}

/** What the login brings; `undefined` where it is refused, by the error for that. */
function comeBack(pending: TestLogins, request: Loaded, state: string | undefined): LoginContext | undefined {
  try {
    return pending.finish(request, state)
  } catch (error) {
    assert.ok(error instanceof LoginStateError)
    return undefined
  }
}

/** One of them, whatever the number. */
function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length]
  assert.ok(item !== undefined)
  return item
}

const contexts = fc.record({ state: fc.nat(99), returnTo: fc.constant('/page') }, { requiredKeys: [] })


describe('any sequence of logins in several tabs', function () {
  this.timeout(0)

  it('finishes each login once, if its own state comes back in time and it was not dropped', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ does: fc.constant('begin' as const), who: fc.nat(1), context: contexts }) },
      { weight: 6, arbitrary: fc.record({ does: fc.constant('come back' as const), who: fc.nat(1), login: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('send anything' as const), who: fc.nat(1), state: fc.option(fc.string({ unit: 'binary', maxLength: 60 }), { nil: undefined }) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('renew' as const), who: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('wait' as const), who: fc.nat(1), ms: fc.nat(TTL) }) }
    )
    await withClock(['Date'], () =>
      checkProperty(
        fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), (max, steps) => {
          const pending = new TestLogins({ sessionKey: 'logins', max, ttl: TTL, secret: 'a secret' })
          const people = [new Person('one'), new Person('other')]
          const begun: Login[] = []
          /** What ought to be waiting, oldest first. */
          let waiting: Login[] = []
          const isInTime = ({ begunAt }: Login) => begunAt + TTL > Date.now()

          for (const step of steps) {
            mock.timers.tick(1)
            const person = at(people, step.who)
            const request = person.load()
            switch (step.does) {
              case 'begin': {
                const login = { state: pending.begin(request, step.context), person, begunAt: Date.now(), context: step.context }
                begun.push(login)
                const own = [...waiting.filter((other) => other.person === person && isInTime(other)), login].slice(-max)
                waiting = [...waiting.filter((other) => other.person !== person), ...own]
                break
              }
              case 'come back': {
                if (begun.length === 0) break
                const login = at(begun, step.login)
                const isGood = waiting.includes(login) && login.person === person && isInTime(login)
                const brought = comeBack(pending, request, login.state)
                assert.deepEqual(brought && { ...brought, nonce: undefined }, isGood ? { ...login.context, nonce: undefined } : undefined)
                if (isGood) waiting = waiting.filter((other) => other !== login)
                break
              }
              case 'send anything':
                assert.equal(comeBack(pending, request, step.state), undefined)
                break
              case 'renew':
                waiting = waiting.filter((other) => other.person !== person)
                person.renew()
                continue
              case 'wait':
                mock.timers.tick(step.ms)
            }
            person.save(request)
          }
        }),
        10
      )
    )
  })

  it('finishes no login twice, and loses none that fewer than max requests followed, if requests overwrite the session of each other', async () => {
    const MAX = 3
    const step = fc.record({ does: fc.constantFrom('begin' as const, 'come back' as const, 'save' as const, 'save' as const), which: fc.nat() })
    await withClock(['Date'], () =>
      checkProperty(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const pending = new TestLogins({ sessionKey: 'logins', max: MAX, ttl: 60_000, secret: 'a secret' })
          const [person, stranger] = [new Person('one'), new Person('other')]
          const unsaved: { request: Loaded; begun?: string; finishedBefore?: number }[] = []
          let finished = 0
          /** Logins that the browser knows of: how often they have finished, and how many requests followed them. */
          const logins: { state: string; timesFinished: number; followers: number }[] = []
          const follow = () => {
            for (const login of logins) login.followers++
          }

          for (const { does, which } of steps) {
            mock.timers.tick(1)
            if (does === 'begin') {
              const request = person.load()
              unsaved.push({ request, begun: pending.begin(request, {}), finishedBefore: finished })
            } else if (does === 'save' && unsaved.length > 0) {
              const [saved] = unsaved.splice(which % unsaved.length, 1)
              if (!saved) continue
              person.save(saved.request)
              follow()
              if (saved.begun !== undefined) logins.push({ state: saved.begun, timesFinished: 0, followers: unsaved.length + finished - (saved.finishedBefore ?? finished) })
            } else if (does === 'come back' && logins.length > 0) {
              const login = at(logins, which)
              assert.equal(comeBack(pending, stranger.load(), login.state), undefined, 'it is refused in another session')
              const request = person.load()
              const isGood = comeBack(pending, request, login.state) !== undefined
              if (isGood) {
                login.timesFinished++
                // A process counts the logins that it finishes before their sessions are saved.
                finished++
                follow()
              }
              assert.ok(login.timesFinished <= 1, 'it has finished twice')
              assert.ok(login.timesFinished === 1 || login.followers >= MAX, 'it is lost')
              unsaved.push({ request })
            }
          }
        }),
        10
      )
    )
  })

  describe('in an app', () => {
    let sandbox: Sandbox
    before(async () => {
      sandbox = await startSandbox()
    })
    after(() => sandbox.stop())

    it('finishes each login at most once, for its own visitor, with a session store that answers in any order', async () => {
      const tab = fc.record({ who: fc.nat(1), decides: fc.constantFrom('approve' as const, 'approve' as const, 'deny' as const), comesBack: fc.constantFrom(1, 1, 2, 3), isStolen: fc.boolean() })
      await checkProperty(
        fc.asyncProperty(fc.scheduler(), fc.array(tab, { minLength: 1, maxLength: 6 }), async (scheduler, tabs) => {
          const { app } = loginApp(sandbox, { session: { store: new AnyOrderStore(scheduler) } })
          const visitors = [new Visitor(app, sandbox), new Visitor(app, sandbox)]
          const { reuses } = sandbox.counts
          // A browser without a session that begins several logins at once has a session for each, of which it keeps one.
          await scheduler.waitFor(Promise.all(visitors.map((visitor) => visitor.begin())))
          const begun = await scheduler.waitFor(Promise.all(tabs.map(async (given) => ({ ...given, url: await at(visitors, given.who).begin() }))))
          const decided = await Promise.all(begun.map(async ({ url, ...given }) => ({ ...given, callback: await at(visitors, given.who).approve(url, { deny: given.decides === 'deny' }) })))

          const finished = await scheduler.waitFor(
            Promise.all(
              decided.map(async ({ who, decides, comesBack, isStolen, callback }) => {
                const theft = isStolen ? at(visitors, who + 1).get(callback) : undefined
                const answers = await Promise.all(Array.from({ length: comesBack }, () => at(visitors, who).get(callback)))
                const times = answers.filter(({ headers }) => headers.location === '/').length
                assert.ok(answers.every(({ status, headers }) => status === 403 || headers.location === '/' || headers.location === '/denied'))
                assert.equal((await theft)?.status ?? 403, 403, "another visitor's callback is refused")
                assert.ok(times <= (decides === 'approve' ? 1 : 0), `a login that was to ${decides} has finished ${times} times`)
                return { who, decides, times }
              })
            )
          )

          for (const [who, visitor] of visitors.entries()) {
            const own = finished.filter((login) => login.who === who && login.decides === 'approve')
            const isIn = own.some(({ times }) => times === 1)
            assert.equal(isIn, own.length > 0, 'the first callback logs the visitor in')
            const account = await scheduler.waitFor(visitor.get('/account').then((answer) => answer))
            assert.equal(account.status, isIn ? 200 : 302)
          }
          assert.equal(sandbox.counts.reuses, reuses, 'no code was sent twice')
        })
      )
    })
  })
})

/** A session store whose answers come when the scheduler lets them. */
class AnyOrderStore extends session.MemoryStore {
  readonly #scheduler: fc.Scheduler

  constructor(scheduler: fc.Scheduler) {
    super()
    this.#scheduler = scheduler
  }

  override get(id: string, got: (error: unknown, session?: SessionData | null) => void): void {
    this.#later(() => super.get(id, got))
  }

  override set(id: string, data: SessionData, done?: (error?: unknown) => void): void {
    this.#later(() => super.set(id, data, done))
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    this.#later(() => super.destroy(id, done))
  }

  #later(work: () => void): void {
    void this.#scheduler.schedule(Promise.resolve()).then(work)
  }
}
