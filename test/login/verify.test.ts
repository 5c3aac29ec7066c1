import assert from 'node:assert/strict'
import { callVerify, type AnyVerify, type VerifyCallback } from '../../lib/login/verify'

const GIVEN = { accessToken: 'a', refreshToken: 'r', params: { expires_in: 60 }, profile: undefined }
const USER = { id: 'US1' }

/** A function with `count` parameters that records its arguments. */
function taking(count: number, calls: unknown[][]): AnyVerify {
  const verify = (...given: unknown[]) => {
    calls.push(given)
    const done = given.at(-1) as VerifyCallback
    done(null, USER, { message: 'hello' })
  }
  return Object.defineProperty(verify, 'length', { value: count })
}

describe('callVerify', () => {
  it('passes four arguments, or five with the token response', async () => {
    for (const [count, expected] of [
      [4, ['a', 'r', undefined]],
      [5, ['a', 'r', GIVEN.params, undefined]]
    ] as const) {
      const calls: unknown[][] = []
      assert.deepEqual(await callVerify(taking(count, calls), GIVEN), { user: USER, info: { message: 'hello' } })
      assert.deepEqual(calls[0]?.slice(0, -1), expected)
    }
  })

  it('passes the request first with passReqToCallback', async () => {
    const request = { url: '/' }
    for (const [count, expected] of [
      [5, [request, 'a', 'r', undefined]],
      [6, [request, 'a', 'r', GIVEN.params, undefined]],
      [1, [request, 'a', 'r', GIVEN.params, undefined]],
      [0, [request, 'a', 'r', GIVEN.params, undefined]]
    ] as const) {
      const calls: unknown[][] = []
      await callVerify(taking(count, calls), { ...GIVEN, request })
      assert.deepEqual(calls[0]?.slice(0, -1), expected)
    }
  })

  it('passes the token response and the profile to a variadic function', async () => {
    const calls: unknown[][] = []
    await callVerify(taking(0, calls), GIVEN)
    assert.deepEqual(calls[0]?.slice(0, -1), ['a', 'r', GIVEN.params, undefined])
  })

  it('uses the user that a promise from verify resolves to', async () => {
    const three = (_accessToken: string, _refreshToken: string, profile: unknown) => Promise.resolve({ id: profile })
    assert.deepEqual(await callVerify(three as AnyVerify, GIVEN), { user: { id: undefined }, info: undefined })
    for (const nobody of [false, null, undefined]) {
      assert.equal((await callVerify(((_accessToken: string) => Promise.resolve(nobody)) as AnyVerify, GIVEN)).user, nobody)
    }
  })

  it('uses the user, or nobody, that a function without a done parameter returns', async () => {
    for (const result of [USER, false, null]) {
      assert.equal((await callVerify(((_accessToken: string, _refreshToken: string, _profile: unknown) => result) as AnyVerify, GIVEN)).user, result)
    }
  })

  it('waits for done if parameters have defaults and nothing is returned', async () => {
    const later = (_accessToken: string, _refreshToken = '', _profile: unknown, done: VerifyCallback) => {
      setImmediate(() => done(null, USER))
    }
    assert.equal((await callVerify(later as AnyVerify, GIVEN)).user, USER)
  })

  it('waits for done if an async function with a done parameter resolves to undefined', async () => {
    const later = async (_accessToken: string, _refreshToken: string, _profile: unknown, done: VerifyCallback) => {
      await Promise.resolve()
      setTimeout(() => done(null, USER), 5)
    }
    assert.equal((await callVerify(later as AnyVerify, GIVEN)).user, USER)
    const wrapped = async (...given: unknown[]) => {
      await Promise.resolve()
      ;(given.at(-1) as VerifyCallback)(null, USER)
    }
    assert.equal((await callVerify(wrapped, GIVEN)).user, USER)
  })

  it('accepts done from a variadic async function until its promise resolves', async () => {
    const now = async (...given: unknown[]) => {
      ;(given.at(-1) as VerifyCallback)(null, USER)
      await Promise.resolve()
    }
    const awaiting = async (...given: unknown[]) => {
      await new Promise((resolve) => setImmediate(resolve))
      ;(given.at(-1) as VerifyCallback)(null, USER, { message: 'hello' })
    }
    for (const verify of [now, awaiting]) assert.equal((await callVerify(verify, GIVEN)).user, USER)
    assert.deepEqual((await callVerify(awaiting, { ...GIVEN, request: {} })).info, { message: 'hello' })
  })

  it('does not wait for done once the promise of a variadic function resolves to nobody', async () => {
    for (const nobody of [undefined, null, false]) {
      const verify = (..._given: unknown[]) => Promise.resolve(nobody)
      for (const given of [GIVEN, { ...GIVEN, request: {} }]) assert.deepEqual(await callVerify(verify, given), { user: nobody, info: undefined })
    }
  })

  it('uses the user that the promise resolves to if a function has a done parameter and does not call it', async () => {
    const verify = async (_accessToken: string, _refreshToken: string, _profile: unknown, _done: VerifyCallback) => Promise.resolve(USER)
    assert.deepEqual(await callVerify(verify as AnyVerify, GIVEN), { user: USER, info: undefined })
  })

  it('turns a string that is passed as info into a message', async () => {
    const verify = (user: unknown): AnyVerify => (...given) => {
      ;(given.at(-1) as VerifyCallback)(null, user as typeof USER, 'welcome')
    }
    for (const user of [USER, false]) assert.deepEqual(await callVerify(verify(user), GIVEN), { user, info: { message: 'welcome' } })
  })

  it('rejects if verify throws, rejects, or passes an error to done', async () => {
    const reason = new Error('the database is gone')
    const failing: AnyVerify[] = [
      () => {
        throw reason
      },
      () => Promise.reject(reason),
      (...given) => {
        ;(given.at(-1) as VerifyCallback)(reason)
      }
    ]
    for (const verify of failing) await assert.rejects(callVerify(verify, GIVEN), reason)
  })

  it('uses the first result only', async () => {
    const twice: AnyVerify = (...given) => {
      const done = given.at(-1) as VerifyCallback
      done(null, USER)
      done(new Error('too late'))
      return Promise.reject(new Error('much too late'))
    }
    assert.equal((await callVerify(twice, GIVEN)).user, USER)
  })
})
