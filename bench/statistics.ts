/** Several readings of one figure. */
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

/** The share of readings that were not above the result. */
export function percentile(readings: readonly number[], share: number): number {
  const sorted = readings.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** Figures against a yardstick's of the same rounds, the first: the ratio of their medians, and how far those of the single rounds are apart. */
export function ratios(figures: readonly number[], yardstick: readonly number[]): Spread {
  const { min, max } = spreadOf(figures.map((figure, round) => figure / (yardstick[round] ?? NaN)))
  return { median: spreadOf(figures).median / spreadOf(yardstick.slice(0, figures.length)).median, min, max }
}
