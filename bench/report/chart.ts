import type { LoginFigures } from './logins.ts'

/** A bar chart of the CPU time of a whole login, relative to the hand-written minimum. */
export function chartOf(logins: Readonly<Record<string, LoginFigures>>): string {
  const rows = Object.entries(logins).map(([name, { cpuAgainstMinimum }]) => ({ name, ratio: cpuAgainstMinimum.median }))
  const [left, width, height] = [230, 760, 34]
  const longest = Math.max(...rows.map(({ ratio }) => ratio))
  const scale = (width - left - 70) / longest
  const bars = rows.map(({ name, ratio }, index) => {
    const y = 56 + index * height
    const colour = name.startsWith('passport-twilio') ? '#c4162f' : '#8a8f99'
    return `<text x="${left - 12}" y="${y + 15}" text-anchor="end">${name}</text><rect x="${left}" y="${y}" width="${(ratio * scale).toFixed(1)}" height="21" rx="3" fill="${colour}"/><text x="${(left + ratio * scale + 8).toFixed(1)}" y="${y + 15}">${ratio.toFixed(2)}</text>`
  })
  const total = 70 + rows.length * height
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" role="img" aria-label="CPU of a whole login, against the hand-written minimum">
<style>text{font:14px system-ui,sans-serif;fill:#3a3d44}.t{font-weight:600;font-size:16px}@media(prefers-color-scheme:dark){text{fill:#d7dae0}}</style>
<text class="t" x="12" y="28">Server CPU of a whole login (the hand-written minimum is 1)</text>
${bars.join('\n')}
</svg>
`
}
