import type { Ratio, Spread } from './statistics.ts'

/** Prints figures with their names, indented by level. */
export function print(figures: object, indent = '  '): void {
  for (const [name, value] of Object.entries(figures) as [string, unknown][]) {
    if (isSpread(value)) console.log(`${indent}${name}: ${value.median.toFixed(3)} (${value.min.toFixed(3)} to ${value.max.toFixed(3)})`)
    else if (isRatio(value)) console.log(`${indent}${name}: ${value.median.toFixed(3)} (95 %: ${value.low.toFixed(3)} to ${value.high.toFixed(3)})`)
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      console.log(indent + name)
      print(value, `${indent}  `)
    } else console.log(`${indent}${name}: ${String(value)}`)
  }
}

function isSpread(value: unknown): value is Spread {
  return typeof value === 'object' && value !== null && 'min' in value && 'median' in value
}

function isRatio(value: unknown): value is Ratio {
  return typeof value === 'object' && value !== null && 'low' in value && 'median' in value
}
