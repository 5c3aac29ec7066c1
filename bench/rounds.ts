import { randomNumbers, shuffled } from './random.ts'

/**
 * Measures each subject once per round, one after the other. The order is random, because a subject that always came after the same
 * one would always pay for collecting its garbage.
 */
export async function inRounds<Name, Subject, Reading>(
  rounds: number,
  subjects: ReadonlyMap<Name, Subject>,
  measure: (subject: Subject, name: Name) => Promise<Reading>
): Promise<Map<Name, Reading[]>> {
  const readings = new Map<Name, Reading[]>([...subjects.keys()].map((name) => [name, []]))
  const random = randomNumbers()
  for (let round = 0; round < rounds; round++) {
    for (const [name, subject] of shuffled([...subjects], random)) readings.get(name)?.push(await measure(subject, name))
  }
  return readings
}

/** Repeats a measurement with new processes, because the memory layout of a process affects the results. */
export async function inGenerations<Name, Reading>(generations: number, measure: () => Promise<ReadonlyMap<Name, Reading[]>>): Promise<Map<Name, Reading[][]>> {
  const readings = new Map<Name, Reading[][]>()
  for (let generation = 0; generation < generations; generation++) {
    for (const [name, rounds] of await measure()) readings.set(name, [...(readings.get(name) ?? []), rounds])
  }
  return readings
}
