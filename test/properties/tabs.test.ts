import assert from 'node:assert/strict'
import { mock } from 'node:test'
import session, { type SessionData } from 'express-session'
import fc from 'fast-check'
import { LoginStateError } from '../../lib'
import { PendingLogins, type LoginBaggage } from '../../lib/login/pending-logins'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { withClock } from '../support/clock'
import { loginApp, Visitor } from '../support/login-app'
import { checkProperty } from './check-property'

const TTL = 1000

/** A request with its own copy of the session. The store only has the changes once they are saved. */
interface LoadedRequest {
  readonly sessionID: string
  readonly session: Record<string, unknown>
}

/** A browser with its session. */
class Person {
  readonly #name: string
  #regenerations = 0
  #stored = '{}'

  constructor(name: string) {
    this.#name = name
  }

  load(): LoadedRequest {
    return { sessionID: `${this.#name} ${this.#regenerations}`, session: JSON.parse(this.#stored) as Record<string, unknown> }
  }

  save({ session }: LoadedRequest): void {
    this.#stored = JSON.stringify(session)
  }

  /** What Passport does to the session at a login. */
  regenerate(): void {
    this.#regenerations++
    this.#stored = '{}'
  }
}

interface Login {
  readonly state: string
  readonly person: Person
  readonly startedAt: number
  readonly context: LoginBaggage
}

/** Finishes a login. Returns its context, or `undefined` if it is rejected with a LoginStateError. */
function finish(pending: PendingLogins, request: LoadedRequest, state: string | undefined): LoginBaggage | undefined {
  try {
    return pending.finish(request, state)
  } catch (error) {
    assert.ok(error instanceof LoginStateError)
    return undefined
  }
}

/** One of the items, for any index. */
function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length]
  assert.ok(item !== undefined)
  return item
}

const contexts = fc.record({ state: fc.nat(99), returnTo: fc.constant('/page') }, { requiredKeys: [] })

