import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { runSchedule } from './schedule'

/**
 * `npm run simulate`: runs many schedules, on all cores, and prints what breaks a promise.
 *
 * `SIMULATE_SCHEDULES` says how many (default: a million), `SIMULATE_SEED` the first seed. With one schedule, its trace is printed.
 */
const SCHEDULES = Number(process.env.SIMULATE_SCHEDULES ?? 1_000_000)
const SEED = Number(process.env.SIMULATE_SEED ?? Math.floor(Math.random() * 1e9))
/** Ends the run at the first violation. */
const STOPS_EARLY = process.env.SIMULATE_STOP === '1'
/** `FROM-TO`: the seeds that a process runs which this one has started. */
const [, FROM, TO] = /^(\d+)-(\d+)$/.exec(process.env.SIMULATE_RANGE ?? '') ?? []
/** Schedules that a process runs between two reports. */
const BATCH = 500

interface Report {
  readonly done: number
  readonly violations: readonly Violation[]
}

interface Violation {
  readonly seed: number
  readonly invariant: string
  readonly details: string
}

async function printTrace(): Promise<void> {
  const { trace, violations } = await runSchedule(SEED, { isTraced: true })
  console.log(trace.join('\n'))
  process.exitCode = violations.length > 0 ? 1 : 0
}

async function runRange(from: number, to: number): Promise<void> {
  for (let seed = from; seed < to; seed += BATCH) {
    const end = Math.min(seed + BATCH, to)
    const violations: Violation[] = []
    for (let one = seed; one < end; one++) {
      const verdict = await runSchedule(one)
      const [first] = verdict.violations
      if (first) violations.push({ seed: one, ...first })
    }
    const report: Report = { done: end - seed, violations }
    await new Promise((resolve) => process.send?.(report, resolve))
  }
}

async function runAll(): Promise<void> {
  const start = performance.now()
  const violations: Violation[] = []
  let done = 0
  let printedAt = start
  const rate = () => `${((done / (performance.now() - start)) * 1000).toFixed(0)} per second`
  console.log(`${SCHEDULES} schedules from seed ${SEED}`)
  const count = Math.min(availableParallelism(), Math.ceil(SCHEDULES / BATCH))
  const workers = Array.from({ length: count }, (_, n) => {
    const [from, to] = [n, n + 1].map((part) => SEED + Math.floor((SCHEDULES * part) / count))
    return fork(__filename, { env: { ...process.env, SIMULATE_RANGE: `${from}-${to}` } })
  })
  const ends = workers.map(
    (worker) =>
      new Promise<void>((resolve, reject) => {
        worker.on('message', (report: Report) => {
          done += report.done
          violations.push(...report.violations)
          for (const { seed, invariant, details } of report.violations) console.log(`seed ${seed}: ${invariant}: ${details}`)
          if (STOPS_EARLY && report.violations.length > 0) for (const other of workers) other.kill()
          if (performance.now() - printedAt < 10_000) return
          printedAt = performance.now()
          console.log(`${done} schedules, ${rate()}, ${violations.length} with violations`)
        })
        worker.on('error', reject)
        worker.on('exit', () => resolve())
      })
  )
  await Promise.all(ends)
  console.log(`${done} schedules in ${((performance.now() - start) / 1000).toFixed(0)} s, ${rate()}: ${violations.length} with violations`)
  if (violations[0]) console.log(`Print the trace of one: SIMULATE_SEED=${violations[0].seed} SIMULATE_SCHEDULES=1 npm run simulate`)
  process.exitCode = violations.length > 0 ? 1 : 0
}

if (FROM !== undefined && TO !== undefined) void runRange(Number(FROM), Number(TO)).finally(() => process.disconnect())
else if (SCHEDULES === 1) void printTrace()
else void runAll()
