import type { Results } from '../results.ts'

const [LEFT, WIDTH, ROW] = [230, 760, 34]

/** A bar chart of the CPU time of a whole login, relative to passport-oauth2. */
export function chartOf(logins: Results['logins']): string {
  const rows = Object.entries(logins).map(([name, { againstPassportOAuth2 }]) => ({ name, ratio: againstPassportOAuth2.median }))
  const scale = (WIDTH - LEFT - 70) / Math.max(...rows.map(({ ratio }) => ratio))
  const bars = rows.map(({ name, ratio }, index) => {
    const y = 56 + index * ROW
    const colour = name.startsWith('passport-twilio') ? '#c4162f' : '#8a8f99'
    return `<text x="${LEFT - 12}" y="${y + 15}" text-anchor="end">${name}</text><rect x="${LEFT}" y="${y}" width="${(ratio * scale).toFixed(1)}" height="21" rx="3" fill="${colour}"/><text x="${(LEFT + ratio * scale + 8).toFixed(1)}" y="${y + 15}">${ratio.toFixed(2)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${70 + rows.length * ROW}" role="img" aria-label="Server CPU of a whole login, relative to passport-oauth2">
<style>text{font:14px system-ui,sans-serif;fill:#3a3d44}.t{font-weight:600;font-size:16px}@media(prefers-color-scheme:dark){text{fill:#d7dae0}}</style>
<text class="t" x="12" y="28">Server CPU of a whole login (passport-oauth2 is 1)</text>
${bars.join('\n')}
</svg>
`
}
