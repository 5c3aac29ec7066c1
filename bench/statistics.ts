import { randomNumbers } from './random.ts'

/** The distribution of several measurements. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** How many times as much one thing costs as another. */
export interface Ratio {
  readonly median: number
  /** The 95 % interval of the median. */
  readonly low: number
  readonly high: number
}

/** The measurements of each generation of processes, one per round. */
export type Generations = readonly (readonly number[])[]

const RESAMPLES = 2000
export function spreadOf(readings: readonly number[]): Spread {
  return { median: medianOf(readings), min: Math.min(...readings), max: Math.max(...readings) }
}

export function medianOf(readings: readonly number[]): number {
  const sorted = readings.toSorted((one, other) => one - other)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2
}

/** @param share from 0 to 1, such as 0.99 for the 99th percentile */
export function percentile(readings: readonly number[], share: number): number {
  const sorted = readings.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/**
 * Compares figures with a baseline that was measured in the same rounds: the median of the ratios of the single rounds.
 *
 * The interval is a bootstrap: the median is computed again for generations drawn at random, and rounds drawn at random from each of
 * them. Generations are drawn as a whole because the rounds of one process resemble each other. The seed is fixed, so that the same
 * measurements always give the same interval.
 */
export function ratioOf(figures: Generations, baseline: Generations): Ratio {
  const ratios = figures.map((rounds, generation) => rounds.map((figure, round) => figure / (baseline[generation]?.[round] ?? NaN)))
  const random = randomNumbers()
  const medians = Array.from({ length: RESAMPLES }, () => medianOf(drawFrom(ratios, random).flatMap((rounds) => drawFrom(rounds, random))))
  return { median: medianOf(ratios.flat()), low: percentile(medians, 0.025), high: percentile(medians, 0.975) }
}

/** Whether the interval excludes 1, so that the two things differ by more than noise. */
export function isDifference({ low, high }: Ratio): boolean {
  return low > 1 || high < 1
}

/** As many items as there are, each drawn from all of them. */
function drawFrom<Item>(items: readonly Item[], random: () => number): Item[] {
  return items.map((item) => items[Math.floor(random() * items.length)] ?? item)
}
