import { isDifference, type Ratio, type Spread } from '../statistics.ts'

/** How figures are written in the reports. */

/** The ratio with its interval, or that there is no difference. */
export function ratioText(ratio: Ratio | undefined): string {
  if (ratio === undefined) return 'not measured'
  const { median, low, high } = ratio
  if (low === 1 && high === 1) return '1'
  const interval = `(${low.toFixed(2)} to ${high.toFixed(2)})`
  return isDifference(ratio) ? `${median.toFixed(2)} ${interval}` : `no difference ${interval}`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

export function list(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`
}

/** Calls such as `requireLogin()` as code. */
export function code(name: string): string {
  return name.replace(/[\w.]+\(\)/g, (call) => `\`${call}\``)
}

export function microseconds({ median }: Spread): string {
  return `${median.toFixed(0)} µs`
}

export function milliseconds({ median }: Spread, digits = 0): string {
  return `${median.toFixed(digits)} ms`
}

export function whole(count: number): string {
  return Math.round(count).toLocaleString('en')
}

/** `1`, or `1 to 3`. */
export function range(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? String(least) : `${least} to ${most}`
}
