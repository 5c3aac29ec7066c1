/** The distribution of several measurements. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spreadOf(readings: readonly number[]): Spread {
  const sorted = readings.toSorted((one, other) => one - other)
  const at = (position: number) => sorted[position] ?? NaN
  const middle = (sorted.length - 1) / 2
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) }
}

/** @param share from 0 to 1, such as 0.99 for the 99th percentile */
export function percentile(readings: readonly number[], share: number): number {
  const sorted = readings.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** Compares figures with a baseline that has at least as many rounds: the ratio of the medians, and the range of the ratios of single rounds. */
export function ratios(figures: readonly number[], baseline: readonly number[]): Spread {
  const { min, max } = spreadOf(figures.map((figure, round) => figure / (baseline[round] ?? NaN)))
  return { median: spreadOf(figures).median / spreadOf(baseline.slice(0, figures.length)).median, min, max }
}
