import { deepStrictEqual } from 'node:assert'
import { figuresOf, readResults, writtenFigures } from './readme.ts'

/** Fails where the figures in the README and in docs/figures.md are not those of results.json. */
deepStrictEqual(writtenFigures(), figuresOf(readResults()), 'The figures in README.md and docs/figures.md are not those of bench/results.json. They are written by npm run bench, never by hand.')
