/** Measures each subject once per round, one after the other. Another one begins each round, so that none is always measured first. */
export async function inRounds<Name, Subject, Reading>(
  rounds: number,
  subjects: ReadonlyMap<Name, Subject>,
  measure: (subject: Subject, name: Name) => Promise<Reading>
): Promise<Map<Name, Reading[]>> {
  const readings = new Map<Name, Reading[]>([...subjects.keys()].map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, subject] of rotated([...subjects], round)) readings.get(name)?.push(await measure(subject, name))
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

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}