describe('logins in several tabs', function () {
  this.timeout(0)

  it('one after the other: a login finishes exactly once, if its state returns in time and it was not displaced by newer logins', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ does: fc.constant('begin' as const), who: fc.nat(1), context: contexts }) },
      { weight: 6, arbitrary: fc.record({ does: fc.constant('finish' as const), who: fc.nat(1), login: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('send any state' as const), who: fc.nat(1), state: fc.option(fc.string({ unit: 'binary', maxLength: 60 }), { nil: undefined }) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('regenerate' as const), who: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('wait' as const), who: fc.nat(1), ms: fc.nat(TTL) }) }
    )
    await withClock(['Date'], () =>
      checkProperty(
        fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), (max, steps) => {
          const pending = new PendingLogins({ sessionKey: 'logins', max, ttl: TTL, secret: 'a secret' })
          const people = [new Person('one'), new Person('other')]
          const started: Login[] = []
          /** The logins that should be pending, oldest first. */
          let pendingLogins: Login[] = []
          const isInTime = ({ startedAt }: Login) => startedAt + TTL > Date.now()

          for (const step of steps) {
            mock.timers.tick(1)
            const person = at(people, step.who)
            const request = person.load()
            switch (step.does) {
              case 'begin': {
                const login = { state: pending.begin(request, step.context), person, startedAt: Date.now(), context: step.context }
                started.push(login)
                const own = [...pendingLogins.filter((other) => other.person === person && isInTime(other)), login].slice(-max)
                pendingLogins = [...pendingLogins.filter((other) => other.person !== person), ...own]
                break
              }
              case 'finish': {
                if (started.length === 0) break
                const login = at(started, step.login)
                const isValid = pendingLogins.includes(login) && login.person === person && isInTime(login)
                const finished = finish(pending, request, login.state)
                assert.deepEqual(finished && { ...finished, nonce: undefined }, isValid ? { ...login.context, nonce: undefined } : undefined)
                if (isValid) pendingLogins = pendingLogins.filter((other) => other !== login)
                break
              }
              case 'send any state':
                assert.equal(finish(pending, request, step.state), undefined)
                break
              case 'regenerate':
                pendingLogins = pendingLogins.filter((other) => other.person !== person)
                person.regenerate()
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

  it('at the same time, with each request saving its own copy of the session: no login finishes twice, and none is lost unless many newer ones follow', async () => {
    const MAX = 3
    const step = fc.record({ does: fc.constantFrom('begin' as const, 'finish' as const, 'save' as const, 'save' as const), which: fc.nat() })
    await withClock(['Date'], () =>
      checkProperty(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const pending = new PendingLogins({ sessionKey: 'logins', max: MAX, ttl: 60_000, secret: 'a secret' })
          const [person, stranger] = [new Person('one'), new Person('other')]
          const unsaved: { request: LoadedRequest; state?: string }[] = []
          /** The started logins: how often each one finished, and how many requests have changed the session since. */
          const logins: { state: string; timesFinished: number; followers: number }[] = []
          const follow = () => {
            for (const login of logins) login.followers++
          }

          for (const { does, which } of steps) {
            mock.timers.tick(1)
            if (does === 'begin') {
              const request = person.load()
              unsaved.push({ request, state: pending.begin(request, {}) })
            } else if (does === 'save' && unsaved.length > 0) {
              const [saved] = unsaved.splice(which % unsaved.length, 1)
              if (!saved) continue
              person.save(saved.request)
              follow()
              if (saved.state !== undefined) logins.push({ state: saved.state, timesFinished: 0, followers: unsaved.length })
            } else if (does === 'finish' && logins.length > 0) {
              const login = at(logins, which)
              assert.equal(finish(pending, stranger.load(), login.state), undefined, 'another visitor cannot finish it')
              const request = person.load()
              const isValid = finish(pending, request, login.state) !== undefined
              if (isValid) login.timesFinished++
              assert.ok(login.timesFinished <= 1, 'the login finished twice')
              assert.ok(login.timesFinished === 1 || login.followers >= MAX, 'the login is lost')
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

    it('with a session store that responds in any order: each login finishes at most once, only for its own visitor, and a visitor who approved is logged in', async () => {
      const tab = fc.record({ who: fc.nat(1), decides: fc.constantFrom('approve' as const, 'approve' as const, 'deny' as const), comesBack: fc.constantFrom(1, 1, 2, 3), isStolen: fc.boolean() })
      await checkProperty(
        fc.asyncProperty(fc.scheduler(), fc.array(tab, { minLength: 1, maxLength: 6 }), async (scheduler, tabs) => {
          const { app } = loginApp(sandbox, { session: { store: new AnyOrderStore(scheduler) } })
          const visitors = [new Visitor(app, sandbox), new Visitor(app, sandbox)]
          const { reuses } = sandbox.counts
          // Create the session first. Otherwise, several logins that start at the same time would each create one, and the browser would keep only the last.
          await scheduler.waitFor(Promise.all(visitors.map((visitor) => visitor.begin())))
          const begun = await scheduler.waitFor(Promise.all(tabs.map(async (given) => ({ ...given, url: await at(visitors, given.who).begin() }))))
          const decided = await Promise.all(begun.map(async ({ url, ...given }) => ({ ...given, callback: await at(visitors, given.who).approve(url, { deny: given.decides === 'deny' }) })))

          const finished = await scheduler.waitFor(
            Promise.all(
              decided.map(async ({ who, decides, comesBack, isStolen, callback }) => {
                const theft = isStolen ? at(visitors, who + 1).get(callback) : undefined
                const responses = await Promise.all(Array.from({ length: comesBack }, () => at(visitors, who).get(callback)))
                const times = responses.filter(({ headers }) => headers.location === '/').length
                assert.ok(responses.every(({ status, headers }) => status === 403 || headers.location === '/' || headers.location === '/denied'))
                assert.equal((await theft)?.status ?? 403, 403, "another visitor's callback is rejected")
                assert.ok(times <= (decides === 'approve' ? 1 : 0), `a login with the decision to ${decides} finished ${times} times`)
                return { who, decides, times }
              })
            )
          )

          for (const [who, visitor] of visitors.entries()) {
            const own = finished.filter((login) => login.who === who && login.decides === 'approve')
            const isIn = own.some(({ times }) => times === 1)
            assert.equal(isIn, own.length > 0, 'the first callback logs the visitor in')
            const account = await scheduler.waitFor(visitor.get('/account').then((response) => response))
            assert.equal(account.status, isIn ? 200 : 302)
          }
          assert.equal(sandbox.counts.reuses, reuses, 'no code was sent twice')
        })
      )
    })
  })
})

/** A session store whose responses arrive in the order that the scheduler chooses. */
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
