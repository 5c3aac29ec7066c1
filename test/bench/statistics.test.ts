import assert from 'node:assert/strict'
import { isDifference, medianOf, percentile, ratioOf, spreadOf } from '../../bench/statistics'

describe('the statistics of the benchmarks', () => {
  it('give the middle reading as the median, or the mean of the two in the middle', () => {
    assert.equal(medianOf([9, 1, 5]), 5)
    assert.equal(medianOf([9, 1, 5, 7]), 6)
  })

  it('give the smallest and the largest reading with the median', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 })
  })

  it('give the reading that a share of all readings does not exceed as a percentile', () => {
    const readings = Array.from({ length: 100 }, (_, index) => 100 - index)
    assert.equal(percentile(readings, 0.5), 51)
    assert.equal(percentile(readings, 0.99), 100)
  })

  it('compare what was measured in the same round, so that a machine that is slow for a while does not matter', () => {
    const baseline = [[100, 900, 100, 500]]
    const { median, low, high } = ratioOf([[110, 990, 110, 550]], baseline)
    for (const figure of [median, low, high]) assert.ok(Math.abs(figure - 1.1) < 1e-9)
  })

  it('report a difference that is larger than the noise', () => {
    const ratio = ratioOf(generations({ of: 5, factor: 1.1, phase: 1 }), generations({ of: 5 }))
    assert.ok(isDifference(ratio))
    assert.ok(ratio.low <= 1.1 && ratio.high >= 1.1)
  })

  it('report no difference between equals, however noisy', () => {
    assert.equal(isDifference(ratioOf(generations({ of: 5, phase: 1 }), generations({ of: 5 }))), false)
  })

  it('report no difference if generations of processes contradict each other, however many rounds each of them has', () => {
    const rounds = 200
    const baseline = [Array<number>(rounds).fill(100), Array<number>(rounds).fill(100)]
    assert.equal(isDifference(ratioOf([Array<number>(rounds).fill(120), Array<number>(rounds).fill(90)], baseline)), false)
  })

  it('give the same interval for the same readings', () => {
    const readings = [generations({ of: 3, phase: 2 }), generations({ of: 3 })] as const
    assert.deepEqual(ratioOf(...readings), ratioOf(...readings))
  })
})

/** Readings around 100 that differ by up to a tenth. */
function generations({ of: count, factor = 1, phase = 0 }: { of: number; factor?: number; phase?: number }): number[][] {
  return Array.from({ length: count }, (_, generation) => Array.from({ length: 20 }, (_, round) => factor * (100 + 10 * Math.sin(7 * round + 3 * generation + 2 * phase))))
}
