// Plugins for Stryker.
import { createHash } from 'node:crypto'
import { relative } from 'node:path'

const share = Number(process.env.MUTATION_SAMPLE)

/** Depends on the mutant alone: each is chosen independently of the others, and a larger sample contains a smaller one. */
function isChosen({ fileName, location: { start, end }, mutatorName, replacement }) {
  const mutant = JSON.stringify([relative(process.cwd(), fileName), start.line, start.column, end.line, end.column, mutatorName, replacement])
  return createHash('sha256').update(mutant).digest().readUInt32BE() / 2 ** 32 < share
}

/** Leaves mutants out of a run, so that a sample is left. Stryker reports them as compile errors. */
const sample = {
  init: () => Promise.resolve(),
  group: (mutants) => Promise.resolve([mutants.map(({ id }) => id)]),
  check: (mutants) => Promise.resolve(Object.fromEntries(mutants.map((mutant) => [mutant.id, isChosen(mutant) ? { status: 'passed' } : { status: 'compileError', reason: 'Not in the sample' }])))
}

/** Prints each mutant that no test detects as soon as it is known. */
const survivors = {
  onMutantTested({ status, fileName, location: { start }, mutatorName, replacement }) {
    if (status !== 'Survived' && status !== 'NoCoverage') return
    console.log(`${status}: ${relative(process.cwd(), fileName)}:${start.line}:${start.column} ${mutatorName} → ${replacement}`)
  }
}

export const strykerPlugins = [
  { kind: 'Checker', name: 'sample', value: sample },
  { kind: 'Reporter', name: 'survivors', value: survivors }
]
