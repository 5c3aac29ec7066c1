import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { MemoryRefreshes, nameOf } from '../../../lib/session/records/memory-refreshes'
import type { SpentTokens } from '../../../lib/session/records/refreshes'
import { gate } from '../../support/gate'
import { tokensOf } from '../../support/session-app'

const SPENT: SpentTokens = { accessToken: 'access-0', refreshToken: 'refresh-0' }
const MINUTE = 60_000

describe('refreshes in one process', () => {
  beforeEach(() => mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 }))
  afterEach(() => mock.timers.reset())

  /** A refresh that counts how often it was done. */
  function counted() {
    return mock.fn(() => Promise.resolve(tokensOf({ accessToken: `access-${Date.now()}` })))
  }

  it('are done once for all who ask while it is under way, and for all who come later', async () => {
    const refreshes = new MemoryRefreshes()
    const refresh = counted()
    const together = await Promise.all(Array.from({ length: 100 }, () => refreshes.once(SPENT, refresh)))
    mock.timers.tick(9 * MINUTE)
    const later = await refreshes.once(SPENT, refresh)
    assert.equal(refresh.mock.callCount(), 1)
    assert.equal(new Set([...together, later]).size, 1)
    assert.deepEqual(later, { tokens: tokensOf({ accessToken: 'access-1800000000000', expiresAt: 1_800_003_600_000 }), at: 1_800_000_000_000 })
  })

  it('tell when they were done, and not when they were begun', async () => {
    const { opened, open } = gate()
    const asked = new MemoryRefreshes().once(SPENT, async () => {
      await opened
      return tokensOf()
    })
    mock.timers.tick(500)
    open()
    assert.equal((await asked).at, 1_800_000_000_500)
  })

  it('are forgotten after a time', async () => {
    for (const [keptFor, forgottenAfter] of [
      [undefined, 10 * MINUTE],
      [5000, 5000]
    ] as const) {
      const refreshes = new MemoryRefreshes(keptFor)
      const refresh = counted()
      await refreshes.once(SPENT, refresh)
      mock.timers.tick(forgottenAfter - 1)
      await refreshes.once(SPENT, refresh)
      assert.equal(refresh.mock.callCount(), 1)
      mock.timers.tick(1)
      await refreshes.once(SPENT, refresh)
      assert.equal(refresh.mock.callCount(), 2)
    }
  })

  it('are told apart by both tokens, since Twilio may keep a refresh token good', async () => {
    const refreshes = new MemoryRefreshes()
    const refresh = counted()
    await refreshes.once(SPENT, refresh)
    await refreshes.once({ ...SPENT, accessToken: 'access-1' }, refresh)
    await refreshes.once({ ...SPENT, refreshToken: 'refresh-1' }, refresh)
    assert.equal(refresh.mock.callCount(), 3)
  })

  it('that bring the same tokens again are not remembered: those have not been spent', async () => {
    const refreshes = new MemoryRefreshes()
    const same = mock.fn(() => Promise.resolve(tokensOf(SPENT)))
    for (const times of [1, 2, 3]) {
      await Promise.all([refreshes.once(SPENT, same), refreshes.once(SPENT, same)])
      assert.equal(same.mock.callCount(), times)
    }
  })

  it('that bring tokens which were spent before make them good for a refresh again', async () => {
    const refreshes = new MemoryRefreshes()
    const other = { ...SPENT, accessToken: 'access-1' }
    await refreshes.once(SPENT, () => Promise.resolve(tokensOf(other)))
    await refreshes.once(other, () => Promise.resolve(tokensOf(SPENT)))
    const refresh = counted()
    await refreshes.once(SPENT, refresh)
    assert.equal(refresh.mock.callCount(), 1)
    assert.deepEqual((await refreshes.once(other, refresh)).tokens.accessToken, 'access-0')
  })

  it('that fail fail for all who wait, and are tried anew by the next', async () => {
    const refreshes = new MemoryRefreshes()
    const failure = new Error('Twilio is down')
    const failing = mock.fn(() => Promise.reject(failure))
    const together = await Promise.allSettled([refreshes.once(SPENT, failing), refreshes.once(SPENT, failing)])
    assert.deepEqual(together.map((outcome) => outcome.status === 'rejected' && (outcome.reason as unknown)), [failure, failure])
    assert.equal(failing.mock.callCount(), 1)
    const refresh = counted()
    await refreshes.once(SPENT, refresh)
    assert.equal(refresh.mock.callCount(), 1)
  })

  it('are remembered up to 10,000 of them, and the oldest are forgotten first', async () => {
    const refreshes = new MemoryRefreshes()
    const refresh = counted()
    const spent = (number: number) => ({ ...SPENT, refreshToken: `refresh-${number}` })
    for (let number = 0; number < 10_002; number++) await refreshes.once(spent(number), refresh)
    await refreshes.once(spent(10_001), refresh)
    await refreshes.once(spent(2), refresh)
    assert.equal(refresh.mock.callCount(), 10_002)
    await refreshes.once(spent(0), refresh)
    assert.equal(refresh.mock.callCount(), 10_003)
  })

  it('are known by a name that does not tell the tokens', () => {
    assert.match(nameOf(SPENT), /^[\w-]{43}$/)
    assert.equal(nameOf(SPENT), nameOf({ ...SPENT }))
  })
})
