import assert from 'node:assert/strict'
import { saveSession, StoredSession } from '../../lib/request/session-store'
import { systemClock, type Clock } from '../../lib/util/clock'

type Done = (error?: unknown, session?: unknown) => void

const rest = { set: (_id: string, _session: object, done: Done) => done() }

function storedSession(store: object, request: object = { sessionID: 'one' }, clock: Clock = systemClock): StoredSession {
  const stored = StoredSession.of({ sessionStore: store, ...request }, clock)
  assert.ok(stored)
  return stored
}

describe('StoredSession', () => {
  it('is there for a request with a session store and a session ID only', () => {
    const store = { get: () => undefined, set: () => undefined }
    assert.ok(StoredSession.of({ sessionStore: store, sessionID: 'one' }, systemClock))
    assert.ok(StoredSession.of({ sessionStore: store, session: { id: 'one' } }, systemClock))
    for (const request of [{}, { sessionID: 'one' }, { sessionStore: store }, { sessionStore: store, sessionID: '' }, { sessionStore: {}, sessionID: 'one' }, { sessionStore: { get: store.get }, sessionID: 'one' }, { sessionStore: { set: store.set }, sessionID: 'one' }, { sessionStore: null, sessionID: 'one' }, { session: { id: 'one' } }]) {
      assert.equal(StoredSession.of(request, systemClock), undefined)
    }
  })

  describe('load()', () => {
    it('resolves to the session, by load() where the store has it, else by get()', async () => {
      const session = { some: 'thing' }
      const get = (id: string, done: Done) => done(null, { id, by: 'get' })
      const load = (id: string, done: Done) => done(null, { id, by: 'load' })
      assert.deepEqual(await storedSession({ ...rest, get }).load(), { id: 'one', by: 'get' })
      assert.deepEqual(await storedSession({ ...rest, get, load }).load(), { id: 'one', by: 'load' })
      assert.equal(await storedSession({ ...rest, get: (_id: string, done: Done) => done(undefined, session) }).load(), session)
    })

    for (const [what, ...reply] of [
      ['an error with the code ENOENT', Object.assign(new Error('gone'), { code: 'ENOENT' })],
      ['null', null, null],
      ['undefined', null, undefined],
      ['false', null, false],
      ['nothing at all']
    ] as const) {
      it(`resolves to undefined when the store reports a missing session with ${what}`, async () => {
        assert.equal(await storedSession({ ...rest, get: (_id: string, done: Done) => done(...(reply as [unknown?, unknown?])) }).load(), undefined)
      })
    }

    it('rejects with any other error of the store, called back or thrown', async () => {
      for (const error of [new Error('the disk is full'), Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })]) {
        await assert.rejects(storedSession({ ...rest, get: (_id: string, done: Done) => done(error) }).load(), error)
        await assert.rejects(
          storedSession({
            ...rest,
            get: () => {
              throw error
            }
          }).load(),
          error
        )
      }
    })
  })

  it('save() stores the session under its ID, and rejects with the error of the store', async () => {
    const saved: unknown[] = []
    const get = () => undefined
    await storedSession({ get, set: (id: string, session: object, done: Done) => done(void saved.push(id, session)) }).save({ some: 'thing' })
    assert.deepEqual(saved, ['one', { some: 'thing' }])
    const error = new Error('the disk is full')
    await assert.rejects(storedSession({ get, set: (_id: string, _session: object, done: Done) => done(error) }).save({}), error)
  })

  it('save() first renews the expiry of the session cookie, from which stores take their TTL', async () => {
    const calls: string[] = []
    const set = (_id: string, _session: object, done: Done) => done(void calls.push('set'))
    await storedSession({ get: () => undefined, set }).save({ touch: () => calls.push('touch') })
    assert.deepEqual(calls, ['touch', 'set'])
  })

  it('load() and destroy() reject when the store never responds', async () => {
    const silent = () => undefined
    for (const call of ['load', 'destroy'] as const) {
      let waited = 0
      const clock: Clock = { ...systemClock, sleep: (ms) => Promise.resolve(void (waited += ms)) }
      const stored = storedSession({ get: silent, set: silent, destroy: silent }, undefined, clock)
      await assert.rejects(stored[call](), /^Error: The session store did not respond within 4000 ms\.$/)
      assert.equal(Math.round(waited), 4000)
    }
  })

  it('destroy() removes the session, does nothing where the store cannot, and rejects with the error of the store', async () => {
    const destroyed: string[] = []
    const store = { ...rest, get: () => undefined }
    await storedSession({ ...store, destroy: (id: string, done: Done) => done(void destroyed.push(id)) }).destroy()
    assert.deepEqual(destroyed, ['one'])
    await storedSession(store).destroy()
    const error = new Error('the disk is full')
    await assert.rejects(storedSession({ ...store, destroy: (_id: string, done: Done) => done(error) }).destroy(), error)
  })

  it('calls the functions of the store as its methods', async () => {
    class Store {
      readonly session = { of: 'the store' }
      get(_id: string, done: Done): void {
        done(null, this.session)
      }
      set(_id: string, session: object, done: Done): void {
        Object.assign(this.session, session)
        done()
      }
      destroy(_id: string, done: Done): void {
        Object.assign(this.session, { of: 'nobody' })
        done()
      }
    }
    const stored = storedSession(new Store())
    await stored.save({ saved: true })
    assert.deepEqual(await stored.load(), { of: 'the store', saved: true })
    await stored.destroy()
    assert.deepEqual(await stored.load(), { of: 'nobody', saved: true })
  })
})

describe('saveSession()', () => {
  it('saves through a callback or a promise, and passes errors on', async () => {
    const error = new Error('the disk is full')
    await saveSession({ session: { save: (done: Done) => done() } })
    await saveSession({ session: { save: () => Promise.resolve() } })
    await assert.rejects(saveSession({ session: { save: (done: Done) => done(error) } }), error)
    await assert.rejects(saveSession({ session: { save: () => Promise.reject(error) } }), error)
  })

  it('also passes on the rejection of a promise that is none of this realm, as under Jest, or that has no reason', async () => {
    const thenable = { then: (_resolve: unknown, reject: (reason: unknown) => void) => reject(new Error('the disk is full')) }
    await assert.rejects(saveSession({ session: { save: () => thenable } }), /the disk is full/)
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what some stores do
    assert.ok(await saveSession({ session: { save: () => Promise.reject() } }).then(() => false, () => true))
  })

  it('first renews the expiry of the session cookie, from which stores take their TTL', async () => {
    const calls: string[] = []
    await saveSession({ session: { touch: () => calls.push('touch'), save: (done: Done) => done(void calls.push('save')) } })
    assert.deepEqual(calls, ['touch', 'save'])
  })

  it('rejects if the store does not respond within 10 seconds, which is longer than a slow store needs', async () => {
    let waited = 0
    const clock: Clock = { ...systemClock, sleep: (ms) => Promise.resolve(void (waited += ms)) }
    await assert.rejects(saveSession({ session: { save: () => undefined } }, clock), /^Error: The session store did not respond within 10000 ms\.$/)
    assert.equal(Math.round(waited), 10_000)
  })

  it('does nothing for a session that is saved with the response, and throws without a session', async () => {
    await saveSession({ session: {} })
    await assert.rejects(saveSession({}), /^Error: There is no req\.session\. Add session middleware .* If it is there, its store may be disconnected\.$/)
  })
})
