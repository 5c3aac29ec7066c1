// A plugin for Stryker that leaves mutants out of a run, so that a sample is left. Stryker reports these as compile errors.
import { createHash } from 'node:crypto'
import { relative } from 'node:path'

const share = Number(process.env.MUTATION_SAMPLE)

/** Depends on the mutant alone: each is chosen independently of the others, and a larger sample contains a smaller one. */
function isChosen({ fileName, location: { start, end }, mutatorName, replacement }) {
  const mutant = JSON.stringify([relative(process.cwd(), fileName), start.line, start.column, end.line, end.column, mutatorName, replacement])
  return createHash('sha256').update(mutant).digest().readUInt32BE() / 2 ** 32 < share
}

export const strykerPlugins = [
  {
    kind: 'Checker',
    name: 'sample',
    value: {
      init: () => Promise.resolve(),
      check: (mutants) => Promise.resolve(Object.fromEntries(mutants.map((mutant) => [mutant.id, isChosen(mutant) ? { status: 'passed' } : { status: 'compileError', reason: 'Not in the sample' }]))),
      group: (mutants) => Promise.resolve([mutants.map(({ id }) => id)])
    }
  }
]
