import { runSchedule } from './schedule'

const count = Number(process.env.SIMULATE_SCHEDULES ?? 1000)
const seed = Number(process.env.SIMULATE_SEED ?? 1)
async function main() {
const start = performance.now()
const found = new Map<string, number[]>()
for (let n = 0; n < count; n++) {
  const verdict = await runSchedule(seed + n).catch((error: unknown) => ({ violations: [{ invariant: String(error) + (error as Error).stack, details: '' }] }))
  for (const { invariant } of verdict.violations) found.set(invariant, [...(found.get(invariant) ?? []), seed + n])
  if (count === 1) console.log((await runSchedule(seed, { isTraced: true })).trace.join('\n'))
}
console.log(`${((count / (performance.now() - start)) * 1000).toFixed(0)}/s`)
for (const [invariant, seeds] of found) console.log(invariant, seeds.length, seeds.slice(0, 12).join(' '))
}
void main()
